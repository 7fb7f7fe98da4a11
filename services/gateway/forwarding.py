"""Passing a checked request on, and answering for whatever happens behind the gateway."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass

import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response

from chassis import deadlines, semconv
from chassis.client import PeerTimeout, PeerUnavailable
from chassis.problems import Problem
from chassis.telemetry import Telemetry
from services.gateway.photo import MAX_BYTES, check_photo
from services.orchestrator.client import OrchestratorClient
from services.orchestrator.schemas import Ask

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
    """Asks the orchestrator, within the deadline, and counts how it went."""

    def __init__(self, orchestrator: OrchestratorClient, telemetry: Telemetry) -> None:
        self.orchestrator, self.telemetry = orchestrator, telemetry

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
        try:
            with self.telemetry.baggage({semconv.SESSION_ID: self._session()}), deadlines.deadline(DEADLINE):
                return await self.orchestrator.predict(ask)
        except PeerUnavailable as error:
            detail = "No prediction can be made at the moment."
            raise Problem(503, "unavailable", "Predictions are unavailable", detail, {"Retry-After": "1"}) from error
        except PeerTimeout as error:
            raise Problem(504, "too-slow", "The prediction took too long", f"No answer in {DEADLINE:g} s.") from error

    async def _checked(self, upload: Upload) -> Ask:
        photo = await upload.photo.read(MAX_BYTES + 1)
        kind = upload.photo.content_type or ""
        await asyncio.to_thread(check_photo, photo, kind)  # unpacking four megapixels takes tens of milliseconds
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
