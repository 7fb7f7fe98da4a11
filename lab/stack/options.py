"""What a person may choose when a stack starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """``traffic_rate`` is in predictions a second (0: no traffic).

    Without telemetry the services emit no traces and no OTLP logs, and neither the store nor Prometheus nor what
    belongs to them is started: that is the control of the benchmark. ``environment`` goes to every program.
    ``time_scale`` is how fast the marketplace's clock runs: outcomes, and all that is judged by them, come that much
    sooner. At 1440 a day of the marketplace takes a minute.
    """

    telemetry: bool = True
    traffic_rate: float = 5.0
    seed: int = 1
    time_scale: float = 1440.0
    environment: Mapping[str, str] = field(default_factory=dict)
