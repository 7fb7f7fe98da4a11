"""Embeddings as three numbers that drift: a move, a turn and another pooling show, a healthy window does not."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from chassis.drift import QUEUE, Reference, psi, read_references
from chassis.embedding import EmbeddingWatch, Yardstick, watch_embedded
from chassis.telemetry import Telemetry
from tests.conftest import ROOT
from tests.unit.signals import Signals

WIDTH, ROWS = 384, 4_000
MODELS = ROOT / "models"
NAMES = ("text_embedding_similarity", "text_embedding_1", "text_embedding_2")


@pytest.fixture
def cloud() -> np.ndarray:
    """Vectors of length 1 round a common direction, as sentences of one kind are."""
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=WIDTH) + rng.normal(size=(ROWS, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def references(yardstick: Yardstick, cloud: np.ndarray) -> dict[str, Reference]:
    """Deciles, as the training writes them."""
    found = {}
    for name, values in yardstick.measure("text", cloud).items():
        edges = tuple(float(edge) for edge in np.percentile(values, range(10, 100, 10)))
        found[name] = Reference(edges, tuple(np.bincount(np.searchsorted(edges, values, "right"), minlength=10)))
    return found


def scores(cloud: np.ndarray, now: np.ndarray) -> dict[str, float]:
    """PSI of what is measured ``now`` against the cloud."""
    yardstick = Yardstick.of(cloud)
    known, found = references(yardstick, cloud), {}
    for name, values in yardstick.measure("text", now).items():
        bins = Counter(map(known[name].bin, values.tolist()))
        found[name] = psi(known[name].counts, [bins[number] for number in range(10)])
    return found


def test_a_window_of_the_same_cloud_does_not_drift(cloud: np.ndarray) -> None:
    assert max(scores(cloud, cloud[:600]).values()) < 0.1


def test_a_cloud_that_moves_shows(cloud: np.ndarray) -> None:
    moved = cloud[:600] + 0.5 * np.random.default_rng(9).normal(size=WIDTH).astype(np.float32) / np.sqrt(WIDTH)
    assert scores(cloud, moved)["text_embedding_similarity"] > 0.25


def test_vectors_of_another_length_show_on_the_axes(cloud: np.ndarray) -> None:
    told = scores(cloud, 6 * cloud[:600])
    assert told["text_embedding_similarity"] < 0.1
    assert max(told["text_embedding_1"], told["text_embedding_2"]) > 0.25


def test_the_directions_are_the_same_each_time_and_of_length_one(cloud: np.ndarray) -> None:
    one, two = Yardstick.of(cloud), Yardstick.of(cloud)
    assert np.array_equal(one.axes, two.axes)
    assert np.linalg.norm(one.axes, axis=1) == pytest.approx([1, 1])


def watch(telemetry: Telemetry, cloud: np.ndarray) -> EmbeddingWatch:
    yardstick = Yardstick.of(cloud)
    known = {**references(yardstick, cloud), "text_score": Reference((0.5,), (5, 5))}
    return EmbeddingWatch(telemetry, "nlp_model", "v1", known, yardstick, "text")


def test_each_row_is_counted_with_its_embedding(telemetry: Telemetry, signals: Signals, cloud: np.ndarray) -> None:
    watched, names = watch(telemetry, cloud), {"model_name": "nlp_model", "model_version": "v1"}
    for vector in cloud[:50]:
        watched.see_embedded({"text_score": 0.7}, vector)
    watched.see_embedded({"text_score": 0.7}, np.zeros(WIDTH, dtype=np.float32))
    watched.bin_queued()
    watched.bin_queued()  # what was counted is not counted again
    assert signals.metric("feature_values_total", feature="text_score", bin="1", **names) == 51
    for name in NAMES:
        bins = (signals.metric("feature_values_total", feature=name, bin=str(each), **names) for each in range(10))
        assert sum(bins) + signals.metric("feature_nulls_total", feature=name, **names) == 51
    assert signals.metric("feature_nulls_total", feature=NAMES[0], **names) == 1


def test_a_flood_is_bounded_and_counted(telemetry: Telemetry, signals: Signals, cloud: np.ndarray) -> None:
    watched = watch(telemetry, cloud)
    for _ in range(QUEUE + 3):
        watched.see_embedded({}, cloud[0])
    assert signals.metric("feature_rows_dropped_total", model_name="nlp_model", model_version="v1") == 3


@pytest.mark.parametrize(("name", "kind", "width"), [("nlp_model", "text", 384), ("cv_model", "photo", 1280)])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_released_versions_have_what_their_embeddings_are_held_against(
    telemetry: Telemetry, name: str, kind: str, width: int, version: str
) -> None:
    folder: Path = MODELS / name / version
    yardstick = Yardstick.read(folder)
    assert (yardstick.centroid.shape, yardstick.axes.shape) == ((width,), (2, width))
    assert set(yardstick.measure(kind, np.ones((1, width)))) <= read_references(folder / "reference.json").keys()
    assert watch_embedded(telemetry, MODELS, name, version, kind).references


def test_measuring_costs_a_prediction_next_to_nothing(cloud: np.ndarray) -> None:
    """0.2 ms a prediction is what watching may cost; one at a time, as with little traffic, is the dearest."""
    yardstick, took = Yardstick.of(cloud), []
    for vector in cloud[:200]:
        began = time.perf_counter()
        yardstick.measure("text", vector[None])
        took.append(time.perf_counter() - began)
    assert float(np.median(took)) < 0.000_2
