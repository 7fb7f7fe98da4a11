"""From artifacts to a release: measured on the served world, with reference statistics and a model card each."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chassis import embedding
from marketplace.training import cards
from marketplace.training.artifacts import sha256_of, write_json, write_tensors
from marketplace.training.base import EFFICIENTNET_SHA256, MINILM_SHA256
from marketplace.training.evaluate import (
    Metrics,
    by_segment,
    conversion_metrics,
    photo_metrics,
    predicted_chances,
    predicted_prices,
    price_metrics,
    text_metrics,
)
from marketplace.training.fusion import Pairs, Row, Seen, listing_rows, pairs_of, user_rows
from marketplace.training.heads import CONVERSION_FEATURES, INTERVAL, PRECISION, PRICE_FEATURES
from marketplace.training.learn import Workshop, test_users
from marketplace.training.photo import PHOTO_RECIPES, PhotoRecipe
from marketplace.training.reference import reference_of
from marketplace.training.text import TEXT_RECIPES, TextRecipe
from marketplace.training.worlds import pick
from marketplace.world import SCENES
from services.cv_model.model import SIDE, TAPS
from services.nlp_model.model import MAX_TOKENS, load_tokenizer, tokenize
from services.orchestrator.heads import ConversionModel, PriceModel

EXAM_PAIRS = 80_000
NOTE = "the served world: every listing; users of the test half after 0 to 8 sessions, shown listings at random"


@dataclass(frozen=True)
class Exam:
    """The served world as both networks see it, the same listings in unseen phrases, and users shown listings."""

    seen: Seen
    unseen: np.ndarray
    pairs: int = EXAM_PAIRS


@dataclass(frozen=True)
class Mix:
    """One pair of text and photo version, the listings' rows under it, and what price and conversion make of them."""

    name: str
    rows: list[Row]
    price: Metrics
    conversion: Metrics
    segments: dict[str, Metrics]
    pairs: Pairs
    chances: np.ndarray


def release(shop: Workshop, exam: Exam, agreement: float) -> dict[str, Metrics]:
    """Write cards and reference statistics of every model version. Returns each one's metrics by "model version"."""
    price, conversion = heads(shop)
    mixes = [examine(shop, exam, price, conversion, *versions) for versions in version_pairs()]
    results: dict[str, Metrics] = {}
    for text in TEXT_RECIPES:
        mine = [mix for mix in mixes if mix.name.startswith(f"text {text.version}")]
        results[f"nlp_model {text.version}"] = _release_text(shop, exam, text, mine, agreement)
    for photo in PHOTO_RECIPES:
        mine = [mix for mix in mixes if mix.name.endswith(f"photo {photo.version}")]
        results[f"cv_model {photo.version}"] = _release_photo(shop, exam, photo, mine)
    results["price_model v1"] = _release_price(shop, price, mixes)
    results["conversion_model v1"] = _release_conversion(shop, conversion, mixes)
    return results


def heads(shop: Workshop) -> tuple[PriceModel, ConversionModel]:
    """Both heads from the artifacts."""
    return PriceModel(shop.models / "price_model" / "v1"), ConversionModel(shop.models / "conversion_model" / "v1")


def version_pairs() -> Iterable[tuple[TextRecipe, PhotoRecipe]]:
    """Every text version with every photo version: users are routed to each independently."""
    return [(text, photo) for text in TEXT_RECIPES for photo in PHOTO_RECIPES]


def examine(
    shop: Workshop, exam: Exam, price: PriceModel, conversion: ConversionModel, text: TextRecipe, photo: PhotoRecipe
) -> Mix:
    """Price and conversion with one version of each model; every mix sees the same users, listings and outcomes."""
    features = pick(exam.seen.photos.features, TAPS, photo.taps)
    models = shop.text_model(text.version), shop.photo_model(photo.version)
    rows = listing_rows(exam.seen, *models, features)
    world, rng = exam.seen.world, np.random.default_rng((exam.seen.world.seed, 78))
    pairs = pairs_of(world, [rows], user_rows(world, rng), exam.pairs, rng, test_users(world))
    chances = predicted_chances(conversion, pairs.rows)
    return Mix(
        name=f"text {text.version}, photo {photo.version}",
        rows=rows,
        price=price_metrics(price, exam.seen, rows),
        conversion=conversion_metrics(chances, conversion.threshold, pairs),
        segments=by_segment(chances, conversion.threshold, pairs),
        pairs=pairs,
        chances=chances,
    )


def mean_of(parts: Iterable[Metrics]) -> Metrics:
    """The mean of each metric over the parts."""
    listed = list(parts)
    return {name: float(np.mean([part[name] for part in listed])) for name in listed[0]}


