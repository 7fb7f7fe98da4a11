"""What the right answer to a fault is, and what else is fair to say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.faults.row import Row, ServiceEffect

_WORD = re.compile(r"[^a-z0-9]+")
# Names that mean the same operation to a person; the first word of a group is its name.
_SAME_OPERATION = (
    ("client", "call", "hop", "request", "post"),
    ("redis", "hgetall", "pipeline hgetall", "pipeline", "redis client"),
    ("event consumer", "aggregate events", "consumer", "events"),
    ("behaviour features", "feature lookup"),
    ("process", "memory", "garbage collector", "event loop", "post v1 score"),
    ("model inference", "inference", "v2", "v2 postprocess", "postprocess"),
)
_SAME_SERVICE = (
    ("telemetry", "telemetry pipeline", "backend", "collector", "telemetry store"),
    ("host", "machine", "node"),
    ("traffic", "users", "gateway traffic"),
    ("outcomes", "labels", "outcome"),
)


@dataclass(frozen=True)
class Truth:
    """Accepted answers, the expected one first; empty operations accept any, where the place says it all."""

    fault: str
    services: tuple[str, ...]
    operations: tuple[str, ...]
    kinds: tuple[str, ...]
    silent: bool = False

    @property
    def cause(self) -> tuple[str, str, str]:
        """The expected service, operation ("" where any will do) and kind."""
        return self.services[0], self.operations[0] if self.operations else "", self.kinds[0]

    def service_is(self, said: str) -> bool:
        return any(_same(said, name, _SAME_SERVICE) for name in self.services)

    def operation_is(self, said: str) -> bool:
        return not self.operations or any(_same(said, name, _SAME_OPERATION) for name in self.operations)

    def kind_is(self, said: str) -> bool:
        return plain(said) in {plain(kind) for kind in self.kinds}

    def as_dict(self) -> dict[str, object]:
        return {
            "fault": self.fault, "services": self.services, "operations": self.operations, "kinds": self.kinds,
            "silent": self.silent,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, row: Mapping[str, object]) -> Truth:
        def names(key: str) -> tuple[str, ...]:
            value = row[key]
            assert isinstance(value, list | tuple)
            return tuple(map(str, value))

        return cls(str(row["fault"]), names("services"), names("operations"), names("kinds"), bool(row["silent"]))


NO_FAULT = Truth("none", ("", "none", "nothing"), (), ("no fault", "none", "nothing", "nothing is wrong", "healthy"))


def truth_of(row: Row, at: str = "") -> Truth:
    """The answer to a fault of the catalogue at a place (its usual one unless given)."""
    place = at or row.places[0]
    services, operations = [place], [row.operation] if row.operation else []
    callee = _callee(row, place)
    if callee:
        # A hop has two ends: who calls and who is called are both fair names for it.
        services = ["orchestrator", callee] if row.operation == "client" else [place]
        operations += [f"call {callee}"]
    for effect in row.effects:
        if isinstance(effect, ServiceEffect) and effect.parameters.get("pool") == "inference":
            operations.append("model_inference")
    return Truth(row.id, tuple(services), tuple(operations), (row.kind, *row.also), row.silent)


def plain(text: str) -> str:
    """Words alone, in lower case: ``CPU-contention`` is ``cpu contention``."""
    return _WORD.sub(" ", text.lower()).strip()


def _callee(row: Row, place: str) -> str:
    """The peer at the other end of a fault of a client."""
    if row.operation != "client":
        return ""
    for effect in row.effects:
        if isinstance(effect, ServiceEffect) and (peer := str(effect.parameters.get("peer", ""))):
            return place if peer == "PLACE" else peer
    return ""


def _same(said: str, name: str, groups: tuple[tuple[str, ...], ...]) -> bool:
    a, b = plain(said), plain(name)
    if a == b:
        return True
    if a.startswith("call ") and b == "client":
        return True
    return any(a in group and b in group for group in groups)
