"""Knows the houses. Run it: PORT=8202 python features.py"""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI, HTTPException

HOUSES = {
    1: {"area": 120.0, "age": 20.0},
    2: {"area": 75.0, "age": 60.0},
    3: {"area": 0.0, "age": 5.0},  # somebody forgot the area
}

app = FastAPI(title="features")


@app.get("/features/{house_id}")
async def features(house_id: int) -> dict[str, float]:
    if house_id not in HOUSES:
        raise HTTPException(404, "There is no such house.")
    print(f"features of house {house_id}", flush=True)
    return HOUSES[house_id]


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8202")), access_log=False)
