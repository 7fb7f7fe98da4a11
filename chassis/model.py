"""What a model is to a service: one object that loads, prepares one input, predicts a batch, and unloads.

A service never asks what is inside; swapping a model means handing over another object of this shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

Raw_contra = TypeVar("Raw_contra", contravariant=True)
Input = TypeVar("Input")
Output = TypeVar("Output")


class ModelOutputError(RuntimeError):
    """A model gave something that is no answer: not a number, or infinite."""


class ModelNotLoadedError(RuntimeError):
    """A model was asked before `load` or after `unload`."""


@runtime_checkable
class Model(Protocol[Raw_contra, Input, Output]):
    """A model of one version. ``load`` may take seconds; ``preprocess`` and ``predict`` run off the event loop.

    ``preprocess`` turns one raw input into what the model takes and may raise ``ValueError`` for an input it cannot
    take. ``predict`` answers a batch in its order, at least one item; it raises `ModelOutputError` where an answer is
    not finite and `ModelNotLoadedError` where nothing is loaded. ``load`` and ``unload`` may be called again.
    """

    name: str
    version: str

    @property
    def loaded(self) -> bool:
        """True between `load` and `unload`."""
        ...

    def load(self) -> None: ...

    def preprocess(self, raw: Raw_contra) -> Input: ...

    def predict(self, batch: Sequence[Input]) -> list[Output]: ...

    def unload(self) -> None: ...
