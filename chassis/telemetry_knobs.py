"""What can be turned on a service's telemetry while it runs: its clock, what is correlated, sampled and queued."""

from __future__ import annotations

from chassis.clock import Clock
from chassis.knobs import Knobs
from chassis.logs import Logs
from chassis.pipeline import Pipelines
from chassis.tracing import TracerProvider


def register(knobs: Knobs, clock: Clock, logs: Logs) -> None:
    """Of the clock and of the log: what every service has."""

    def turn_clock(seconds: float) -> None:
        clock.offset_s = seconds

    def correlate(lines: str) -> None:
        logs.correlate = lines  # type: ignore[assignment]  # one of the knob's choices

    knobs.register(
        "clock.offset",
        0.0,
        "Seconds by which this service's clock is ahead of the machine's.",
        minimum=-3600,
        maximum=3600,
        on_change=turn_clock,
    )
    knobs.register(
        "logs.correlate",
        "all",
        "Log lines that carry trace and span ids.",
        choices=("all", "below_error", "none"),
        on_change=correlate,
    )


def register_exports(knobs: Knobs, pipelines: Pipelines, provider: TracerProvider) -> None:
    """Of what leaves the service: only where something does."""

    def limit(items: int) -> None:
        pipelines.spans.limit = items

    def ratio(share: float) -> None:
        provider.sample_ratio = share

    knobs.register(
        "spans.queue",
        pipelines.spans.limit,
        "Spans that may wait for export; others are dropped.",
        minimum=1,
        maximum=65_536,
        on_change=limit,
    )
    knobs.register(
        "traces.sampled",
        1.0,
        "Share of the traces begun here that is recorded.",
        minimum=0,
        maximum=1,
        on_change=ratio,
    )
