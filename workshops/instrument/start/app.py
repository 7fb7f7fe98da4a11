"""A house-price API without any observability. Run it: uvicorn app:app --port 8200"""

from __future__ import annotations

import model
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

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


@app.post("/predict")
def predict(house: House) -> Quote:
    value = model.price(house.area, house.rooms, house.age, house.place)
    return Quote(price=value, model_version=model.MODEL_VERSION)


@app.get("/places/{place}")
def place(place: str) -> dict[str, bool]:
    if place not in model.PLACES:
        raise HTTPException(404, "The model does not know that place.")
    return {"known": True}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
