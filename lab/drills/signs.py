"""The sign by which the catalogue knows a fault, as a query that a person can type."""

from __future__ import annotations

from lab.campaign.truth import Truth
from lab.faults.row import Row
from lab.faults.signals import Logged, Prom, RedisLog, Signal, Traced

# What Grafana runs comes first.
_ORDER = (Prom, Logged, Traced, RedisLog)


def sign_of(row: Row, truth: Truth) -> tuple[str, str]:
    """(what tells the fault, in words; the query), about the place where it is."""
    sign = min(row.evidence, key=lambda each: _ORDER.index(type(each.signal)))
    usual = row.places[0]
    at = next((place for place in row.places if place in truth.services), usual)
    return sign.says.replace(usual, at), typed(sign.signal).replace(usual, at)


def typed(signal: Signal) -> str:
    """PromQL, LogQL or TraceQL; for Redis's own logs its command."""
    if not isinstance(signal, Traced):
        return str(signal)
    wanted = {"resource.service.name": signal.service, "name": signal.span}
    return "{ " + " && ".join(f'{name} = "{value}"' for name, value in wanted.items() if value) + " }"
