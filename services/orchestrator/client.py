"""How the gateway asks for predictions."""

from __future__ import annotations

import msgpack

from chassis.client import PeerClient, PeerRejected
from chassis.problems import Problem
from services.orchestrator.schemas import Ask


class OrchestratorClient(PeerClient):
    """Raises PeerUnavailable or PeerTimeout (see chassis.client), and Problem for what the caller asked wrongly."""

    async def predict(self, ask: Ask) -> bytes:
        """The answer as JSON (schemas.Answer)."""
        try:
            return await self.post("/v1/predict", msgpack.packb(ask.model_dump()), "application/msgpack")
        except PeerRejected as error:
            problem = error.problem
            kind = str(problem.get("type", "")).rpartition("/")[2] or "refused"
            raise Problem(error.status, kind, str(problem.get("title", "")), str(problem.get("detail", ""))) from error
