"""The one thread that inference runs on, and that can be had anew."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from chassis.knobs import Knobs


class Worker(Executor):
    """A thread for one piece of work after another.

    ``renew`` goes on with another thread: libraries tie threads of their own to the one that uses them (OpenMP its
    team), and these end only with it.
    """

    def __init__(self, name: str) -> None:
        self._name, self._lock = name, Lock()
        self._thread = ThreadPoolExecutor(1, name)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._lock:  # or a thread that is being renewed might refuse it
            return self._thread.submit(fn, *args, **kwargs)

    def renew(self, first: Callable[[], object]) -> None:
        """What comes from now on is done by a new thread, which begins with ``first``; the old one finishes its own."""
        with self._lock:
            old, self._thread = self._thread, ThreadPoolExecutor(1, self._name, initializer=first)
        old.shutdown(wait=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._thread.shutdown(wait, cancel_futures=cancel_futures)


def register_threads(knobs: Knobs, worker: Worker, set_threads: Callable[[int], object]) -> None:
    """Knob ``model.threads``: with how many threads one inference computes.

    A library (torch) keeps the number for each thread that starts parallel work, so the worker's own has to set it. It
    is told from the start: where it hears its first number later, so many threads stay behind until the process ends.
    """

    def apply(threads: int) -> None:
        worker.renew(partial(set_threads, threads))

    knob = knobs.register(
        "model.threads",
        1,
        "Threads of one inference.",
        minimum=1,
        maximum=256,
        on_change=apply,
    )
    apply(knob.value)
