"""What is committed is small, complete, safe, and worth what its cards say."""

from __future__ import annotations

import json
import shutil
from bisect import bisect_right
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chassis.drift import psi
from marketplace.training import cards
from marketplace.training.artifacts import sha256_of
from marketplace.training.base import EFFICIENTNET_SHA256, MINILM_SHA256
from marketplace.training.evaluate import TARGETS, misses, photo_metrics, text_metrics
from marketplace.training.exam import sit
from marketplace.training.fusion import user_rows
from marketplace.training.learn import Workshop
from marketplace.training.release import Exam, Mix, examine, heads, version_pairs
from marketplace.training.worlds import no_progress, pick
from marketplace.world import World
from services.cv_model.model import TAPS, Backbone
from services.nlp_model.model import Encoder, TextModel
from services.orchestrator.heads import ConversionModel, PriceModel
from tests.unit.models.conftest import MODELS

VERSIONS = ("nlp_model/v1", "nlp_model/v2", "cv_model/v1", "cv_model/v2", "price_model/v1", "conversion_model/v1")
LISTINGS = 400  # a fifth of the exam: its figures lie near the card's, not on it


def _card(version: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((MODELS / version / "card.json").read_text())
    return card


def _reference(version: str) -> dict[str, Any]:
    reference: dict[str, Any] = json.loads((MODELS / version / "reference.json").read_text())
    return reference


@pytest.fixture(scope="module")
def shop(encoder: Encoder, backbone: Backbone) -> Workshop:
    return Workshop(MODELS, encoder, backbone, lambda name, count: no_progress)


@pytest.fixture(scope="module")
def exam(shop: Workshop) -> Exam:
    whole = sit(shop, LISTINGS)
    return Exam(whole.seen, whole.unseen, pairs=12_000)


@pytest.fixture(scope="module")
def mixes(shop: Workshop, exam: Exam) -> list[Mix]:
    price, conversion = heads(shop)
    return [examine(shop, exam, price, conversion, *versions) for versions in version_pairs()]


def test_all_artifacts_together_are_under_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 3_000_000


def test_no_artifact_is_of_a_kind_that_runs_code() -> None:
    kinds = {path.suffix for path in MODELS.rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".skops", ".json", ".md"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_belongs_to_its_artifacts_and_meets_its_targets(version: str) -> None:
    card = _card(version)
    assert misses(card["metrics"]) == []
    assert any(name in TARGETS for name in card["metrics"])
    for name, digest in card["artifacts_sha256"].items():
        assert sha256_of(MODELS / version / name) == digest
    assert (MODELS / version / "card.md").read_text() == cards.markdown(card)
    assert set(card["by_segment"]) == set(World().segments)


def test_cards_name_the_base_weights() -> None:
    for version in ("v1", "v2"):
        assert _card(f"nlp_model/{version}")["base_weights"]["sha256"] == MINILM_SHA256
        assert _card(f"cv_model/{version}")["base_weights"]["sha256"] == EFFICIENTNET_SHA256


def test_every_pair_of_versions_has_the_precision_asked() -> None:
    for name, metrics in _card("conversion_model/v1")["by_mix"].items():
        assert misses(metrics) == [], name


def test_the_second_versions_are_better() -> None:
    for name, metric in (("nlp_model", "text_correlation_unseen_phrases"), ("cv_model", "photo_quality_r2")):
        assert _card(f"{name}/v2")["metrics"][metric] > _card(f"{name}/v1")["metrics"][metric] + 0.01


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_text_figures_can_be_found_again(shop: Workshop, exam: Exam, version: str) -> None:
    found, card = (
        text_metrics(shop.text_model(version), exam.unseen, exam.seen),
        _card(f"nlp_model/{version}")["metrics"],
    )
    assert found["text_correlation_unseen_phrases"] >= 0.5
    for name, value in found.items():
        assert value == pytest.approx(card[name], abs=0.05), name


@pytest.mark.parametrize(("version", "taps"), [("v1", (4,)), ("v2", TAPS)])
def test_photo_figures_can_be_found_again(shop: Workshop, exam: Exam, version: str, taps: tuple[int, ...]) -> None:
    features = pick(exam.seen.photos.features, TAPS, taps)
    found, card = photo_metrics(shop.photo_model(version), exam.seen, features), _card(f"cv_model/{version}")["metrics"]
    assert misses(found) == []
    for name, value in found.items():
        assert value == pytest.approx(card[name], abs=0.05), name


def test_price_and_conversion_figures_can_be_found_again(mixes: list[Mix]) -> None:
    for mix in mixes:
        card = _card("conversion_model/v1")["by_mix"][mix.name]
        assert mix.price["price_log_r2"] >= 0.8
        assert mix.price["price_interval_coverage"] == pytest.approx(0.9, abs=0.05)
        # A fifth of the listings, so a fifth of the houses that draw most of the positives.
        assert mix.conversion["conversion_precision"] == pytest.approx(card["conversion_precision"], abs=0.02)
        assert mix.conversion["conversion_positive_share"] >= 0.22
        assert mix.conversion["conversion_calibration_error"] <= 0.05


def test_a_text_model_that_pools_the_wrong_way_costs_precision(shop: Workshop, exam: Exam, mixes: list[Mix]) -> None:
    model, world = shop.text_model("v2"), exam.seen.world
    model.pooling, model.normalize, model.lowercase = "sum", False, False
    told = [model.preprocess(world.description(listing.id)) for listing in world.listings[:LISTINGS]]
    vectors = np.concatenate([model.predict([text])[0].embedding[None] for text in told])
    broken = replace(exam, seen=replace(exam.seen, embeddings=vectors))
    text, photo = list(version_pairs())[-1]
    found = examine(shop, broken, *heads(shop), text, photo)
    assert found.conversion["conversion_precision"] < mixes[-1].conversion["conversion_precision"] - 0.15


def test_a_row_served_alone_is_what_was_examined(mixes: list[Mix], conversion_model: ConversionModel) -> None:
    for row, chance in list(zip(mixes[3].pairs.rows, mixes[3].chances, strict=True))[:50]:
        assert conversion_model.predict(row).probability == pytest.approx(chance, abs=1e-9)


@pytest.mark.parametrize("version", VERSIONS)
def test_reference_statistics_are_whole(version: str) -> None:
    reference = _reference(version)
    assert reference["predictions"]
    for name, stats in (reference["features"] | reference["predictions"]).items():
        assert stats["edges"] == sorted(set(stats["edges"])), name
        assert len(stats["counts"]) == len(stats["edges"]) + 1
        assert sum(stats["counts"]) == reference["rows"] * (1.0 - stats["null_share"])
        assert stats["p5"] <= stats["p50"] <= stats["p95"]


def test_reference_covers_every_feature(price_model: PriceModel, conversion_model: ConversionModel) -> None:
    assert set(_reference("price_model/v1")["features"]) == set(price_model.features)
    assert set(_reference("conversion_model/v1")["features"]) == set(conversion_model.features)


def test_a_healthy_window_of_the_served_world_does_not_drift(world: World) -> None:
    rng = np.random.default_rng(6)
    users = user_rows(world, rng)
    window = [
        users[int(rng.integers(len(users)))]
        | world.listing_features(world.listings[int(rng.integers(len(world.listings)))].id)
        for _ in range(1_000)
    ]
    for name, stats in _reference("conversion_model/v1")["features"].items():
        if name in window[0]:
            counts = [0] * len(stats["counts"])
            for row in window:
                counts[bisect_right(stats["edges"], float(row[name]))] += 1
            assert psi(stats["counts"], counts) < 0.1, name


def test_another_version_is_swapped_in_by_its_directory(tmp_path: Path, encoder: Encoder) -> None:
    shutil.copytree(MODELS / "nlp_model" / "v2", tmp_path / "v3")
    third = TextModel(tmp_path / "v3", "v3", encoder)
    third.load()
    (score,) = third.predict([third.preprocess("A bright house with a new kitchen.")])
    assert third.version == "v3"
    assert 0.0 <= score.score <= 1.0
    third.unload()
