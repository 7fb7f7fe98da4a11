"""``/v1/faults`` on the control port."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from chassis.control import json_object
from chassis.faults.board import Board, Order
from chassis.faults.fault import FaultRefused, describe
from chassis.ports import Answer, Refusal, Request, Route, json_answer

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEEDED = frozenset({"key", "kind", "ends_at"})
_KNOWN = _NEEDED | {"parameters", "intensity", "share"}


def routes(board: Board) -> list[Route]:
    """List, begin and end faults; nonsense is answered with 400, what cannot be done here with 409."""

    def listed(_: Request) -> Answer:
        return json_answer({"faults": [order.as_dict() for order in board.orders()]})

    def kinds(_: Request) -> Answer:
        return json_answer({name: describe(kind) for name, kind in board.kinds.items()})

    def begin(request: Request) -> Answer:
        order = _order(json_object(request))
        try:
            new = board.start(order)
        except FaultRefused as error:
            raise Refusal(409, "Not here", str(error)) from error
        return json_answer(order.as_dict(), 201 if new else 200)

    def end(request: Request) -> Answer:
        key = request.parameters["key"]
        if not board.end(key):
            raise Refusal(404, "Not on", "No fault is on under this key.")
        return json_answer({"key": key})

    return [
        Route("GET", "/v1/faults", listed),
        Route("GET", "/v1/fault-kinds", kinds),
        Route("POST", "/v1/faults", begin),
        Route("DELETE", "/v1/faults/{key}", end),
    ]


def _order(document: Mapping[str, Any]) -> Order:
    """Raises Refusal(400) that says what is wrong."""
    if missing := _NEEDED - document.keys():
        raise _bad(f"{', '.join(sorted(missing))} must be there")
    if document.keys() - _KNOWN:
        raise _bad(f"only {', '.join(sorted(_KNOWN))} are known")
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _bad("parameters is an object")
    return Order(
        key=_text(document, "key"),
        kind=_text(document, "kind"),
        ends_at=_number(document, "ends_at", 0, 1e12),
        parameters=parameters,
        intensity=_number(document, "intensity", 0, 1),
        share=_number(document, "share", 0, 1),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise _bad(f"{name} is a text of 1 to 64 letters, digits, dots, hyphens and underscores")
    return value


def _number(document: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = document.get(name, 1.0)
    if type(value) not in (int, float) or not math.isfinite(value) or not least <= value <= most:
        raise _bad(f"{name} is a number from {least:g} to {most:g}")
    return float(value)


def _bad(detail: str) -> Refusal:
    return Refusal(400, "Not an order", detail)
