"""One prediction: three calls at once, each with a deadline, fused into a price and a probability."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import orjson

from chassis import deadlines, semconv
from chassis.client import PeerError
from chassis.context import REQUEST_ID
from chassis.drift import DriftWatch
from chassis.problems import Problem
from chassis.serving import bind_prediction
from chassis.telemetry import Telemetry
from services.cv_model.client import CvModelClient, PhotoAnswer
from services.feature_store.client import FeaturesAnswer, FeatureStoreClient, UnknownListing
from services.nlp_model.client import NlpModelClient, TextAnswer
from services.orchestrator.heads import ConversionModel, PriceModel
from services.orchestrator.ledger import Ledger, Row, new_id
from services.orchestrator.routing import VersionRouter
from services.orchestrator.schemas import Answer, Ask, Conversion, Part, PhotoScores, Price

T = TypeVar("T")
TYPICAL: dict[Part, object] = {
    "photo": PhotoAnswer(
        score=0.5, quality=0.5, condition=0.5, scene="facade", scene_probability=1.0, model_version="v1"
    ),
    "text": TextAnswer(score=0.5, tokens=0, model_version="v1"),
}

FEATURES_DEADLINE, TEXT_DEADLINE, PHOTO_DEADLINE = 0.5, 1.0, 1.0  # seconds


@dataclass
class Parts:
    """What the fan-out brought; a part that failed is None and named in ``missing``."""

    features: FeaturesAnswer | None
    text: TextAnswer | None
    photo: PhotoAnswer | None
    missing: list[Part] = field(default_factory=list)

    def known(self) -> dict[str, float | str]:
        """Every feature of the price and conversion heads that is known; ``segment`` is the one that is no number."""
        values: dict[str, float | str] = {}
        if self.features:
            values |= {**self.features.values, "segment": self.features.segment}
        if self.text:
            values["text_score"] = self.text.score
        if self.photo:
            values |= {"photo_quality": self.photo.quality, "photo_condition": self.photo.condition}
        return values


@dataclass
class Pipeline:
    """Everything one prediction needs."""

    feature_store: FeatureStoreClient
    nlp_model: NlpModelClient
    cv_model: CvModelClient
    price: PriceModel
    conversion: ConversionModel
    router: VersionRouter
    ledger: Ledger
    telemetry: Telemetry
    watches: Sequence[DriftWatch] = ()

    def __post_init__(self) -> None:
        add = self.telemetry.knobs.share
        self._mode = add(
            "fan_out.mode", "together", "Whether the three calls are made at once.", choices=("together", "one_by_one")
        )
        self._missing = add(
            "fan_out.missing",
            "marked",
            "What stands for a part that failed: nothing, marked so, or a typical one.",
            choices=("marked", "typical"),
        )
        self._renditions = add(
            "answer.renditions", 0, "Renditions of the photo that an answer carries.", minimum=0, maximum=200
        )

    async def answer(self, ask: Ask) -> bytes:
        """The answer as JSON. Raises Problem for an unknown listing."""
        versions = self.router.versions(ask.user_id)
        with self.telemetry.baggage({semconv.EXPERIMENT: ",".join(f"{k}:{v}" for k, v in versions.items())}):
            parts = await self.fan_out(ask, versions)
        price, conversion = self.infer(parts.known())
        answer = self.fuse(parts, price, conversion, versions)
        self._keep(answer, parts)
        with self.telemetry.span("serialize"):
            answer.photos = [base64.b64encode(ask.photo).decode() for _ in range(self._renditions.value)]
            body = orjson.dumps(answer.model_dump(exclude=None if answer.photos else {"photos"}))
            self.telemetry.set(semconv.PAYLOAD_BYTES, len(body))
        return body

    async def fan_out(self, ask: Ask, versions: Mapping[str, str]) -> Parts:
        """The three calls at once. A part that fails or is late is missing, not fatal."""
        missing: list[Part] = []
        with self.telemetry.span("fan_out"):
            features, text, photo = await self._all(
                lambda: self._part(
                    "features", FEATURES_DEADLINE, self.feature_store.features(ask.listing_id, ask.user_id), missing
                ),
                lambda: self._part(
                    "text", TEXT_DEADLINE, self.nlp_model.score(ask.description, versions["nlp_model"]), missing
                ),
                lambda: self._part(
                    "photo",
                    PHOTO_DEADLINE,
                    self.cv_model.score(ask.photo, ask.photo_type, versions["cv_model"]),
                    missing,
                ),
            )
        return Parts(features, text, photo, missing)

    async def _all(self, *calls: Callable[[], Coroutine[Any, Any, Any]]) -> Sequence[Any]:
        """The answers in order. A call is made when it is its turn: after one that raises, the next never is."""
        if self._mode.value == "together":
            return await asyncio.gather(*(call() for call in calls))
        return [await call() for call in calls]

    async def _part(self, part: Part, seconds: float, call: Awaitable[T], missing: list[Part]) -> T | None:
        try:
            with deadlines.deadline(seconds):
                return await call
        except UnknownListing as error:
            raise Problem(
                404, "unknown-listing", "Unknown listing", "The marketplace has no listing of this id."
            ) from error
        except PeerError as error:
            if self._missing.value == "typical" and part in TYPICAL:
                return cast(T, TYPICAL[part])
            missing.append(part)
            self.telemetry.count(semconv.PREDICTION_PARTS_MISSING, part=part)
            self.telemetry.log.bind(part=part, peer=error.peer).warning(f"part missing: {error}")
            return None

    def infer(self, values: Mapping[str, float | str]) -> tuple[Price, Conversion]:
        """The two heads, on what is known; they put typical values for the rest."""
        with self._inference(self.price):
            price = self.price.predict(values)
            bind_prediction(self.telemetry, self.price, price.price / 100_000)
        with self._inference(self.conversion):
            conversion = self.conversion.predict(values)
            bind_prediction(self.telemetry, self.conversion, conversion.probability)
        return (
            Price(value=price.price, low=price.low, high=price.high),
            Conversion(probability=conversion.probability, likely=conversion.positive),
        )

    @contextmanager
    def _inference(self, model: PriceModel | ConversionModel) -> Iterator[None]:
        """Span and duration of one head's inference; a row takes well under a millisecond, so it stays on the loop."""
        names = {semconv.ML_MODEL_NAME: model.name, semconv.ML_MODEL_VERSION: model.version}
        labels = {"model_name": model.name, "model_version": model.version}
        with self.telemetry.span("model_inference", names):
            started = time.perf_counter()
            try:
                yield
            except Exception:
                self.telemetry.count(semconv.MODEL_ERRORS, **labels)
                raise
            self.telemetry.observe(semconv.MODEL_INFERENCE_DURATION, time.perf_counter() - started, **labels)

    def fuse(self, parts: Parts, price: Price, conversion: Conversion, versions: Mapping[str, str]) -> Answer:
        """The answer, and on the span whether it is degraded and what it went without."""
        with self.telemetry.span("fuse_prediction"):
            self.telemetry.set(semconv.PREDICTION_DEGRADED, bool(parts.missing))
            self.telemetry.set(semconv.PREDICTION_MISSING, parts.missing)
            return Answer(
                price=price,
                conversion=conversion,
                text_score=parts.text.score if parts.text else None,
                photo=PhotoScores(**parts.photo.model_dump()) if parts.photo else None,
                model_versions={
                    **versions,
                    self.price.name: self.price.version,
                    self.conversion.name: self.conversion.version,
                },
                degraded=bool(parts.missing),
                missing=sorted(parts.missing),
                prediction_id=new_id(),
                request_id=REQUEST_ID.get(),
                trace_id=self.telemetry.trace_id(),
            )

    def _keep(self, answer: Answer, parts: Parts) -> None:
        """Remembers the prediction for its outcome and for drift, and logs it."""
        for watch in self.watches:
            watch.see({"price": answer.price.value, "conversion_probability": answer.conversion.probability})
        self.ledger.remember(
            Row(
                prediction_id=answer.prediction_id,
                predicted_at=time.time(),
                trace_id=answer.trace_id,
                span_id=self.telemetry.span_id(),
                segment=parts.features.segment if parts.features else "unknown",
                versions=answer.model_versions,
                probability=answer.conversion.probability,
                likely=answer.conversion.likely,
                price=answer.price.value,
                low=answer.price.low,
                high=answer.price.high,
                served=parts.known(),
            )
        )
        line = self.telemetry.log.bind(
            model_name=self.price.name,
            model_version=self.price.version,
            prediction=round(answer.price.value),
            prediction_id=answer.prediction_id,
            missing=answer.missing,
        )
        if answer.degraded:
            line.warning("prediction degraded")
        else:
            line.info("prediction fused")
