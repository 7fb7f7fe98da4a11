"""How the gateway asks for predictions."""

from __future__ import annotations

import msgpack

from chassis.client import PeerClient, PeerRejected
from chassis.problems import Problem
from services.orchestrator.schemas import Answer, Ask, Outcomes, OutcomesAnswer

__all__ = ["Answer", "Ask", "OrchestratorClient", "Outcomes", "OutcomesAnswer"]


class OrchestratorClient(PeerClient):
    """Raises PeerUnavailable or PeerTimeout (see chassis.client), and Problem for what the caller asked wrongly."""

    async def predict(self, ask: Ask) -> bytes:
        """The answer as JSON (schemas.Answer)."""
        return await self._asked("/v1/predict", msgpack.packb(ask.model_dump()), "application/msgpack")

    async def outcomes(self, outcomes: Outcomes) -> OutcomesAnswer:
        """What became of each outcome."""
        body = await self._asked("/v1/outcomes", outcomes.model_dump_json().encode(), "application/json")
        return OutcomesAnswer.model_validate_json(body)

    async def _asked(self, path: str, content: bytes, content_type: str) -> bytes:
        try:
            return await self.post(path, content, content_type)
        except PeerRejected as error:
            problem = error.problem
            kind = str(problem.get("type", "")).rpartition("/")[2] or "refused"
            raise Problem(error.status, kind, str(problem.get("title", "")), str(problem.get("detail", ""))) from error
