"""Outcomes meet their predictions once each, whatever comes twice, early, late, unknown or while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from chassis.redis import StoreUnavailable
from chassis.telemetry import Telemetry
from lab.place import Place
from services.orchestrator import ledger as ledger_module
from services.orchestrator.ledger import SEGMENTS_EVER, Ledger, Row, new_id
from services.orchestrator.outcomes import Joiner
from services.orchestrator.schemas import Outcome
from tests.unit.signals import Signals
from tests.unit.watching.conftest import StoreFor

pytestmark = pytest.mark.anyio
TRACE = {"trace_id": "ab" * 16, "span_id": "cd" * 8}


def row(**changes: Any) -> Row:
    usual: dict[str, Any] = {
        "prediction_id": new_id(), "predicted_at": time.time(), "segment": "family",
        "versions": {"nlp_model": "v2", "conversion_model": "v1"}, "probability": 0.97, "likely": True,
        "price": 200_000.0, "low": 180_000.0, "high": 220_000.0, **TRACE,
    }  # fmt: skip
    return Row(**{**usual, **changes})


def told(each: Row, converted: bool = True, price: float | None = None) -> Outcome:
    return Outcome(prediction_id=each.prediction_id, converted=converted, sale_price=price)


@pytest.fixture
def ledger(store_for: StoreFor, telemetry: Telemetry) -> Ledger:
    return Ledger(store_for("orchestrator", telemetry), telemetry)


@pytest.fixture
def joiner(ledger: Ledger, telemetry: Telemetry) -> Joiner:
    return Joiner(ledger, telemetry, time_scale=1440)


def joined(signals: Signals, **labels: str) -> float:
    usual = {"model_name": "nlp_model", "model_version": "v2", "segment": "family", "predicted": "yes", "actual": "yes"}
    return signals.metric("outcomes_joined_total", **{**usual, **labels})


async def test_an_outcome_is_counted_once_however_often_it_comes(
    joiner: Joiner, ledger: Ledger, signals: Signals
) -> None:
    each = row()
    ledger.remember(each)
    first = await joiner.join([told(each), told(each)])
    second = await joiner.join([told(each, converted=False)])
    assert (first.results[each.prediction_id], second.results[each.prediction_id]) == ("joined", "repeated")
    assert joined(signals) == 1
    assert joined(signals, actual="no") == 0
    assert signals.metric("outcomes_total", result="repeated") == 2


async def test_an_outcome_before_its_prediction_is_unknown_and_joins_when_it_comes_again(
    joiner: Joiner, ledger: Ledger
) -> None:
    ledger.remember(row())
    late = row()
    assert (await joiner.join([told(late)])).results == {late.prediction_id: "unknown"}
    ledger.remember(late)
    assert (await joiner.join([told(late)])).results == {late.prediction_id: "joined"}


async def test_an_old_id_is_gone_and_a_young_one_unknown(joiner: Joiner, ledger: Ledger) -> None:
    ledger.remember(row())
    await ledger.flush()
    old = f"{int((time.time() - 40 * 86_400 / 1440) * 1000):012x}00000000"
    young = new_id()
    answer = await joiner.join([Outcome(prediction_id=each, converted=True) for each in (old, young)])
    assert answer.results == {old: "gone", young: "unknown"}


async def test_what_no_longer_fits_is_forgotten_with_the_mark_of_its_outcome(
    joiner: Joiner, ledger: Ledger, admin: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "KEPT", 2)
    rows = [row(predicted_at=time.time() + number) for number in range(4)]
    ledger.remember(rows[0])
    await joiner.join([told(rows[0])])
    for each in rows[1:]:
        ledger.remember(each)
    await ledger.flush()
    kept = {key.split(":")[1] for key in admin.keys("prediction:*")} - {"index"}  # type: ignore[union-attr]
    assert kept == {each.prediction_id for each in rows[2:]}
    assert admin.keys("outcome:*") == []


async def test_money_calibration_and_intervals(joiner: Joiner, ledger: Ledger, signals: Signals) -> None:
    inside, outside = row(), row(probability=0.31, likely=False)
    for each, price in ((inside, 210_000.0), (outside, 100_000.0)):
        ledger.remember(each)
        await joiner.join([told(each, price=price)])
    names = {"model_name": "nlp_model", "model_version": "v2"}
    money = {"segment": "family", **names}
    assert signals.metric("conversion_revenue_dollars_total", predicted="yes", **money) == 210_000
    assert signals.metric("conversion_revenue_dollars_total", predicted="no", **money) == 100_000
    assert signals.metric("price_outcomes_total", result="covered", **names) == 1
    assert signals.metric("price_outcomes_total", result="missed", **names) == 1
    assert signals.metric("calibration_expected_total", bin="9", **names) == pytest.approx(0.97)
    assert signals.metric("calibration_converted_total", bin="3", **names) == 1
    assert joined(signals, predicted="no") == 1


async def test_the_exemplar_and_the_link_lead_to_the_prediction_s_trace(
    joiner: Joiner, ledger: Ledger, telemetry: Telemetry, signals: Signals
) -> None:
    each = row()
    ledger.remember(each)
    await joiner.join([told(each, converted=False)])
    series = [sample for family in telemetry.metrics.registry.collect() for sample in family.samples
              if sample.name == "outcomes_joined_total" and sample.labels["actual"] == "no"]  # fmt: skip
    assert all(sample.exemplar and sample.exemplar.labels == TRACE for sample in series)
    (link,) = signals.span("join_outcomes").links
    assert f"{link.context.trace_id:032x}" == TRACE["trace_id"]


def lose_an_answer(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Of all calls from now on, Redis hears this one too, and its answer does not arrive."""
    run, calls = ledger.store.run, 0

    async def lossy(operation: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = await run(operation)
        if calls == number:
            raise StoreUnavailable("too slow")
        return answer

    monkeypatch.setattr(ledger.store, "run", lossy)


CLAIM = 2  # of the calls of one join: the first finds the rows


async def test_a_claim_whose_answer_was_lost_is_counted_when_it_comes_again(
    joiner: Joiner, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = row()
    ledger.remember(each)
    await ledger.flush()
    lose_an_answer(ledger, monkeypatch, CLAIM)
    with pytest.raises(StoreUnavailable):
        await joiner.join([told(each)])
    assert (await joiner.join([told(each)])).results == {each.prediction_id: "joined"}
    assert (await joiner.join([told(each)])).results == {each.prediction_id: "repeated"}
    assert joined(signals) == 1


async def test_a_repetition_whose_answer_was_lost_is_still_one(
    joiner: Joiner, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted before the answer was lost is not counted again after."""
    each = row()
    ledger.remember(each)
    await joiner.join([told(each)])
    lose_an_answer(ledger, monkeypatch, CLAIM)
    with pytest.raises(StoreUnavailable):
        await joiner.join([told(each)])
    assert (await joiner.join([told(each)])).results == {each.prediction_id: "repeated"}
    assert joined(signals) == 1


async def test_kept_predictions_are_counted_by_version_and_segment(ledger: Ledger, signals: Signals) -> None:
    ledger.remember(row())
    await ledger.flush()
    labels = {"model_name": "nlp_model", "model_version": "v2", "segment": "family", "predicted": "yes"}
    assert signals.metric("predictions_kept_total", **labels) == 1


@pytest.mark.parametrize("price", [-1.0, 0.0, 1e12, float("nan"), float("inf")])
def test_wild_prices_are_refused(price: float) -> None:
    with pytest.raises(ValidationError):
        Outcome(prediction_id="0" * 20, converted=True, sale_price=price)


async def test_a_segment_that_only_the_data_knows_makes_no_series_of_its_own_without_bound(
    joiner: Joiner, ledger: Ledger, telemetry: Telemetry
) -> None:
    rows = [row(segment=f"invented-{number}") for number in range(40)]
    for each in rows:
        ledger.remember(each)
    await ledger.flush()
    for start in range(0, 40, 20):
        await joiner.join([told(each) for each in rows[start : start + 20]])
    shown = {
        sample.labels["segment"]
        for family in telemetry.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "outcomes_joined_total"
    }
    assert "other" in shown
    assert len(shown) <= SEGMENTS_EVER + 1


@pytest.mark.parametrize(
    "wild",
    [
        {"converted": "perhaps"},
        {"converted": None},
        {"converted": True, "sale_price": "much"},
        {"converted": True, "sale_price": 1e-400},
        {"converted": True, "sale_price": -0.0},
        {"converted": True, "prediction_id": "F" * 20},
        {"converted": True, "prediction_id": "0" * 21},
        {"converted": True, "prediction_id": 7},
    ],
)
def test_wild_outcomes_are_refused_as_a_whole(wild: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Outcome.model_validate({"prediction_id": "0" * 20, **wild})


async def test_what_was_kept_and_joined_outlives_a_restart_of_redis(
    joiner: Joiner, ledger: Ledger, restart_redis: Callable[[], None]
) -> None:
    """Rows are written in a transaction, which Redis forgets where its ACL lets nobody replay it."""
    known, other = row(), row()
    for each in (known, other):
        ledger.remember(each)
    assert (await joiner.join([told(known)])).results == {known.prediction_id: "joined"}
    restart_redis()
    assert (await joiner.join([told(known)])).results == {known.prediction_id: "repeated"}
    assert (await joiner.join([told(other)])).results == {other.prediction_id: "joined"}


def test_nobody_gets_in_without_a_name(redis_place: Place) -> None:
    """The default user has every right, for Redis itself at its start, and nobody can be it."""
    nameless = Redis(port=redis_place.port("redis"))
    for command in (("PING",), ("GET", "prediction:index"), ("AUTH", "default", ""), ("ACL", "LIST")):
        with pytest.raises((ResponseError, AuthenticationError)):
            nameless.execute_command(*command)
