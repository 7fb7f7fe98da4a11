"""``python -m lab.console``: the console; in a container of the stack the keeper and the pager, too.

On a machine without containers those two are programs of their own, which supervisord looks after.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from threading import Event, Thread

import uvicorn

from lab.console.app import build_app
from lab.console.security import Tokens
from lab.place import HOST, LabError, Place

_DRAIN_S = 3
_AT_ONCE = 100


def main() -> None:
    place = Place.from_environment()
    try:
        tokens = Tokens.of(place)
    except LabError as error:
        sys.exit(f"{error} {error.next_step}")
    stop = Event()
    threads = _helpers(place, stop) if place.inside else []
    for thread in threads:
        thread.start()
    try:
        serve(place, tokens)
    finally:
        stop.set()
        for thread in threads:
            thread.join(_DRAIN_S)


def serve(place: Place, tokens: Tokens) -> None:
    """Serve until SIGTERM. Where it listens: FAULTLINE_BIND_HOST in a container, FAULTLINE_BIND elsewhere."""
    host = os.environ.get("FAULTLINE_BIND_HOST") or os.environ.get("FAULTLINE_BIND") or HOST
    uvicorn.run(
        build_app(place, tokens),
        host=host,
        port=place.port("lab"),
        loop="asyncio",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_DRAIN_S,
    )


def _helpers(place: Place, stop: Event) -> list[Thread]:
    """The keeper of the faults, and the pager."""
    from lab.faults import keeper
    from lab.pager import __main__ as pager

    host = os.environ.get("FAULTLINE_BIND_HOST") or HOST
    works: list[Callable[[], None]] = [lambda: keeper.hold(place, stop), lambda: pager.run(place, host)]
    return [Thread(target=_or_end, args=(work,), daemon=True) for work in works]


def _or_end(work: Callable[[], None]) -> None:
    """A helper that fails ends the process: what runs the container starts it again whole."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
        raise


if __name__ == "__main__":
    main()
