"""What became of predictions: outcomes joined with them by id, each once, in whatever order they come."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

from redis.asyncio import Redis

from chassis import semconv
from chassis.redis import StoreUnavailable
from chassis.telemetry import Telemetry
from services.orchestrator.ledger import Ledger, Row, made_at, word
from services.orchestrator.schemas import Outcome, OutcomesAnswer, Result

HORIZON_DAYS = 30  # marketplace days an outcome may take
REPEAT_MEMORY_S = 30 * 86_400
UNSURE = 10_000  # claims whose answer was lost, remembered at most


class Joiner:
    """Joins outcomes with their predictions. ``time_scale``: marketplace seconds a second."""

    def __init__(self, ledger: Ledger, telemetry: Telemetry, time_scale: float) -> None:
        self.ledger, self.telemetry = ledger, telemetry
        self.time_scale = time_scale
        self._unsure: deque[tuple[str, str]] = deque(maxlen=UNSURE)  # ids with the marks that may stand for them

    async def join(self, outcomes: list[Outcome]) -> OutcomesAnswer:
        """Raises StoreUnavailable where Redis cannot be used; sending the same again is safe."""
        rows = await self.ledger.find([outcome.prediction_id for outcome in outcomes])
        oldest = await self._oldest() if len(rows) < len(outcomes) else 0.0
        fresh = await self._claim([outcome for outcome in outcomes if outcome.prediction_id in rows])
        links = [self.telemetry.link(row.trace_id, row.span_id) for row in rows.values() if row.span_id]
        with self.telemetry.span("join_outcomes", {semconv.OUTCOME_COUNT: len(outcomes)}, links=links):
            # Nothing is awaited from here on: what was claimed is counted, whoever goes away.
            return OutcomesAnswer(results=self._results(outcomes, rows, fresh, oldest))

    def _results(
        self, outcomes: list[Outcome], rows: dict[str, Row], fresh: set[str], oldest: float
    ) -> dict[str, Result]:
        results: dict[str, Result] = {}
        for outcome in outcomes:
            result = self._result(outcome, rows.get(outcome.prediction_id), fresh, oldest)
            results.setdefault(outcome.prediction_id, result)
        return results

    def _result(self, outcome: Outcome, row: Row | None, fresh: set[str], oldest: float) -> Result:
        result: Result
        if row is None:
            result = "gone" if made_at(outcome.prediction_id) < oldest else "unknown"
        elif outcome.prediction_id not in fresh:
            result = "repeated"
        else:
            fresh.discard(outcome.prediction_id)  # a second copy in the same request is a repetition
            result = "joined"
            self._count(outcome, row)
        trace_id, span_id = (row.trace_id, row.span_id) if row else ("", "")
        self.telemetry.count_example(semconv.OUTCOMES, 1, trace_id, span_id, result=result)
        return result

    async def _claim(self, outcomes: list[Outcome]) -> set[str]:
        """The ids that no outcome was joined with before; from now on one was.

        Where Redis's answer is lost the claim may stand although nothing was counted; such an id is fresh when it
        comes again and the mark that stands is the one that was sent then.
        """
        marks = {outcome.prediction_id: _mark(outcome) for outcome in reversed(outcomes)}
        if not marks:
            return set()
        try:
            standing = await self.ledger.store.run(lambda redis: _set_each(redis, marks))
        except (StoreUnavailable, asyncio.CancelledError):
            self._unsure.extend(marks.items())
            raise
        lost = set(self._unsure)
        self._unsure = deque((pair for pair in self._unsure if pair[0] not in marks), UNSURE)
        return {each for each, mark in zip(marks, standing, strict=True) if mark is None or (each, mark) in lost}

    async def _oldest(self) -> float:
        """An id made before this (Unix seconds) is gone; a younger one that is not kept was never ours."""
        return max(time.time() - HORIZON_DAYS * 86_400 / self.time_scale, await self.ledger.oldest())

    def _count(self, outcome: Outcome, row: Row) -> None:
        lead = {"segment": self.ledger.segment(row), "predicted": word(row.likely)}
        labels = {**lead, "actual": word(outcome.converted)}
        for model, version in row.versions.items():
            names = {"model_name": model, "model_version": version}
            self.telemetry.count_example(semconv.OUTCOMES_JOINED, 1, row.trace_id, row.span_id, **names, **labels)
            self._calibration(outcome, row, names)
            if outcome.sale_price is not None:
                self.telemetry.count(semconv.REVENUE, outcome.sale_price, **lead, **names)
                self._price(outcome.sale_price, row, names)
        lag = max(0.0, (time.time() - row.predicted_at) * self.time_scale)
        self.telemetry.observe_example(semconv.LABEL_LAG, lag, row.trace_id, row.span_id)

    def _calibration(self, outcome: Outcome, row: Row, names: dict[str, str]) -> None:
        """Expected calibration error (Naeini et al., 2015) is made of these two, by decile of the chance."""
        decile = str(min(9, int(row.probability * 10)))
        self.telemetry.count(semconv.CALIBRATION_EXPECTED, row.probability, bin=decile, **names)
        self.telemetry.count(semconv.CALIBRATION_CONVERTED, int(outcome.converted), bin=decile, **names)

    def _price(self, sale: float, row: Row, names: dict[str, str]) -> None:
        covered = "covered" if row.low <= sale <= row.high else "missed"
        self.telemetry.count(semconv.PRICE_OUTCOMES, result=covered, **names)
        self.telemetry.count(semconv.PRICE_ERROR, abs(math.log(row.price / sale)), **names)


def _mark(outcome: Outcome) -> str:
    """The label, as whoever makes a data set reads it: converted, when it came (Unix seconds), the sale's dollars."""
    return f"{int(outcome.converted)} {time.time():.6f} {outcome.sale_price or 0:.0f}"


async def _set_each(redis: Redis, marks: dict[str, str]) -> list[str | None]:
    """The mark that stood for each id before; None where there was none, and now there is."""
    async with redis.pipeline(transaction=False) as pipeline:
        for prediction_id, mark in marks.items():
            pipeline.set(f"outcome:{prediction_id}", mark, nx=True, get=True, ex=REPEAT_MEMORY_S)
        return await pipeline.execute()
