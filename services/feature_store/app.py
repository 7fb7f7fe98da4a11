"""The feature store as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request

from chassis.redis import RedisStore
from chassis.service import build_app as build
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.feature_store.reader import FeatureReader
from services.feature_store.schemas import FeaturesAnswer, FeaturesAsk


def _reader(request: Request) -> FeatureReader:
    return request.app.state.reader


ReaderDep = Annotated[FeatureReader, Depends(_reader)]


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/features")
    async def features(ask: FeaturesAsk, reader: ReaderDep) -> FeaturesAnswer:
        return await reader.read(ask)

    return router


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """Ready without Redis too: it answers 503 until Redis does, and callers degrade."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with RedisStore(settings, "feature_store", telemetry) as store:
            app.state.reader = FeatureReader(store, telemetry)
            yield

    return build(telemetry, _routes(), lifespan, title="feature_store")
