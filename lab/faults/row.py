"""What the catalogue says of one fault: where, how, what tells it, and what looks like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.faults.signals import Evidence

Back = Literal["i", "w"]


@dataclass(frozen=True)
class ServiceEffect:
    """A fault of a service's own, by the name of its kind there; intensity moves what ``parameters`` leaves open."""

    service: str
    kind: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SharedEffect:
    """A change to what all share (Redis, the traffic, the machine, a backend), made once and undone."""

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


Effect = ServiceEffect | SharedEffect


@dataclass(frozen=True)
class Row:
    """One fault. ``kind`` is what a drill expects; ``also`` are fair names for it too.

    ``places`` are the services the fault can be aimed at; the first is meant unless another is named. ``PLACE`` in an
    effect's service stands for the chosen one. ``edge`` is the call whose failure it causes, where it makes one fail.
    ``dialled`` and ``shared_out`` say whether intensity and a share of the requests mean anything for it.
    ``lingers_s`` is how long after its end what it has done still arrives, in the tour's time.
    ``expected`` are names (attributes, metrics, loggers, stack frames) that only appear while it is on.
    """

    id: str
    operation: str
    mechanism: str
    kind: str
    effects: tuple[Effect, ...]
    evidence: tuple[Evidence, ...]
    places: tuple[str, ...]
    also: tuple[str, ...] = ()
    look_alikes: tuple[str, ...] = ()
    silent: bool = False
    back: Back = "i"
    edge: tuple[str, str] | None = None
    dialled: bool = True
    shared_out: bool = False
    segment: bool = False
    lingers_s: float = 0.0
    expected: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it acts, as one names it: service or outside thing, and operation."""
        return f"{self.places[0]} · {self.operation}" if self.operation else self.places[0]
