"""The orchestrator's pipeline with real heads: what it makes of its parts, and of a part that is missing."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from chassis.client import PeerRejected, PeerTimeout, PeerUnavailable
from chassis.problems import Problem
from chassis.telemetry import Telemetry
from marketplace.world import World
from services.cv_model.schemas import PhotoAnswer
from services.feature_store.client import UnknownListing
from services.feature_store.schemas import FeaturesAnswer
from services.nlp_model.schemas import TextAnswer
from services.orchestrator.heads import ConversionModel, PriceModel
from services.orchestrator.pipeline import Pipeline
from services.orchestrator.routing import VersionRouter
from services.orchestrator.schemas import Ask
from tests.conftest import ROOT
from tests.unit.signals import Signals

pytestmark = pytest.mark.anyio

WORLD = World()
ASK = Ask(
    user_id="U000001", listing_id="L000001", description="A bright house.", photo=b"jpeg", photo_type="image/jpeg"
)
TEXT = TextAnswer(score=0.7, tokens=6, model_version="v1")
PHOTO = PhotoAnswer(score=0.8, quality=0.9, condition=0.7, scene="facade", scene_probability=0.9, model_version="v1")


def features(segment: str = "family", **values: float) -> FeaturesAnswer:
    listing, user = WORLD.listing_features("L000001"), WORLD.user_features("U000001")
    known = {name: value for name, value in {**listing, **user}.items() if isinstance(value, float)}
    return FeaturesAnswer(values={**known, **values}, segment=segment)


@dataclass
class Peer:
    """Any of the three clients: it gives its answer, or raises it."""

    answer: Any
    began: float = 0.0

    async def _say(self, *_: object) -> Any:
        self.began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.02)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    features = score = _say


@dataclass
class Kept:
    """A ledger that keeps its rows in memory."""

    rows: list[Any] = field(default_factory=list)

    def remember(self, row: Any) -> None:
        self.rows.append(row)


def pipeline(telemetry: Telemetry, store: Any = None, text: Any = TEXT, photo: Any = PHOTO) -> Pipeline:
    return Pipeline(
        Peer(features() if store is None else store),  # type: ignore[arg-type]
        Peer(text),  # type: ignore[arg-type]
        Peer(photo),  # type: ignore[arg-type]
        PriceModel(ROOT / "models" / "price_model" / "v1"),
        ConversionModel(ROOT / "models" / "conversion_model" / "v1"),
        VersionRouter({"nlp_model": 20.0, "cv_model": 20.0}, Telemetry("router", telemetry.settings)),
        Kept(),  # type: ignore[arg-type]
        telemetry,
    )


async def answer(each: Pipeline, ask: Ask = ASK) -> Any:
    return orjson.loads(await each.answer(ask))


async def test_a_whole_answer_is_kept_for_its_outcome(telemetry: Telemetry) -> None:
    each = pipeline(telemetry)
    said = await answer(each)
    assert not said["degraded"]
    (row,) = each.ledger.rows  # type: ignore[attr-defined]
    assert row.prediction_id == said["prediction_id"]
    assert row.price == said["price"]["value"]
    assert row.versions == said["model_versions"]


async def test_the_three_parts_are_asked_for_at_once(telemetry: Telemetry) -> None:
    each = pipeline(telemetry)
    await answer(each)
    began = [peer.began for peer in (each.feature_store, each.nlp_model, each.cv_model)]  # type: ignore[attr-defined]
    assert max(began) - min(began) < 0.015


@pytest.mark.parametrize(
    "error",
    [
        PeerUnavailable("peer", "refused"),
        PeerTimeout("peer", "too late"),
        PeerRejected("peer", 422, {"title": "The photo cannot be read"}),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(("part", "argument"), [("features", "store"), ("text", "text"), ("photo", "photo")])
async def test_a_part_that_fails_is_missing_and_not_fatal(
    telemetry: Telemetry, signals: Signals, part: str, argument: str, error: Exception
) -> None:
    with telemetry.span("request"):
        said = await answer(pipeline(telemetry, **{argument: error}))
    assert (said["degraded"], said["missing"]) == (True, [part])
    assert said["price"]["value"] > 0
    assert signals.metric("prediction_parts_missing_total", part=part) == 1
    assert signals.logs("ERROR") == []
    assert "prediction degraded" in {event.message for event in signals.logs("WARNING")}
    assert (signals.span("fuse_prediction").attributes or {})["prediction.missing"] == [part]


async def test_with_nothing_known_there_is_still_a_price(telemetry: Telemetry) -> None:
    gone = PeerUnavailable("peer", "refused")
    said = await answer(pipeline(telemetry, store=gone, text=gone, photo=gone))
    assert said["missing"] == ["features", "photo", "text"]
    assert 50_000 < said["price"]["value"] < 500_000


async def test_an_unknown_listing_is_told_and_is_no_error(telemetry: Telemetry, signals: Signals) -> None:
    with pytest.raises(Problem) as refused:
        await answer(pipeline(telemetry, store=UnknownListing("L999999")))
    assert refused.value.status == 404
    assert signals.logs("ERROR") == []


async def test_one_by_one_an_unknown_listing_leaves_no_call_that_was_never_made(
    telemetry: Telemetry, recwarn: pytest.WarningsRecorder
) -> None:
    """Python warns of a coroutine that nobody awaits, and its warning would stand in the log of this way alone."""
    each = pipeline(telemetry, store=UnknownListing("L999999"))
    telemetry.knobs.set("fan_out.mode", "one_by_one")
    with pytest.raises(Problem):
        await answer(each)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


async def test_the_users_segment_reaches_the_conversion_model(telemetry: Telemetry) -> None:
    chances = {
        (await answer(pipeline(telemetry, store=features(segment))))["conversion"]["probability"]
        for segment in WORLD.segments
    }
    assert len(chances) == len(WORLD.segments)


async def test_scores_and_features_move_the_price(telemetry: Telemetry) -> None:
    small = await answer(pipeline(telemetry, store=features(area_m2=60.0)))
    large = await answer(pipeline(telemetry, store=features(area_m2=200.0)))
    assert large["price"]["value"] > small["price"]["value"] * 1.2


async def test_a_head_that_fails_is_an_error_span_counted_and_told_with_its_stack(
    telemetry: Telemetry, signals: Signals
) -> None:
    with pytest.raises(ValueError, match="infinity"):
        await answer(pipeline(telemetry, store=features(area_m2=1e300)))
    (span,) = [span for span in signals.spans("model_inference") if not span.status.is_ok]
    assert [event.name for event in span.events] == ["exception"]
    (line,) = signals.logs("ERROR")
    assert "in predict" in line.stack
    assert signals.metric("model_errors_total", model_name="price_model", model_version="v1") == 1
