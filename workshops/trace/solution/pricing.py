"""Makes a price of features. Run it: PORT=8203 python pricing.py"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tracing import Tracing

tracing = Tracing("pricing")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    tracing.provider.shutdown()  # sends what still waits


app = tracing.app(lifespan=lifespan)


class House(BaseModel):
    area: float
    age: float


@app.post("/price")
async def price(house: House) -> dict[str, float]:
    # A span of our own keeps what is raised in it; the server's span has the status alone.
    with tracing.tracer.start_as_current_span("price_house"):
        if house.area <= 0:
            raise ValueError("a house without an area has no price")
        value = 30_000 + 900 * house.area - 500 * house.age
        tracing.say(f"price {value}")
        return {"price": value}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8203")), access_log=False)
