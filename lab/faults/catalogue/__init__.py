"""The catalogue: one entry a fault, in files by place. A new fault is a new entry, and a file for what it does."""

from __future__ import annotations

from lab.faults.catalogue import edge, feature_store, models, orchestrator, telemetry, traffic
from lab.faults.row import Row

ROWS: dict[str, Row] = {
    row.id: row for module in (feature_store, models, orchestrator, edge, telemetry, traffic) for row in module.ROWS
}
"""Every fault by its id."""

__all__ = ["ROWS"]
