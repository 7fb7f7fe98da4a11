"""Scoring a photo: decoding, scaling, a place in a batch, the model, the score checked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
from PIL import Image

from chassis import semconv
from chassis.embedding import EmbeddingWatch
from chassis.pool import Pool
from chassis.problems import Problem
from chassis.serving import ModelServer, bind_prediction
from chassis.telemetry import Telemetry
from services.cv_model.model import MAX_PIXELS, PhotoError, PhotoScore, decode_photo
from services.cv_model.schemas import PhotoAnswer

GATE = 64  # requests between decoding and answer at once

PhotoServer = ModelServer[Image.Image, np.ndarray, PhotoScore]


class PhotoScorer:
    """Scores photos with the version each request names. ``max_pixels`` bounds what is decoded.

    ``watches`` by version see what comes out.
    """

    def __init__(
        self,
        servers: Mapping[str, PhotoServer],
        telemetry: Telemetry,
        watches: Mapping[str, EmbeddingWatch] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.servers, self.telemetry, self.watches = servers, telemetry, watches or {}
        self._max_pixels = telemetry.knobs.register(
            "photo.max_pixels", max_pixels, "Most pixels of a photo that is decoded.", minimum=64
        )
        self._gate = Pool("inference", GATE, telemetry)

    async def score(self, photo: bytes, version: str) -> PhotoAnswer:
        """Raises Problem 404 for a version not loaded, 422 for bytes that are no photo, and what infer raises."""
        server = self.servers.get(version)
        if server is None:
            raise Problem(404, "unknown-version", "No such model version", f"Loaded: {', '.join(self.servers)}.")
        array = await asyncio.to_thread(self._prepare, server, photo)
        async with self._gate.slot():
            result = await server.infer(array)
        with self.telemetry.span("postprocess", server.names):
            bind_prediction(self.telemetry, server.model, result.score).info("photo scored")
        if watch := self.watches.get(version):
            watch.see_embedded(_seen(result), result.embedding)
        return PhotoAnswer(
            score=result.score,
            quality=result.quality,
            condition=result.condition,
            scene=result.scene,
            scene_probability=result.scene_probability,
            model_version=version,
        )

    def _prepare(self, server: PhotoServer, photo: bytes) -> np.ndarray:
        """In a thread of its own: a large photo takes tens of milliseconds."""
        try:
            # The error itself leaves the span, with its stack: the gateway has decoded this photo, so it is a failure.
            with self.telemetry.span("decode_photo", {semconv.PHOTO_BYTES: len(photo)}):
                image = decode_photo(photo, self._max_pixels.value)
                self.telemetry.set(semconv.PHOTO_PIXELS, image.width * image.height)
        except PhotoError as error:
            raise Problem(422, "unreadable-photo", "The photo cannot be read", str(error)) from error
        with self.telemetry.span("preprocess"):
            return server.model.preprocess(image)

    async def warm_up(self) -> None:
        """One inference a version: the first is slow, and a model that cannot answer must not become ready."""
        for server in self.servers.values():
            await server.infer(server.model.preprocess(Image.new("RGB", (320, 240), (128, 128, 128))))


def _seen(result: PhotoScore) -> dict[str, float]:
    return {
        "photo_score": result.score,
        "photo_quality": result.quality,
        "photo_condition": result.condition,
        "scene_probability": result.scene_probability,
    }
