"""The real models with a corrupted weight: what they answer is no number, and that is told, not served."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chassis.serving import InferenceFailed, ModelServer
from chassis.telemetry import Telemetry
from services.cv_model.model import PhotoModel
from services.cv_model.scoring import PhotoScorer
from services.nlp_model.model import TextModel
from services.nlp_model.schemas import TextAsk
from services.nlp_model.scoring import TextScorer
from tests.conftest import ROOT
from tests.unit.services import photos
from tests.unit.signals import Signals, trace_id

pytestmark = pytest.mark.anyio

MODELS = ROOT / "models"
ASK = TextAsk(description="A bright house with a new kitchen.", version="v1")


class Corrupted:
    """Mixed in: one weight of the head is not a number once it is loaded."""

    _head: Any

    def load(self) -> None:
        super().load()  # type: ignore[misc]
        self._head = {name: values.copy() for name, values in self._head.items()}
        self._head["weights"].flat[0] = np.nan


class CorruptedText(Corrupted, TextModel): ...


class CorruptedPhoto(Corrupted, PhotoModel): ...


def assert_told(signals: Signals, model: str) -> None:
    """An error span with an exception event, and an ERROR line with the stack in the same trace; no prediction."""
    (span,) = [span for span in signals.spans("model_inference") if not span.status.is_ok]
    assert [event.name for event in span.events] == ["exception"]
    (line,) = signals.logs("ERROR")
    assert f"{line.span.trace_id:032x}" == trace_id(span)
    assert "ModelOutputError" in line.stack
    assert "not finite" in line.message
    assert signals.metric("model_errors_total", model_name=model, model_version="v1") == 1
    assert signals.metric("model_prediction_value_count", model_name=model, model_version="v1") == 0


async def test_a_text_model_gone_wrong_serves_no_score(telemetry: Telemetry, signals: Signals) -> None:
    with ThreadPoolExecutor(1) as thread:
        model = CorruptedText(Path(MODELS / "nlp_model" / "v1"), "v1")
        async with ModelServer(model, telemetry, thread) as server:
            with pytest.raises(InferenceFailed):
                await TextScorer({"v1": server}, telemetry).score(ASK)
    assert_told(signals, "nlp_model")


async def test_a_photo_model_gone_wrong_serves_no_score(telemetry: Telemetry, signals: Signals) -> None:
    with ThreadPoolExecutor(1) as thread:
        model = CorruptedPhoto(Path(MODELS / "cv_model" / "v1"), "v1")
        async with ModelServer(model, telemetry, thread) as server:
            with pytest.raises(InferenceFailed):
                await PhotoScorer({"v1": server}, telemetry).score(photos.photo(), "v1")
    assert_told(signals, "cv_model")


async def test_a_model_that_cannot_answer_does_not_become_ready(telemetry: Telemetry) -> None:
    with ThreadPoolExecutor(1) as thread:
        model = CorruptedText(Path(MODELS / "nlp_model" / "v1"), "v1")
        async with ModelServer(model, telemetry, thread) as server:
            with pytest.raises(InferenceFailed):
                await TextScorer({"v1": server}, telemetry).warm_up()


async def test_a_photo_is_scored_between_0_and_1_and_its_steps_are_spans(
    telemetry: Telemetry, signals: Signals
) -> None:
    with ThreadPoolExecutor(1) as thread:
        async with ModelServer(PhotoModel(MODELS / "cv_model" / "v1", "v1"), telemetry, thread) as server:
            answer = await PhotoScorer({"v1": server}, telemetry).score(photos.photo(320, 240), "v1")
    assert all(0 <= value <= 1 for value in (answer.score, answer.quality, answer.condition))
    names = [span.name for span in signals.spans()]
    assert names == ["model_load", "decode_photo", "preprocess", "batch_wait", "model_inference", "postprocess"]
    assert signals.metric("model_prediction_value_count", model_name="cv_model", model_version="v1") == 1


async def test_bytes_that_are_no_photo_are_refused_and_logged(telemetry: Telemetry, signals: Signals) -> None:
    with ThreadPoolExecutor(1) as thread:
        async with ModelServer(PhotoModel(MODELS / "cv_model" / "v1", "v1"), telemetry, thread) as server:
            with pytest.raises(Exception, match="not a JPEG or PNG") as refused:
                await PhotoScorer({"v1": server}, telemetry).score(b"no photo", "v1")
    assert refused.value.status == 422  # type: ignore[attr-defined]
    # The gateway decodes every photo before it lets it in: what cannot be decoded here was damaged on the way.
    [line] = signals.logs("ERROR")
    assert "decode_photo" in str(line)


def test_the_photo_models_input_is_what_it_was_trained_on() -> None:
    array = PhotoModel(MODELS / "cv_model" / "v1", "v1").preprocess(Image.new("RGB", (320, 240), (128, 128, 128)))
    assert array.shape == (96, 96, 3)
    assert array.dtype == np.float32
    assert float(array.mean()) == pytest.approx((128 / 255 - 0.498) / 0.502, abs=1e-5)
