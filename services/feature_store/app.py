"""The feature store as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI

from chassis.background import keep_running
from chassis.drift import watch_model
from chassis.problems import Problem
from chassis.redis import RedisStore, StoreUnavailable
from chassis.service import build_app as build
from chassis.service import resource
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.feature_store.events import Aggregator, EventLog
from services.feature_store.reader import FeatureReader
from services.feature_store.schemas import Accepted, Events, FeaturesAnswer, FeaturesAsk

ReaderDep = Annotated[FeatureReader, resource("reader")]
EventLogDep = Annotated[EventLog, resource("event_log")]


# Whose reference the features are held against, and what in it comes from the models and not from here.
SERVED_FOR = ("conversion_model", "v1")
SCORES = ("text_score", "photo_quality", "photo_condition", "conversion_probability")


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/features")
    async def features(ask: FeaturesAsk, reader: ReaderDep) -> FeaturesAnswer:
        return await reader.read(ask)

    @router.post("/v1/events", status_code=202)
    async def events(events: Events, event_log: EventLogDep) -> Accepted:
        try:
            await event_log.append(events.events)
        except StoreUnavailable as error:
            raise Problem(503, "store-unavailable", "Events cannot be kept", "Send them again later.") from error
        return Accepted(accepted=len(events.events))

    return router


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """Ready without Redis too: it answers 503 until Redis does, and callers degrade."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            RedisStore(settings, "feature_store", telemetry) as store,
            # Connections of its own: the consumer waits in Redis for events, and that is no request's span.
            RedisStore(settings, "feature_store", telemetry, name="redis_events", timeout=5.0, traced=False) as stream,
            watch_model(telemetry, settings.models_dir, *SERVED_FOR, without=SCORES) as watch,
        ):
            app.state.reader = FeatureReader(store, telemetry, watch)
            app.state.event_log = EventLog(store, telemetry)
            aggregator = Aggregator(stream, telemetry, consumer=telemetry.instance)
            counting = keep_running(telemetry, aggregator.run, "counting of events")
            yield
            counting.cancel()

    return build(telemetry, _routes(), lifespan, title="feature_store")
