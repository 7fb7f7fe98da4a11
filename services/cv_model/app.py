"""The photo model as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request

from chassis.embedding import watch_embedded
from chassis.service import build_app as build
from chassis.service import resource
from chassis.serving import ModelServer, Weights
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from chassis.worker import Worker
from services.cv_model.knobs import register
from services.cv_model.model import Backbone, PhotoModel
from services.cv_model.schemas import PhotoAnswer
from services.cv_model.scoring import PhotoScorer

VERSIONS = ("v1", "v2")

ScorerDep = Annotated[PhotoScorer, resource("scorer")]


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/score")
    async def score(
        request: Request, scorer: ScorerDep, version: Annotated[str, Query(pattern=r"^v[0-9]{1,3}$")]
    ) -> PhotoAnswer:
        return await scorer.score(await request.body(), version)

    return router


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """Both versions share one backbone and one inference thread; ready after an inference with each."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        backbone = Backbone()
        async with AsyncExitStack() as stack:
            worker = stack.enter_context(Worker("inference"))
            models = [PhotoModel(settings.models_dir / "cv_model" / name, name, backbone) for name in VERSIONS]
            register(telemetry.knobs, models, worker)
            weights = Weights(backbone, len(models), telemetry)
            servers, watches = {}, {}
            for model in models:
                server = ModelServer(model, telemetry, worker, weights=weights)
                servers[model.version] = await stack.enter_async_context(server)
                watch = watch_embedded(telemetry, settings.models_dir, model.name, model.version, "photo")
                await stack.enter_async_context(watch)
                watches[model.version] = watch
            app.state.scorer = PhotoScorer(servers, telemetry, watches)
            await app.state.scorer.warm_up()
            yield

    return build(telemetry, _routes(), lifespan, title="cv_model")
