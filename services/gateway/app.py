"""The gateway as a service: the one door, where requests are checked and passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, Security, UploadFile
from fastapi.security import APIKeyHeader
from starlette.middleware import Middleware
from starlette.responses import Response

from chassis.middleware import TraceparentCheck
from chassis.problems import Problem
from chassis.service import FormLimits, resource
from chassis.service import build_app as build
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.feature_store.client import LISTING_ID, USER_ID, Accepted, Events, FeatureStoreClient
from services.gateway.admission import API_KEY_HEADER, Admission, Callers
from services.gateway.forwarding import DEADLINE, Forwarding, Upload
from services.gateway.photo import MAX_BYTES
from services.gateway.schemas import PROBLEMS
from services.orchestrator.client import Answer, OrchestratorClient, Outcomes, OutcomesAnswer
from services.topology import SERVICES

MAX_DESCRIPTION = 5_000  # characters
FORM_LIMITS: FormLimits = {"max_fields": 10, "max_files": 2, "max_part_size": 32_000}

UserId = Annotated[str, Form(pattern=USER_ID, description="Whom the prediction is for, as U000001.")]
ListingId = Annotated[str, Form(pattern=LISTING_ID, description="The listing, as L000001.")]
Description = Annotated[str, Form(pattern=r"\S", max_length=MAX_DESCRIPTION, description="The listing's text.")]
Photo = Annotated[UploadFile, File(description="JPEG or PNG; 2 MB and 4 megapixels at most.")]

ForwardingDep = Annotated[Forwarding, resource("forwarding")]


async def _multipart(request: Request) -> None:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Problem(415, "not-a-form", "The body is not a form", "Send multipart/form-data.")


def _routes() -> APIRouter:
    # The key is checked by the Admission layer before a body is read; here it is only documented.
    key = APIKeyHeader(name=API_KEY_HEADER, auto_error=False)
    router = APIRouter(dependencies=[Security(key)], responses=PROBLEMS)

    @router.post("/v1/predictions", response_model=Answer, dependencies=[Depends(_multipart)])
    async def predict(
        user_id: UserId, listing_id: ListingId, description: Description, photo: Photo, forwarding: ForwardingDep
    ) -> Response:
        return await forwarding.predict(Upload(user_id, listing_id, description, photo))

    @router.post("/v1/events", status_code=202)
    async def events(events: Events, forwarding: ForwardingDep) -> Accepted:
        return await forwarding.events(events)

    @router.post("/v1/outcomes")
    async def outcomes(outcomes: Outcomes, forwarding: ForwardingDep) -> OutcomesAnswer:
        return await forwarding.outcomes(outcomes)

    return router


def build_app(settings: Settings, telemetry: Telemetry) -> FastAPI:
    """Answers as long as it lives: whatever is behind it may be down."""

    def url(peer: str) -> str:
        return settings.peer_url(peer, SERVICES[peer].port)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            OrchestratorClient("orchestrator", url("orchestrator"), telemetry, timeout=DEADLINE) as orchestrator,
            FeatureStoreClient("feature_store", url("feature_store"), telemetry, timeout=DEADLINE) as feature_store,
        ):
            app.state.forwarding = Forwarding(orchestrator, feature_store, telemetry)
            yield

    layers = (
        Middleware(TraceparentCheck),
        Middleware(Admission, callers=Callers.read(settings), telemetry=telemetry),
    )
    return build(
        telemetry,
        _routes(),
        lifespan,
        title="Marketplace predictions",
        extra=layers,
        max_body_bytes=MAX_BYTES + 100_000,
        form_limits=FORM_LIMITS,
    )
