"""The orchestrator as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgpack
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import ValidationError
from starlette.responses import Response

from chassis.background import keep_running
from chassis.drift import DriftWatch, read_references
from chassis.problems import Problem
from chassis.redis import RedisStore, StoreUnavailable
from chassis.service import build_app as build
from chassis.service import resource
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.cv_model.client import CvModelClient
from services.feature_store.client import FeatureStoreClient
from services.nlp_model.client import NlpModelClient
from services.orchestrator.heads import ConversionModel, PriceModel
from services.orchestrator.ledger import Ledger
from services.orchestrator.outcomes import Joiner
from services.orchestrator.pipeline import FEATURES_DEADLINE, PHOTO_DEADLINE, TEXT_DEADLINE, Pipeline
from services.orchestrator.routing import VersionRouter
from services.orchestrator.schemas import Answer, Ask, Outcomes, OutcomesAnswer
from services.topology import SERVICES

HEADS = "v1"  # version of both heads
CANARY_SHARES = {"nlp_model": 20.0, "cv_model": 20.0}  # percent of users on the candidate, at start


async def _ask(request: Request) -> Ask:
    try:
        return Ask.model_validate(msgpack.unpackb(await request.body()))
    except (ValueError, ValidationError, msgpack.UnpackException) as error:
        raise Problem(
            422, "invalid-request", "The request is not valid", "The body must be an Ask as MessagePack."
        ) from error


JoinerDep = Annotated[Joiner, resource("joiner")]
PipelineDep = Annotated[Pipeline, resource("pipeline")]
AskDep = Annotated[Ask, Depends(_ask)]


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/predict", response_model=Answer)
    async def predict(ask: AskDep, pipeline: PipelineDep) -> Response:
        return Response(await pipeline.answer(ask), media_type="application/json")

    @router.post("/v1/outcomes")
    async def outcomes(outcomes: Outcomes, joiner: JoinerDep) -> OutcomesAnswer:
        try:
            return await joiner.join(outcomes.outcomes)
        except StoreUnavailable as error:
            raise Problem(503, "store-unavailable", "Outcomes cannot be joined", "Send them again later.") from error

    return router


def watch_predictions(telemetry: Telemetry, models: Path, name: str, prediction: str) -> DriftWatch:
    """A watch over what a head predicts; its features are watched where they are served."""
    references = read_references(models / name / HEADS / "reference.json")
    return DriftWatch(telemetry, name, HEADS, {prediction: references[prediction]})


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """One client a peer; the heads are loaded before it is ready."""

    def url(peer: str) -> str:
        return settings.peer_url(peer, SERVICES[peer].port)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            ledger = Ledger(await enter(RedisStore(settings, "orchestrator", telemetry)), telemetry)
            app.state.joiner = Joiner(ledger, telemetry, settings.time_scale)
            watches = [
                await enter(watch_predictions(telemetry, settings.models_dir, name, prediction))
                for name, prediction in (("price_model", "price"), ("conversion_model", "conversion_probability"))
            ]
            app.state.pipeline = Pipeline(
                await enter(
                    FeatureStoreClient("feature_store", url("feature_store"), telemetry, timeout=FEATURES_DEADLINE)
                ),
                await enter(NlpModelClient("nlp_model", url("nlp_model"), telemetry, timeout=TEXT_DEADLINE)),
                await enter(CvModelClient("cv_model", url("cv_model"), telemetry, timeout=PHOTO_DEADLINE)),
                PriceModel(settings.models_dir / "price_model" / HEADS),
                ConversionModel(settings.models_dir / "conversion_model" / HEADS),
                VersionRouter(CANARY_SHARES, telemetry),
                ledger,
                telemetry,
                watches,
            )
            for head in (app.state.pipeline.price, app.state.pipeline.conversion):
                head.predict({})  # the first inference is slow
            keeping = keep_running(telemetry, ledger.run, "ledger")
            yield
            keeping.cancel()
            await ledger.close()

    return build(telemetry, _routes(), lifespan, title="orchestrator")
