"""Drift of embeddings: hundreds of numbers as three whose distribution a reference can hold.

A cloud of vectors that moves or turns changes how alike its vectors are to the cloud's old mean, and their places on
fixed random directions: on such a direction a move keeps, on average, its length over the cloud's spread (the random
projections of Johnson and Lindenstrauss, 1984). What is counted, scored and told is as for any feature
(``chassis.drift``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file

from chassis import semconv
from chassis.drift import QUEUE, DriftWatch, Reference, Row, read_references
from chassis.telemetry import Telemetry

FILE = "embedding.safetensors"  # beside a model version's reference.json
AXES, SEED = 2, 20_261


@dataclass(frozen=True)
class Yardstick:
    """What embeddings of width d are measured by: the reference's mean, shape (d,), and unit directions (2, d)."""

    centroid: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, embeddings: np.ndarray) -> Self:
        """From the reference's embeddings, shape (n, d). The directions are drawn from a fixed seed."""
        axes = np.random.default_rng(SEED).normal(size=(AXES, embeddings.shape[1]))
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        return cls(embeddings.mean(axis=0).astype(np.float32), axes.astype(np.float32))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Of a model version, as its training wrote it. Raises FileNotFoundError."""
        return cls(**load_file(folder / FILE))

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        return {"centroid": self.centroid, "axes": self.axes}

    def measure(self, kind: str, embeddings: np.ndarray) -> dict[str, np.ndarray]:
        """Three numbers for each of the embeddings, shape (n, d): cosine to the centroid, and place on each axis."""
        lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(self.centroid)
        with np.errstate(divide="ignore", invalid="ignore"):  # a vector of zeros is like nothing: a null
            similarity = embeddings @ self.centroid / lengths
        placed = embeddings @ self.axes.T
        return {
            f"{kind}_embedding_similarity": similarity,
            **{f"{kind}_embedding_{number + 1}": placed[:, number] for number in range(len(self.axes))},
        }


class EmbeddingWatch(DriftWatch):
    """A DriftWatch that sees each row with the embedding behind it; ``kind`` (text, photo) begins the features' names.

    A request pays for one append; embeddings are measured together, once a second (about 3 µs each).
    """

    def __init__(
        self,
        telemetry: Telemetry,
        model_name: str,
        model_version: str,
        references: Mapping[str, Reference],
        yardstick: Yardstick,
        kind: str,
    ) -> None:
        super().__init__(telemetry, model_name, model_version, references)
        self._yardstick, self._kind = yardstick, kind
        self._seen: list[tuple[Row, np.ndarray]] = []

    def see_embedded(self, row: Row, embedding: np.ndarray) -> None:
        """One row, and the pooled embedding, shape (d,), that its scores were made of."""
        if len(self._seen) >= QUEUE:
            self.telemetry.count(semconv.FEATURE_ROWS_DROPPED, **self.labels)
            return
        self._seen.append((row, embedding))

    def bin_queued(self) -> None:
        seen, self._seen = self._seen, []
        for row in self._measured(seen) if seen else ():
            self.see(row)
        super().bin_queued()

    def _measured(self, seen: Sequence[tuple[Row, np.ndarray]]) -> list[Row]:
        numbers = self._yardstick.measure(self._kind, np.stack([embedding for _, embedding in seen]))
        columns = {name: values.tolist() for name, values in numbers.items()}
        return [
            {**row, **{name: values[place] for name, values in columns.items()}} for place, (row, _) in enumerate(seen)
        ]


def watch_embedded(telemetry: Telemetry, models: Path, name: str, version: str, kind: str) -> EmbeddingWatch:
    """A watch over everything a model version has a reference for, its embeddings too."""
    folder = models / name / version
    references = read_references(folder / "reference.json")
    return EmbeddingWatch(telemetry, name, version, references, Yardstick.read(folder), kind)
