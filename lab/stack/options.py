"""What a person may choose when a stack starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """``traffic_rate`` is in predictions a second (0: no traffic).

    Without telemetry the services emit no traces and no OTLP logs, and neither the store nor Prometheus nor what
    belongs to them is started: that is the control of the benchmark. ``environment`` goes to every program.
    """

    telemetry: bool = True
    traffic_rate: float = 5.0
    seed: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
