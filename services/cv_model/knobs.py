"""What can be turned on the photo model while it serves."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chassis.knobs import Knobs
from chassis.worker import Worker, register_threads
from services.cv_model.model import PhotoModel


def register(knobs: Knobs, models: Sequence[PhotoModel], worker: Worker) -> None:
    """The threads of an inference for all versions, channels and precision for each."""
    register_threads(knobs, worker, torch.set_num_threads)
    for model in models:
        _version(knobs, model)


def _version(knobs: Knobs, model: PhotoModel) -> None:
    def channels(value: str) -> None:
        model.channel_order = value  # type: ignore[assignment]  # one of the knob's choices

    def precision(value: str) -> None:
        model.precision = value  # type: ignore[assignment]  # one of the knob's choices

    name = f"{model.name}.{model.version}"
    knobs.register(
        f"{name}.channels",
        model.channel_order,
        "The order of a photo's colours.",
        choices=("rgb", "bgr"),
        on_change=channels,
    )
    knobs.register(
        f"{name}.precision",
        model.precision,
        "Numbers the photo's statistics are computed in.",
        choices=("float32", "float16"),
        on_change=precision,
    )
