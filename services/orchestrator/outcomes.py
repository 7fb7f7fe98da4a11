"""What became of predictions: outcomes joined with them by id, each once, in whatever order they come."""

from __future__ import annotations

import time

from redis.asyncio import Redis

from chassis import semconv
from chassis.telemetry import Telemetry
from services.orchestrator.ledger import Ledger, Row, made_at
from services.orchestrator.schemas import Outcome, OutcomesAnswer, Result

HORIZON_DAYS = 30  # marketplace days an outcome may take
REPEAT_MEMORY_S = 30 * 86_400


class Joiner:
    """Joins outcomes with their predictions. ``time_scale``: marketplace seconds a second."""

    def __init__(self, ledger: Ledger, telemetry: Telemetry, time_scale: float) -> None:
        self.ledger, self.telemetry = ledger, telemetry
        self.time_scale = time_scale

    async def join(self, outcomes: list[Outcome]) -> OutcomesAnswer:
        """Raises StoreUnavailable where Redis cannot be used; sending the same again is safe."""
        rows = await self.ledger.find([outcome.prediction_id for outcome in outcomes])
        fresh = await self._claim([outcome for outcome in outcomes if outcome.prediction_id in rows])
        results: dict[str, Result] = {}
        for outcome in outcomes:
            row = rows.get(outcome.prediction_id)
            result = await self._absent(outcome) if row is None else "joined"
            if row is not None and outcome.prediction_id not in fresh:
                result = "repeated"
            elif row is not None:
                fresh.discard(outcome.prediction_id)  # a second copy in the same request is a repetition
                self._count(outcome, row)
            self.telemetry.count(semconv.OUTCOMES, result=result)
            results.setdefault(outcome.prediction_id, result)
        return OutcomesAnswer(results=results)

    async def _claim(self, outcomes: list[Outcome]) -> set[str]:
        """The ids that no outcome was joined with before; from now on one was."""
        ids = list(dict.fromkeys(outcome.prediction_id for outcome in outcomes))
        if not ids:
            return set()
        answers = await self.ledger.store.run(lambda redis: _set_each(redis, ids))
        return {prediction_id for prediction_id, new in zip(ids, answers, strict=True) if new}

    async def _absent(self, outcome: Outcome) -> Result:
        """An id older than what is kept is gone; a younger one was never ours."""
        horizon = time.time() - HORIZON_DAYS * 86_400 / self.time_scale
        made = made_at(outcome.prediction_id)
        return "gone" if made < max(horizon, await self.ledger.oldest()) else "unknown"

    def _count(self, outcome: Outcome, row: Row) -> None:
        labels = {"segment": row.segment, "predicted": _word(row.likely), "actual": _word(outcome.converted)}
        for model, version in row.versions.items():
            self.telemetry.count(semconv.OUTCOMES_JOINED, model_name=model, model_version=version, **labels)
        lag = (time.time() - row.predicted_at) * self.time_scale
        self.telemetry.observe(semconv.LABEL_LAG, lag)


async def _set_each(redis: Redis, ids: list[str]) -> list[bool | None]:
    async with redis.pipeline(transaction=False) as pipeline:
        for prediction_id in ids:
            pipeline.set(f"outcome:{prediction_id}", 1, nx=True, ex=REPEAT_MEMORY_S)
        return await pipeline.execute()


def _word(value: bool) -> str:
    return "yes" if value else "no"
