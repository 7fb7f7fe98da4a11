"""The drill that runs, as the page sees it, and the moves in it: one at a time, the long ones in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import Any

from lab.console.problems import Problem, problem_of
from lab.console.security import Who
from lab.console.work import Runner, Told
from lab.drills import notes
from lab.drills.grading import EVIDENCE, KIND, OPERATION, RECOVERY, SERVICE, Marks
from lab.drills.history import Played
from lab.drills.open import LONGEST_S, Closed, drill_runs, ensure_open
from lab.drills.session import Current, Session
from lab.place import LabError, Place

HINTS = 4
_ASK_AGAIN_S = 15.0


class Desk:
    """One place's drills. Its methods that read files are for a thread; the moves belong to the event loop."""

    def __init__(self, place: Place, run: Runner) -> None:
        self.place, self._run = place, run
        self.session = Session(place)
        self._start: asyncio.Task[None] | None = None
        self._moves: set[asyncio.Task[None]] = set()
        self._asked: Mapping[str, Any] = {}
        self._doing = ""
        self._problem: Problem | None = None
        self._next: dict[str, int] | None = None
        self._asked_for_opening = 0.0

    # What is

    @property
    def starting(self) -> bool:
        """Whether a drill was asked for whose faults are not yet asked for."""
        return self._waiting and self.current() is None

    def ensure_open(self) -> None:
        """Raises Closed from the moment a drill is asked for until it has ended, and while a game day runs."""
        ensure_open(self.place)
        if self.starting:
            raise Closed("A drill is beginning: the fault board is closed until it ends.")

    def current(self) -> Current | None:
        """The drill that runs; one whose time is over is closed by asking."""
        try:
            return self.session.current()
        except LabError:
            return None

    def brief(self) -> dict[str, Any] | None:
        """What every page shows of the drill: its id, choices and state; None where there is none."""
        current = self.current()
        if current is None:
            return {"id": None, "started_at": None, "state": "starting", **self._choice()} if self.starting else None
        return {
            "id": current.id,
            "level": current.level,
            "seed": current.seed,
            "started_at": current.started,
            "player": current.player,
            "state": self._state(current),
        }

    def now(self) -> dict[str, Any]:
        """All that the practice page shows."""
        current = self.current()
        note = notes.read(self.place, current.id) if current else notes.read(self.place, "none")
        ended = current and current.started + LONGEST_S
        return {
            "state": self._state(current),
            "doing": self._doing or None,
            "id": current.id if current else None,
            "started_at": current.started if current else None,
            "seconds": round(time.time() - current.started, 1) if current else None,
            "ends_at": ended,
            **(_choice_of(current) if current else self._choice()),
            "opening": (current.opening or None) if current else None,
            "hints": note["hints"],
            "hints_in_all": HINTS,
            "answered": bool(current and current.answered),
            "marks": marks_as_json(note["marks"]),
            "solution": note["solution"],
            "problem": self._problem.document() if self._problem else None,
            "last": next((row.id for row in self.session.history.all() if row.state != "running"), None),
            "next": self._next,
        }

    def row(self, identity: str) -> dict[str, Any]:
        """A drill that has been answered or has ended, whole. Raises Problem (404, 409)."""
        found = next((row for row in self.session.history.all() if row.id == identity), None)
        if found is None:
            raise Problem(404, f"There is no drill {identity[:40]!r}.", "GET /api/drills lists them.")
        if found.state == "running":
            raise Problem(
                409, "This drill runs still.", "Its solution can be seen when it has been answered or given up."
            )
        note = notes.read(self.place, identity)
        return {
            **row_as_json(found),
            "answers": [_answer_as_json(each) for each in note["answers"]],
            "marks_by_part": marks_as_json(note["marks"]),
            "solution": note["solution"],
            "hints_told": note["hints"],
            **{name: note[name] for name in ("opening", "done", "pins")},
        }

    def ensure_mine(self, who: Who | None) -> Current:
        """The drill that runs. Raises Problem where there is none (409) or where it is somebody else's (403)."""
        current = self.current()
        if current is None:
            raise Problem(409, "No drill is running.", "Start one.")
        if who is None or not (who.owner or who.name == current.player):
            raise Problem(403, f"This is {current.player}'s drill.", "Only who began it plays it.")
        return current

    # The moves

    async def start(self, level: int, seed: int, count: int, player: str, patience: float) -> None:
        """Begin a drill in the background. Raises LabError where one runs."""
        if self.starting:
            raise Problem(409, "A drill is beginning already.", "Wait until it has begun.")
        self._begin("start")
        try:
            await asyncio.to_thread(self.session.ensure_free)
        except LabError as error:
            raise Problem(409, str(error), error.next_step) from error
        finally:
            self._doing = ""
        self._stop_waiting()
        self._next = None
        self._asked = {"level": level, "seed": seed, "player": player}
        arguments = {**self._asked, "count": count, "patience_s": patience}
        self._start = asyncio.create_task(self._in_background(self._run("start", arguments)))

    async def move(self, name: str, arguments: Mapping[str, Any]) -> Told:
        """A move that is waited for. Raises Problem where another one is being made."""
        self._begin(name)
        if name != "hint":
            self._stop_waiting()
        try:
            return await self._run(name, arguments)
        finally:
            self._doing = ""

    def act(self, arguments: Mapping[str, Any]) -> None:
        """Act in the background: the recovery is watched for more than a minute."""
        self._begin("act")
        self._stop_waiting()
        task = asyncio.create_task(self._acted(arguments))
        self._moves.add(task)
        task.add_done_callback(self._moves.discard)

    async def give_up(self, current: Current) -> Told:
        told = await self.move("give-up", {})
        self._go_on(current.level, current.left)
        return told

    def want_opening(self) -> None:
        """Whoever began a drill may be gone before it has an opening; then it is looked for from here."""
        current = self.current()
        waits = current is not None and not (current.opening or current.answered) and not self._waiting
        if waits and time.monotonic() > self._asked_for_opening + _ASK_AGAIN_S:
            self._asked_for_opening = time.monotonic()
            task = asyncio.create_task(self._in_background(self._run("brief", {})))
            self._moves.add(task)
            task.add_done_callback(self._moves.discard)

    async def close(self) -> None:
        """End what goes on in the background; a drill goes on by its files."""
        tasks = [*self._moves, *([self._start] if self._start else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _waiting(self) -> bool:
        """Whether the start of a drill goes on: once it has begun, it waits for its opening."""
        return self._start is not None and not self._start.done()

    def _stop_waiting(self) -> None:
        """Who answers or ends a drill needs its opening no more."""
        if self._start is not None:
            self._start.cancel()

    def _begin(self, name: str) -> None:
        if self._doing:
            raise Problem(409, f"The lab is still busy with {self._doing}.", "Wait until it has finished.")
        self._doing = name
        self._problem = None

    async def _acted(self, arguments: Mapping[str, Any]) -> None:
        try:
            await self._in_background(self._act(arguments))
        finally:
            self._doing = ""

    async def _act(self, arguments: Mapping[str, Any]) -> None:
        told = await self._run("act", arguments)
        self._go_on(told["level"], told["left"])

    async def _in_background(self, work: Awaitable[object]) -> None:
        """Keep a failure for the page, which asks again and again."""
        try:
            await work
        except LabError as error:
            self._problem = problem_of(error)
        except Problem as problem:
            self._problem = problem

    def _go_on(self, level: int, left: Any) -> None:
        self._next = {"level": level, "seed": left[0], "count": len(left)} if left else None

    def _state(self, current: Current | None) -> str:
        if current is None:
            return "starting" if self.starting or drill_runs(self.place) else "none"
        if self._doing:
            return "acting" if self._doing == "act" else "working"
        if current.answered:
            return "answered"
        return "running" if current.opening else "waiting"

    def _choice(self) -> dict[str, Any]:
        names = ("level", "seed", "player")
        return {name: self._asked[name] if self.starting else None for name in names}


def _choice_of(current: Current) -> dict[str, Any]:
    return {"level": current.level, "seed": current.seed, "player": current.player}


def row_as_json(row: Played) -> dict[str, Any]:
    return asdict(row)


def marks_as_json(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Marks by part, their sum, and the most that each part can bring."""
    if found is None:
        return None
    parts = {name: value for name, value in found.items() if name != "total"}
    most = {"service": SERVICE, "operation": OPERATION, "kind": KIND, "evidence": EVIDENCE, "recovery": RECOVERY}
    return {**parts, "total": Marks(**parts).total, "most": most}


def _answer_as_json(answer: Mapping[str, str]) -> dict[str, str]:
    renamed = dict(answer)
    return {"trace_id": renamed.pop("evidence", ""), **renamed}
