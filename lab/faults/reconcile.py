"""One pass: what is wanted is compared with what is, at every replica and for what all share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from lab.faults import audit, control
from lab.faults.catalogue import ROWS
from lab.faults.journal import Journal
from lab.faults.row import ServiceEffect, SharedEffect
from lab.faults.wanted import Wanted
from lab.place import Place
from services import topology

Order = dict[str, Any]
_LEAST_S = 0.3  # what ends sooner is not begun any more


class Reconciler:
    """Brings every replica, and what all share, to what is wanted. Cheap where nothing differs."""

    def __init__(self, place: Place, http: httpx.Client) -> None:
        self._place, self._http = place, http
        self.journal = Journal(place)
        self._refused: set[tuple[str, str]] = set()

    def run(self, wanted: Iterable[Wanted]) -> None:
        """Raises nothing for a replica that does not answer: it is asked again in the next pass."""
        alive = [row for row in wanted if row.ends_at > time.time() + _LEAST_S]
        for service in topology.SERVICES:
            orders = _orders(alive, service)
            for replica in control.replicas(self._place, service, self._http):
                self._bring(replica, orders)
        self._share(alive)

    def _bring(self, replica: control.Replica, orders: list[tuple[Wanted, Order]]) -> None:
        try:
            there = replica.orders()
            instance = replica.instance() if any(row.instance for row, _ in orders) else ""
            here = {order["key"]: order for row, order in orders if row.instance in ("", instance)}
            for key in there.keys() - here.keys():
                replica.end(key)
            for key, order in here.items():
                if key not in there:
                    self._begin(replica, order)
        except control.NotReachable:
            return

    def _begin(self, replica: control.Replica, order: Order) -> None:
        try:
            replica.begin(order)
            audit.note(self._place, "begun", service=replica.service, order=order)
        except control.Refused as error:
            if (replica.url, order["key"]) not in self._refused:
                audit.note(self._place, "refused", service=replica.service, order=order, reason=str(error))
            self._refused.add((replica.url, order["key"]))

    def _share(self, alive: list[Wanted]) -> None:
        changes = {
            f"{row.key}-{number}": (row, effect)
            for row in alive
            for number, effect in enumerate(ROWS[row.fault].effects)
            if isinstance(effect, SharedEffect)
        }
        for key in self.journal.names() - changes.keys():
            self.journal.undo(key)
        for key, (row, effect) in changes.items():
            self.journal.keep(key, row, effect)


def _orders(alive: list[Wanted], service: str) -> list[tuple[Wanted, Order]]:
    return [
        (row, _order(row, number, effect))
        for row in alive
        for number, effect in enumerate(ROWS[row.fault].effects)
        if isinstance(effect, ServiceEffect) and placed(effect.service, row.at) == service
    ]


def placed(value: Any, at: str) -> Any:
    """A service, or a parameter, of an effect, once the fault's place is chosen."""
    return at if value == "PLACE" else value


def _order(row: Wanted, number: int, effect: ServiceEffect) -> Order:
    return {
        "key": f"{row.key}-{number}",
        "kind": effect.kind,
        "ends_at": row.ends_at,
        "parameters": {name: placed(value, row.at) for name, value in {**effect.parameters, **row.parameters}.items()},
        "intensity": row.intensity,
        "share": row.share,
    }


Step = Callable[[], None]
