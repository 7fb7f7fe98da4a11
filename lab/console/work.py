"""``python -m lab.console.work MOVE``: one move of a drill in a process of its own.

A move reads minutes of traces and needs numpy: done here, its memory is given back and the console stays small.
Arguments come as JSON on standard input; what comes of it goes to standard output, a LabError as ``problem``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from lab.console.problems import Problem, problem_of
from lab.place import LabError, Place

Told = dict[str, Any]
Runner = Callable[[str, Mapping[str, Any]], Awaitable[Told]]
_MOST_SECONDS = 300.0
_END_S = 5.0


def perform(place: Place, move: str, arguments: Mapping[str, Any]) -> Told:
    """Make a move; what a page is told of it. Raises LabError."""
    from lab.drills import play
    from lab.drills.grading import Answer

    match move:
        case "start":
            play.start(place, **arguments)
        case "brief":
            play.brief(place)
        case "hint":
            return asdict(play.hint(place))
        case "answer":
            answers = [Answer(**each) for each in arguments["answers"]]
            marks, solution = play.answer(place, answers)
            return {"marks": asdict(marks), "solution": asdict(solution)}
        case "act":
            return asdict(play.act(place, **arguments))
        case "give-up":
            return {"solution": asdict(play.give_up(place))}
        case _:
            raise ValueError(f"there is no move {move!r}")
    return {}


def in_a_process(place: Place) -> Runner:
    """A runner of moves for this place: each in a process of its own, which ends with the call that waits for it.

    It raises Problem.
    """
    environment = {**os.environ, **place.variables}

    async def run(move: str, arguments: Mapping[str, Any]) -> Told:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.console.work", move),
            cwd=place.root,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                out, _ = await process.communicate(json.dumps(dict(arguments)).encode())
        except TimeoutError as error:
            raise Problem(
                504, "The lab did not finish in time.", "Ask again; `faultline status` shows each program."
            ) from error
        finally:
            await _ended(process)
        return _told(out)

    return run


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Whoever stops waiting for a move ends it; it puts back what it has turned."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _told(out: bytes) -> Told:
    try:
        told: Told = json.loads(out)
    except ValueError as error:
        raise Problem(500, "The lab failed at this.", "Its log says why.") from error
    if problem := told.get("problem"):
        raise Problem(**problem)
    return told


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what a move has turned is put back
    try:
        told = perform(Place.from_environment(), sys.argv[1], json.load(sys.stdin))
    except LabError as error:
        problem = problem_of(error)
        told = {"problem": {"status": problem.status, "detail": problem.detail, "next_step": problem.next_step}}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
