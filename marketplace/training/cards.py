"""Model cards in Markdown (after Mitchell et al., 2019), written from ``card.json`` so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.training.evaluate import TARGETS, Target

TITLES = {
    "nlp_model": "scores how appealing a listing's description sounds",
    "cv_model": "judges a listing's photo: scene, quality, condition of the house",
    "price_model": "estimates a listing's price, with an interval",
    "conversion_model": "estimates whether a user converts on a listing",
}
LIMITS = (
    "The market, its people, texts and photos are invented; figures say nothing about a real one.",
    "Measured on amd64. 8-bit integers differ slightly between processors; on arm64 the figures have not been rerun.",
    "Every listing, photo and user of the served world is unseen in training; its descriptions use phrases of which"
    " three quarters are.",
)


def markdown(card: Mapping[str, Any]) -> str:
    """The card of one model version."""
    parts = [
        f"# {card['name']} {card['version']}",
        f"A model that {TITLES[card['name']]}. What this version is: {card['reason']}.",
        "## Data",
        f"{_sentence(card['data'])} Drawn by `marketplace.world`; see [the world](../../../docs/world.md).",
        "## On held-out data",
        _metrics(card["metrics"]),
        "## With each pair of versions",
        _table("versions", card["by_mix"]),
        "## By segment",
        _table("segment", card["by_segment"]),
        "## Facts",
        _facts(card),
        "## Limits",
        "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(parts) + "\n"


def bounds(target: Target | None) -> str:
    """A target as people write it."""
    if target is None:
        return ""
    if target.low is not None and target.high is not None:
        return f"{target.low} to {target.high}"
    return f"at least {target.low}" if target.low is not None else f"at most {target.high}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _metrics(metrics: Mapping[str, float]) -> str:
    lines = ["| metric | value | target |", "|---|---|---|"]
    lines += [f"| {name} | {value:.4f} | {bounds(TARGETS.get(name))} |" for name, value in metrics.items()]
    return "\n".join(lines)


def _table(first: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    names = list(next(iter(rows.values())))
    short = [name.removeprefix("conversion_").replace("_", " ") for name in names]
    lines = [f"| {first} | {' | '.join(short)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(f'{values[name]:.3f}' for name in names)} |" for row, values in rows.items()]
    return "\n".join(lines)


def _facts(card: Mapping[str, Any]) -> str:
    hidden = {"name", "version", "reason", "data", "metrics", "by_mix", "by_segment"}
    return "\n".join(f"- {key.replace('_', ' ')}: {_plain(value)}" for key, value in card.items() if key not in hidden)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} `{inner}`" for key, inner in value.items())
    return ", ".join(value) if isinstance(value, list) else f"`{value}`"
