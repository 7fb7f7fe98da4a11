"""Passing a checked request on, and answering for whatever happens behind the gateway."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response

from chassis import deadlines, semconv
from chassis.client import PeerTimeout, PeerUnavailable
from chassis.problems import Problem
from chassis.telemetry import Telemetry
from services.feature_store.client import Accepted, Events, FeatureStoreClient
from services.gateway.photo import MAX_BYTES, MAX_PIXELS, check_photo
from services.orchestrator.client import Ask, OrchestratorClient, Outcomes, OutcomesAnswer

DEADLINE = 2.0  # seconds, for everything behind the gateway
_SESSION = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Upload:
    """A prediction's form fields, their form already checked."""

    user_id: str
    listing_id: str
    description: str
    photo: UploadFile


class Forwarding:
    """Asks the services behind the gateway, within the deadline, and counts how predictions went."""

    def __init__(
        self, orchestrator: OrchestratorClient, feature_store: FeatureStoreClient, telemetry: Telemetry
    ) -> None:
        self.orchestrator, self.feature_store, self.telemetry = orchestrator, feature_store, telemetry
        self._max_pixels = telemetry.knobs.register(
            "photo.max_pixels", MAX_PIXELS, "Most pixels of a photo that is let in.", minimum=64
        )

    async def predict(self, upload: Upload) -> Response:
        """Raises Problem for what the client must change, and 503 or 504 where the orchestrator gives no answer."""
        started, outcome = time.perf_counter(), "failed"
        try:
            body = await self._answer(upload)
            outcome = self._completeness(body)
            return Response(body, media_type="application/json")
        except Problem as problem:
            outcome = "rejected" if problem.status < 500 else "failed"
            raise
        finally:
            self.telemetry.count(semconv.PREDICTIONS, outcome=outcome)
            self.telemetry.observe(semconv.PREDICTION_DURATION, time.perf_counter() - started, outcome=outcome)

    async def _answer(self, upload: Upload) -> bytes:
        ask = await self._checked(upload)
        with self.telemetry.baggage({semconv.SESSION_ID: self._session()}), _in_time("Predictions"):
            return await self.orchestrator.predict(ask)

    async def events(self, events: Events) -> Accepted:
        """Raises Problem: 503 or 504 where the events could not be kept."""
        with _in_time("Events"):
            return await self.feature_store.send(events)

    async def outcomes(self, outcomes: Outcomes) -> OutcomesAnswer:
        """Raises Problem: 404 or 410 where no outcome could be joined, 503 or 504 where none was tried."""
        with _in_time("Outcomes"):
            answer = await self.orchestrator.outcomes(outcomes)
        results = set(answer.results.values())
        if results == {"unknown"}:
            raise Problem(404, "unknown-prediction", "Unknown prediction", "No prediction of this id was made.")
        if results <= {"unknown", "gone"}:
            raise Problem(410, "prediction-gone", "The prediction is no longer kept", "Its outcome came too late.")
        return answer

    async def _checked(self, upload: Upload) -> Ask:
        photo = await upload.photo.read(MAX_BYTES + 1)
        kind = upload.photo.content_type or ""
        # Unpacking four megapixels takes tens of milliseconds.
        await asyncio.to_thread(check_photo, photo, kind, self._max_pixels.value)
        return Ask(
            user_id=upload.user_id,
            listing_id=upload.listing_id,
            description=upload.description,
            photo=photo,
            photo_type=kind,
        )

    def _session(self) -> str:
        """The client's ``session.id`` from its baggage where it is well formed, else a new one."""
        given = self.telemetry.get_baggage(semconv.SESSION_ID)
        return given if _SESSION.fullmatch(given) else secrets.token_hex(8)

    def _completeness(self, body: bytes) -> str:
        answer = orjson.loads(body)
        self.telemetry.set(semconv.PREDICTION_DEGRADED, answer["degraded"])
        return "degraded" if answer["degraded"] else "complete"


@contextmanager
def _in_time(what: str) -> Iterator[None]:
    """The deadline for everything behind the gateway, and the problems that stand for no answer."""
    try:
        with deadlines.deadline(DEADLINE):
            yield
    except PeerUnavailable as error:
        detail = f"{what} cannot be taken at the moment."
        raise Problem(503, "unavailable", f"{what} are unavailable", detail, {"Retry-After": "1"}) from error
    except PeerTimeout as error:
        raise Problem(504, "too-slow", f"{what} took too long", f"No answer in {DEADLINE:g} s.") from error