def _release_text(shop: Workshop, exam: Exam, recipe: TextRecipe, mixes: list[Mix], agreement: float) -> Metrics:
    model = shop.text_model(recipe.version)
    metrics = text_metrics(model, exam.unseen, exam.seen) | mean_of(mix.conversion for mix in mixes)
    facts = {
        "base_weights": {"name": "all-MiniLM-L6-v2", "sha256": MINILM_SHA256},
        "max_tokens": MAX_TOKENS,
        "agreement_with_transformers": round(agreement, 6),
        "data": f"{recipe.texts} texts of another seed, in phrases of which a quarter is held out",
        "reason": recipe.reason,
    }
    world, tokenizer = exam.seen.world, load_tokenizer(shop.encoder.directory)
    told = [world.description(listing.id) for listing in world.listings[: len(exam.unseen)]]
    tokens = [float(len(tokenize(tokenizer, text, MAX_TOKENS).ids)) for text in told]
    characters = [float(len(text)) for text in told]
    scores = [score.score for score in model.score(exam.seen.embeddings)]
    columns = {"tokens": tokens, "characters": characters}
    columns |= _measured(shop, "nlp_model", recipe.version, "text", exam.seen.embeddings)
    reference = reference_of(columns, {"text_score": scores}, len(told), "the served world's listings")
    return _write(shop, "nlp_model", recipe.version, metrics, facts, reference, mixes)


def _release_photo(shop: Workshop, exam: Exam, recipe: PhotoRecipe, mixes: list[Mix]) -> Metrics:
    model = shop.photo_model(recipe.version)
    features = pick(exam.seen.photos.features, TAPS, recipe.taps)
    metrics = photo_metrics(model, exam.seen, features) | mean_of(mix.conversion for mix in mixes)
    facts = {
        "base_weights": {"name": "EfficientNet-Lite0", "sha256": EFFICIENTNET_SHA256},
        "side": SIDE,
        "scenes": list(SCENES),
        "data": f"{recipe.photos} rendered photos of other seeds",
        "reason": recipe.reason,
    }
    scores = model.score(features)
    columns = {
        "photo_quality": [score.quality for score in scores],
        "photo_condition": [score.condition for score in scores],
        "scene_probability": [score.scene_probability for score in scores],
    }
    columns |= _measured(shop, "cv_model", recipe.version, "photo", np.stack([score.embedding for score in scores]))
    predictions = {"photo_score": [score.score for score in scores]}
    reference = reference_of(columns, predictions, len(scores), "the served world's listings")
    return _write(shop, "cv_model", recipe.version, metrics, facts, reference, mixes)


def _release_price(shop: Workshop, model: PriceModel, mixes: list[Mix]) -> Metrics:
    metrics = mean_of(mix.price for mix in mixes)
    facts = {
        "interval": INTERVAL,
        "interval_log": model.interval_log,
        "data": "4 000 listings of other seeds, scored by both versions of both models in turn",
        "reason": "first version: 110 boosted trees on log dollars, split-conformal interval",
    }
    rows = [row for mix in mixes for row in mix.pairs.rows[: EXAM_PAIRS // len(mixes) // 4]]
    prices = {"price": predicted_prices(model, rows)}
    reference = reference_of(_columns(rows, PRICE_FEATURES), prices, len(rows), NOTE)
    return _write(shop, "price_model", "v1", metrics, facts, reference, mixes)


def _release_conversion(shop: Workshop, model: ConversionModel, mixes: list[Mix]) -> Metrics:
    metrics = mean_of(mix.conversion for mix in mixes)
    facts = {
        "threshold": model.threshold,
        "threshold_chosen_for_precision": PRECISION,
        "data": "120 000 users shown listings, of other seeds; threshold from every second user of the served world",
        "reason": "first version: logistic regression, terms by segment",
    }
    rows = [row for mix in mixes for row in mix.pairs.rows[: EXAM_PAIRS // len(mixes) // 4]]
    chances = {"conversion_probability": predicted_chances(model, rows)}
    reference = reference_of(_columns(rows, CONVERSION_FEATURES), chances, len(rows), NOTE)
    return _write(shop, "conversion_model", "v1", metrics, facts, reference, mixes)


def _measured(shop: Workshop, name: str, version: str, kind: str, embeddings: np.ndarray) -> dict[str, list[float]]:
    """``embedding.safetensors``, and what embeddings measured by it look like at release."""
    yardstick = embedding.Yardstick.of(embeddings)
    write_tensors(shop.models / name / version, yardstick.tensors, embedding.FILE)
    return {feature: values.tolist() for feature, values in yardstick.measure(kind, embeddings).items()}


def _columns(rows: list[Row], names: tuple[str, ...]) -> dict[str, list[float]]:
    return {name: [float(row[name]) for row in rows] for name in names}


def _write(
    shop: Workshop,
    name: str,
    version: str,
    metrics: Metrics,
    facts: dict[str, Any],
    reference: dict[str, Any],
    mixes: list[Mix],
) -> Metrics:
    """``reference.json``, ``card.json`` and ``card.md`` of one version."""
    folder = shop.models / name / version
    write_json(folder / "reference.json", reference)
    card = {
        "name": name,
        "version": version,
        **facts,
        "metrics": _rounded(metrics),
        "by_mix": {mix.name: _rounded(mix.price | mix.conversion) for mix in mixes},
        "by_segment": {
            segment: _rounded(mean_of(mix.segments[segment] for mix in mixes)) for segment in mixes[0].segments
        },
        "artifacts_sha256": {path.name: sha256_of(path) for path in sorted(folder.glob("head.*"))},
        "trained_with": {
            "machine": platform.machine(),
            "torch": torch.__version__,
            "quantized_engine": str(torch.backends.quantized.engine),
        },
    }
    write_json(folder / "card.json", card)
    (folder / "card.md").write_text(cards.markdown(json.loads((folder / "card.json").read_text())))
    return metrics


def _rounded(metrics: Metrics) -> Metrics:
    return {name: round(value, 4) for name, value in metrics.items()}
