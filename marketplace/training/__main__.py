"""``python -m marketplace.training`` trains every model, writes its card, and prints what each is worth."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from marketplace.training.base import LEAST_COSINE, agreement_with_transformers, verify_base
from marketplace.training.cards import bounds
from marketplace.training.evaluate import TARGETS, Metrics, misses
from marketplace.training.exam import sit
from marketplace.training.learn import (
    Workshop,
    learn_conversion,
    learn_photos,
    learn_price,
    learn_texts,
    look_at_fusion_worlds,
)
from marketplace.training.release import release
from marketplace.training.worlds import Advance
from services.cv_model.model import Backbone
from services.nlp_model.model import Encoder

MODELS = Path(__file__).resolve().parents[2] / "models"


def main() -> None:
    """Exits 1 where a metric misses its target."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.training", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="where artifacts go")
    options = parser.parse_args()
    console, started = Console(), time.monotonic()
    torch.set_num_threads(1)  # more gain nothing on inputs this small, and sums in another order give other bytes
    with threadpool_limits(1):
        results = train(options.models, console)
    console.print(table(results))
    console.print(f"trained in {time.monotonic() - started:.0f} s")
    if any(misses(metrics) for metrics in results.values()):
        sys.exit("A metric misses its target.")


def train(models: Path, console: Console) -> dict[str, Metrics]:
    """All artifacts, cards and reference statistics into ``models``. Returns the metrics by "model version"."""
    verify_base()
    agreement = agreement_with_transformers()
    if agreement < LEAST_COSINE:
        raise ValueError(f"our encoder and transformers' agree only to a cosine of {agreement:.5f}")
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        shop = Workshop(models, Encoder(), Backbone(), lambda name, count: _stage(progress, name, count))
        shop.encoder.load()
        shop.backbone.load()
        learn_texts(shop)
        learn_photos(shop)
        worlds, exam = look_at_fusion_worlds(shop), sit(shop)
        learn_price(shop, worlds)
        learn_conversion(shop, worlds, exam.seen)
        return release(shop, exam, agreement)


def table(results: dict[str, Metrics]) -> Table:
    """What each model version reaches, beside what it is to reach."""
    shown = Table("model", "metric", "value", "target")
    for model, metrics in results.items():
        for name in metrics:
            if name in TARGETS:
                shown.add_row(model, name, _coloured(name, metrics[name]), bounds(TARGETS[name]))
        shown.add_section()
    return shown


def _coloured(name: str, value: float) -> str:
    colour = "green" if TARGETS[name].holds(value) else "red"
    return f"[{colour}]{value:.4f}[/]"


def _stage(progress: Progress, name: str, count: int) -> Advance:
    task = progress.add_task(name, total=count)
    return lambda: progress.advance(task)


if __name__ == "__main__":
    main()
