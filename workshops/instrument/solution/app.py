"""The house-price API, observed."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime

import model
from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, Field
from starlette.middleware.base import RequestResponseEndpoint

REQUESTS = Counter("http_requests", "HTTP requests answered.", ["method", "route", "status"])
INFERENCE = Histogram(
    "model_inference_duration_seconds",
    "Time of one inference.",
    ["model_version"],
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
PREDICTED = Histogram(
    "model_prediction_value",
    "Predicted price in dollars.",
    ["model_version"],
    buckets=(50_000, 75_000, 100_000, 125_000, 150_000, 175_000, 200_000, 250_000, 300_000),
)

app = FastAPI(title="House prices")


class House(BaseModel):
    """What a seller fills in."""

    area: float = Field(gt=0, le=2_000, description="square metres")
    rooms: int = Field(ge=1, le=50)
    age: float = Field(ge=0, le=500, description="years")
    place: str
    seller_email: str


class Quote(BaseModel):
    price: float
    model_version: str


@app.middleware("http")
async def observe(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Every request is counted, also one whose handler raised."""
    request.state.id = request.headers.get("x-request-id") or uuid.uuid4().hex
    status = 500
    try:
        response = await call_next(request)
        status = response.status_code
        response.headers["x-request-id"] = request.state.id
        return response
    finally:
        # Known only after routing; what no route takes shares one label.
        route = getattr(request.scope.get("route"), "path", "none")
        REQUESTS.labels(request.method, route, str(status)).inc()


@app.post("/predict")
def predict(house: House, request: Request) -> Quote:
    began = time.perf_counter()
    value = model.price(house.area, house.rooms, house.age, house.place)
    took = time.perf_counter() - began
    INFERENCE.labels(model.MODEL_VERSION).observe(took)
    PREDICTED.labels(model.MODEL_VERSION).observe(value)
    log_prediction(request.state.id, value, took)
    return Quote(price=value, model_version=model.MODEL_VERSION)


def log_prediction(request_id: str, value: float, took_s: float) -> None:
    line = {
        "timestamp": datetime.now(UTC).isoformat(),
        "level": "INFO",
        "message": "prediction",
        "request_id": request_id,
        "model_version": model.MODEL_VERSION,
        "prediction": value,
        "latency_ms": 1000 * took_s,
    }
    print(json.dumps(line), flush=True)


@app.get("/places/{place}")
def place(place: str) -> dict[str, bool]:
    if place not in model.PLACES:
        raise HTTPException(404, "The model does not know that place.")
    return {"known": True}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
