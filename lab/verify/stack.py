"""What is verified: a running stack, asked by its APIs alone; and what is found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import httpx

from lab.clients.loki import Loki
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.place import LabError, Place
from lab.question import answer_to, ask_for

Outcome = Literal["pass", "fail", "skip"]
LOOK_BACK_S = 900.0
POLL_S = 1.0
_TRIES = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. ``next_step`` is empty unless it failed."""

    check: str
    outcome: Outcome
    text: str
    next_step: str = ""


class Stack:
    """A running stack and what the repository says it should show."""

    def __init__(self, place: Place, http: httpx.Client) -> None:
        self.place, self.http = place, http
        self.tempo = Tempo(place.url("tempo"), http)
        self.loki = Loki(place.url("loki"), http)
        self.prometheus = Prometheus(place.url("prometheus"), http)

    @cached_property
    def trace_id(self) -> str:
        """Of one complete prediction that was sent for this verification; a busy machine gets several tries."""
        ask = ask_for()
        problem: LabError | None = None
        for _ in range(_TRIES):
            try:
                answer = answer_to(ask, self.place, self.http)
            except LabError as error:
                problem = error
            else:
                if not answer.get("degraded"):
                    return str(answer["trace_id"])
                missing = ", ".join(answer.get("missing", []))
                problem = LabError(f"Predictions are degraded: they go without {missing}.", "Look at the overview.")
            time.sleep(POLL_S)
        raise problem or LabError("No prediction was tried.")

    def eventually(self, holds: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True
