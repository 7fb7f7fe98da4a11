"""docs/conventions.md is generated, explains every label, and gives every metric a budget."""

from __future__ import annotations

from chassis import conventions, semconv


def test_the_page_is_what_is_generated() -> None:
    assert conventions.PAGE.read_text() == conventions.page(), "run python -m chassis.conventions"


def test_every_label_in_use_is_explained_and_no_other() -> None:
    used = {label for metric in semconv.METRICS for label in metric.labels}
    assert used == set(conventions.LABELS)


def test_budgets_are_of_metrics_that_exist_and_small() -> None:
    names = {metric.name for metric in semconv.METRICS}
    assert set(conventions.BUDGETS) <= names
    assert all(conventions.budget(name) <= 400 for name in names)


def test_every_metric_stands_on_the_page() -> None:
    text = conventions.page()
    assert all(f"| `{metric.name}` |" in text for metric in semconv.METRICS)
