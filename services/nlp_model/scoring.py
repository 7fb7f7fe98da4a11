"""Scoring a description: tokens, a place in a batch, the model, the score checked."""

from __future__ import annotations

from collections.abc import Mapping

from chassis import semconv
from chassis.embedding import EmbeddingWatch
from chassis.pool import Pool
from chassis.problems import Problem
from chassis.serving import ModelServer, bind_prediction
from chassis.telemetry import Telemetry
from services.nlp_model.model import MAX_TOKENS, TextScore, TokenizedText
from services.nlp_model.schemas import TextAnswer, TextAsk

GATE = 64  # requests between tokens and answer at once

TextServer = ModelServer[str, TokenizedText, TextScore]


class TextScorer:
    """Scores descriptions with the version each request names; ``watches`` by version see what comes and goes."""

    def __init__(
        self,
        servers: Mapping[str, TextServer],
        telemetry: Telemetry,
        watches: Mapping[str, EmbeddingWatch] | None = None,
    ) -> None:
        self.servers, self.telemetry, self.watches = servers, telemetry, watches or {}
        self._gate = Pool("inference", GATE, telemetry)
        self._padding = telemetry.knobs.share("tokenizer.padding", "longest", "As knobs.register says.")
        self._max_tokens = telemetry.knobs.share("tokenizer.max_tokens", MAX_TOKENS, "As knobs.register says.")

    async def score(self, ask: TextAsk) -> TextAnswer:
        """Raises Problem 404 for a version that is not loaded, and what ModelServer.infer raises."""
        server = self.servers.get(ask.version)
        if server is None:
            raise Problem(404, "unknown-version", "No such model version", f"Loaded: {', '.join(self.servers)}.")
        with self.telemetry.span("preprocess"):
            text = server.model.preprocess(ask.description)
            self.telemetry.set(semconv.ML_TOKENS, self._width(text))
        async with self._gate.slot():
            result = await server.infer(text)
        with self.telemetry.span("postprocess", server.names):
            bind_prediction(self.telemetry, server.model, result.score).info("description scored")
        if watch := self.watches.get(ask.version):
            row = {"tokens": len(text.ids), "characters": len(ask.description), "text_score": result.score}
            watch.see_embedded(row, result.embedding)
        return TextAnswer(score=result.score, tokens=len(text.ids), model_version=ask.version)

    def _width(self, text: TokenizedText) -> int:
        """Tokens that the model computes with, padding counted."""
        return max(len(text.ids), self._max_tokens.value if self._padding.value == "max_tokens" else 0)

    async def warm_up(self) -> None:
        """One inference a version: the first is slow, and a model that cannot answer must not become ready."""
        for server in self.servers.values():
            await server.infer(server.model.preprocess("A bright house with a new kitchen and a quiet garden."))
