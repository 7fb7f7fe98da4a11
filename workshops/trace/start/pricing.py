"""Makes a price of features. Run it: PORT=8203 python pricing.py"""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI(title="pricing")


class House(BaseModel):
    area: float
    age: float


@app.post("/price")
async def price(house: House) -> dict[str, float]:
    if house.area <= 0:
        raise ValueError("a house without an area has no price")
    value = 30_000 + 900 * house.area - 500 * house.age
    print(f"price {value}", flush=True)
    return {"price": value}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8203")), access_log=False)
