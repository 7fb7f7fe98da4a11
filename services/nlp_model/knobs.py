"""What can be turned on the text model while it serves."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chassis.knobs import Knobs
from chassis.worker import Worker, register_threads
from services.nlp_model.model import MAX_TOKENS, POSITIONS, TextModel


def register(knobs: Knobs, models: Sequence[TextModel], worker: Worker) -> None:
    """The tokenizer's knobs and the threads of an inference for all versions, pooling and case for each."""

    def max_tokens(value: int) -> None:
        for model in models:
            model.max_tokens = value

    def padding(value: str) -> None:
        for model in models:
            model.padding = value  # type: ignore[assignment]  # one of the knob's choices

    knobs.register(
        "tokenizer.max_tokens",
        MAX_TOKENS,
        "Tokens of a text that are read.",
        minimum=2,
        maximum=POSITIONS,
        on_change=max_tokens,
    )
    knobs.register(
        "tokenizer.padding",
        "longest",
        "To how many tokens the texts of a batch are padded.",
        choices=("longest", "max_tokens"),
        on_change=padding,
    )
    register_threads(knobs, worker, torch.set_num_threads)
    for model in models:
        _version(knobs, model)


def _version(knobs: Knobs, model: TextModel) -> None:
    def pooling(value: str) -> None:
        model.pooling = value  # type: ignore[assignment]  # one of the knob's choices

    def normalize(value: bool) -> None:
        model.normalize = value

    def lowercase(value: bool) -> None:
        model.lowercase = value

    name = f"{model.name}.{model.version}"
    knobs.register(
        f"{name}.pooling",
        model.pooling,
        "How the tokens' vectors become one.",
        choices=("mean", "first", "sum"),
        on_change=pooling,
    )
    knobs.register(
        f"{name}.normalize", model.normalize, "Whether that one is brought to length 1.", on_change=normalize
    )
    knobs.register(f"{name}.lowercase", model.lowercase, "Whether text is lowered first.", on_change=lowercase)
