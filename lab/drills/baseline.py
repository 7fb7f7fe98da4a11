"""A healthy baseline: whatever was hidden is forgotten, and that nothing is wrong is shown, not said."""

from __future__ import annotations

import time

from lab.clients.gateway import GatewayError
from lab.clients.http import open_client
from lab.drills.session import Session
from lab.faults import asking, state
from lab.place import LabError, Place
from lab.question import answer_to, ask_for

_PREDICTIONS = 5
_WITHIN_S = 20.0
_POLL_S = 0.5


def forget(place: Place) -> None:
    """End the drill that runs, if one does, and every fault that is wanted."""
    Session(place).break_off()
    asking.clear(place, "")


def proof(place: Place) -> str:
    """What was seen of a local stack that has just started. Raises LabError where it is not healthy in time."""
    until = time.monotonic() + _WITHIN_S
    while reason := _not_healthy(place):
        if time.monotonic() > until:
            raise LabError(f"It is up again, but not healthy: {reason}", "`faultline status` says more.")
        time.sleep(_POLL_S)
    return f"No fault is on at any replica, and {_PREDICTIONS} predictions in a row were whole."


def _not_healthy(place: Place) -> str:
    """The first thing that is wrong; nothing if nothing is."""
    if on := state.on_anywhere(place):
        return f"{len(on)} changes are still in force."
    with open_client() as http:
        for number in range(1, _PREDICTIONS + 1):
            try:
                answer = answer_to(ask_for(f"L{number:06d}", f"U{number:06d}"), place, http)
            except GatewayError as error:
                return str(error)
            if answer["degraded"]:
                return f"a prediction lacks {', '.join(answer['missing'])}."
    return ""
