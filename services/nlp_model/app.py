"""The text model as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI

from chassis.embedding import watch_embedded
from chassis.service import build_app as build
from chassis.service import resource
from chassis.serving import ModelServer, Weights
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from chassis.worker import Worker
from services.nlp_model.knobs import register
from services.nlp_model.model import Encoder, TextModel
from services.nlp_model.schemas import TextAnswer, TextAsk
from services.nlp_model.scoring import TextScorer

VERSIONS = ("v1", "v2")

ScorerDep = Annotated[TextScorer, resource("scorer")]


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/score")
    async def score(ask: TextAsk, scorer: ScorerDep) -> TextAnswer:
        return await scorer.score(ask)

    return router


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """Both versions share one encoder and one inference thread; ready after an inference with each."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        encoder = Encoder()
        async with AsyncExitStack() as stack:
            worker = stack.enter_context(Worker("inference"))
            models = [TextModel(settings.models_dir / "nlp_model" / name, name, encoder) for name in VERSIONS]
            register(telemetry.knobs, models, worker)
            weights = Weights(encoder, len(models), telemetry)
            servers, watches = {}, {}
            for model in models:
                server = ModelServer(model, telemetry, worker, weights=weights)
                servers[model.version] = await stack.enter_async_context(server)
                watch = watch_embedded(telemetry, settings.models_dir, model.name, model.version, "text")
                await stack.enter_async_context(watch)
                watches[model.version] = watch
            app.state.scorer = TextScorer(servers, telemetry, watches)
            await app.state.scorer.warm_up()
            yield

    return build(telemetry, _routes(), lifespan, title="nlp_model")
