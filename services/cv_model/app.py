"""The photo model as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request

from chassis.service import build_app as build
from chassis.service import resource
from chassis.serving import ModelServer
from chassis.settings import Settings
from chassis.telemetry import Telemetry
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
            worker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="inference"))
            servers = {}
            for version in VERSIONS:
                model = PhotoModel(settings.models_dir / "cv_model" / version, version, backbone)
                servers[version] = await stack.enter_async_context(ModelServer(model, telemetry, worker))
            app.state.scorer = PhotoScorer(servers, telemetry)
            await app.state.scorer.warm_up()
            yield

    return build(telemetry, _routes(), lifespan, title="cv_model")
