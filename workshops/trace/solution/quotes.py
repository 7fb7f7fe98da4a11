"""The one that customers ask; it asks the other two. Run it: PORT=8201 python quotes.py"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from tracing import Tracing

FEATURES = os.environ.get("FEATURES_URL", "http://127.0.0.1:8202")
PRICING = os.environ.get("PRICING_URL", "http://127.0.0.1:8203")

tracing = Tracing("quotes")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # A connection a call: a server closes its own after an error, maybe while the next call is being written to it.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=5, trust_env=False, limits=limits) as client:
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=tracing.provider)
        app.state.client = client
        yield
    tracing.provider.shutdown()  # sends what still waits


app = tracing.app(lifespan=lifespan)


@app.get("/quotes/{house_id}")
async def quote(house_id: int, request: Request) -> dict[str, float]:
    client: httpx.AsyncClient = request.app.state.client
    features = await client.get(f"{FEATURES}/features/{house_id}")
    if features.status_code == 404:
        raise HTTPException(404, "There is no such house.")
    price = await client.post(f"{PRICING}/price", json=features.json())
    if price.is_error:
        raise HTTPException(502, "There is no price for this house.")
    tracing.say(f"quote for house {house_id}")
    return {"price": price.json()["price"]}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8201")), access_log=False)
