"""What is wanted, and what is really on at each replica."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.faults import control, wanted
from lab.faults.catalogue import ROWS
from lab.faults.journal import Journal
from lab.faults.reconcile import placed
from lab.faults.row import ServiceEffect
from lab.faults.wanted import Wanted
from lab.place import LabError, Place
from services import topology

POLL_S = 0.2


@dataclass(frozen=True)
class State:
    """One wanted fault: where it is on (services, once for each replica, and ``shared``), and where not yet."""

    wanted: Wanted
    on: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def left_s(self) -> float:
        return round(self.wanted.ends_at - time.time(), 1)


def states(place: Place) -> list[State]:
    """Every wanted fault that has not ended."""
    rows = [row for row in wanted.read(place) if row.ends_at > time.time()]
    with control.open_http(place) as http:
        return [_state(place, row, lambda service: control.replicas(place, service, http)) for row in rows]


def on_anywhere(place: Place) -> list[str]:
    """``service key`` of everything that is on, wanted or not, and the shared changes in force."""
    found = []
    with control.open_http(place) as http:
        for service in topology.SERVICES:
            for replica in control.replicas(place, service, http):
                found += [f"{service} {key}" for key in _keys(replica)]
    return found + [f"shared {key}" for key in Journal(place).names()]


def wait_on(place: Place, key: str, within_s: float = 8.0) -> State:
    """The state once it is on everywhere. Raises LabError where that does not come about in time."""
    until = time.monotonic() + within_s
    while True:
        found = next((state for state in states(place) if state.wanted.key == key), None)
        if found and not found.waiting:
            return found
        if time.monotonic() > until:
            where = ", ".join(found.waiting) if found else "?"
            raise LabError(
                f"It is not on within {within_s:g} s at {where}.", "`faultline status` shows whether the keeper runs."
            )
        time.sleep(POLL_S)


def _state(place: Place, row: Wanted, replicas: Callable[[str], list[control.Replica]]) -> State:
    on: list[str] = []
    waiting: list[str] = []
    for number, effect in enumerate(ROWS[row.fault].effects):
        key = f"{row.key}-{number}"
        if not isinstance(effect, ServiceEffect):
            (on if key in Journal(place).names() else waiting).append("shared")
            continue
        service = placed(effect.service, row.at)
        for replica in replicas(service):
            (on if key in _keys(replica) else waiting).append(service)
    return State(row, tuple(on), tuple(waiting) if not row.instance or not on else ())


def _keys(replica: control.Replica) -> set[str]:
    try:
        return set(replica.orders())
    except control.NotReachable:
        return set()
