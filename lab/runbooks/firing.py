"""The labels of a firing alert, and how they fill a query."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.clients.prometheus import Prometheus
from lab.place import LabError

_PLACEHOLDER = re.compile(r"\$([a-z_]+)")
_UNSAFE = re.compile(r'["`\\\]\[^\n\r]')
_SPECIAL = re.compile(r"[.*+?(){}$]")
ANY = ".+"


def labels_of(prometheus: Prometheus, alert: str, at: float | None = None) -> dict[str, str]:
    """Labels of an alert that fires (at a Unix time; now if None), several values of one as ``a|b``; or none at all."""
    if not re.fullmatch(r"\w+", alert):
        raise LabError(f"{alert!r} is no alert's name.", "`faultline runbook` lists those that have a runbook.")
    firing = prometheus.query(f'ALERTS{{alertname="{alert}", alertstate="firing"}}', at)
    values: dict[str, set[str]] = {}
    for sample in firing:
        for name, value in sample.labels.items():
            values.setdefault(name, set()).add(value)
    return {name: "|".join(sorted(each)) for name, each in sorted(values.items())}


def fill(query: str, labels: Mapping[str, str]) -> str:
    """A query with ``$label`` replaced by a regular expression for its value, or for anything where it is not known.

    Raises LabError for a value that could break out of the query's quotes.

    >>> fill('up{service_name=~"$service_name", job=~"$job"}', {"service_name": "cv_model|nlp_model"})
    'up{service_name=~"cv_model|nlp_model", job=~".+"}'
    """
    return _PLACEHOLDER.sub(lambda match: _pattern(match[1], labels.get(match[1], "")), query)


def _pattern(name: str, value: str) -> str:
    if _UNSAFE.search(value):
        raise LabError(f"The label {name}={value!r} cannot stand in a query.", "Use plain text, or a|b for several.")
    return _SPECIAL.sub(lambda match: f"[{match[0]}]", value) or ANY
