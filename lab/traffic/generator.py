"""The open loop: requests are due at Poisson times and sent then, however slow the answers are.

Latency runs from the time a request was *due*. A closed loop, or a clock started at the send, would leave out just
the requests that had to wait (coordinated omission; Gil Tene, "How NOT to Measure Latency", 2015).
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import httpx
import orjson

from lab.traffic.bodies import Bodies, Request
from lab.traffic.days import LEAD_S, Days
from lab.traffic.market_time import MarketTime
from lab.traffic.tally import Tally
from lab.traffic.wire import Wire

_PATH = "/v1/predictions"
_TIMEOUT_S = 10.0
_READY_POLL_S = 0.5


@dataclass(frozen=True)
class Plan:
    """What to send: ``rate`` a second for ``duration_s`` or ``count`` requests (0: without end).

    At most ``in_flight`` requests are open; one that is due beyond that is counted as not sent.
    """

    base_url: str
    api_key: str
    rate: float
    seed: int = 1
    duration_s: float = 0.0
    count: int = 0
    in_flight: int = 64
    market: MarketTime = field(default_factory=MarketTime)


class Generator:
    """One run of traffic. ``tally`` counts; ``swap`` hands it over and starts a new one (for reports a minute).

    With ``days``, each prediction follows an event of its user's session, and some are followed by their outcome.
    """

    def __init__(self, plan: Plan, bodies: Bodies, days: Days | None = None) -> None:
        self.tally = Tally()
        self.in_flight = 0
        self._plan = plan
        self._bodies, self._days = bodies, days
        self._lead_s = LEAD_S if days else 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken: BaseException | None = None

    def swap(self) -> Tally:
        taken, self.tally = self.tally, Tally()
        return taken

    async def run(self) -> None:
        """Send until the plan's end, then wait for the answers that are still due."""
        wire = Wire(self._plan.base_url, {"x-api-key": self._plan.api_key}, _TIMEOUT_S)
        # A full collection over everything imported so far would show as latency that the system does not have.
        gc.collect()
        gc.freeze()
        living = asyncio.create_task(self._days.run(wire)) if self._days else None
        try:
            await self._send_all(wire)
            await asyncio.sleep(self._lead_s)
            await asyncio.gather(*self._tasks)
            self._stop_if_broken()
        finally:
            if living:
                living.cancel()
            wire.close()

    async def _send_all(self, wire: Wire) -> None:
        began, market = time.perf_counter(), self._plan.market
        started = time.time()
        visits = arrivals(
            self._plan.rate, self._plan.seed, lambda offset: market.rhythm(started + offset), market.busiest
        )
        for number, offset in enumerate(visits):
            if self._plan.count and number >= self._plan.count:
                return
            if self._plan.duration_s and offset > self._plan.duration_s:
                return
            self._stop_if_broken()
            request = self._bodies.draw()
            await asyncio.sleep(max(0.0, began + offset - time.perf_counter()))
            self._visit(wire, request, began + offset)

    def _visit(self, wire: Wire, request: Request, at: float) -> None:
        """The session's event now, its prediction a moment later, when the event has been counted."""
        if self._days is None:
            self._dispatch(wire, request, at)
            return
        self._days.begins(request)
        due = at + self._lead_s
        wait = max(0.0, due - time.perf_counter())
        asyncio.get_running_loop().call_later(wait, self._dispatch, wire, request, due)

    def _stop_if_broken(self) -> None:
        """A mistake in this program, unlike an error of the system, ends the run."""
        if self._broken is not None:
            raise self._broken

    def _dispatch(self, wire: Wire, request: Request, due: float) -> None:
        self.tally.due += 1
        if self.in_flight >= self._plan.in_flight:
            self.tally.not_sent += 1
            return
        self.in_flight += 1
        task = asyncio.create_task(self._ask(wire, request, due, self.tally))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.in_flight -= 1
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._broken = error

    async def _ask(self, wire: Wire, request: Request, due: float, tally: Tally) -> None:
        try:
            status, body = await wire.post(_PATH, request.headers, request.body)
        except OSError as error:  # TimeoutError is one as well
            tally.failed[type(error).__name__] += 1
            return
        latency_ms = (time.perf_counter() - due) * 1000
        if status != httpx.codes.OK:
            tally.failed[str(status)] += 1
            return
        answer = orjson.loads(body)
        tally.answered(latency_ms, degraded=bool(answer.get("degraded")), trace_id=str(answer.get("trace_id", "")))
        if self._days:
            self._days.answered(request, answer)


def arrivals(
    rate: float, seed: int, shape: Callable[[float], float] = lambda _: 1.0, highest: float = 1.0
) -> Iterator[float]:
    """Seconds from the start at which requests are due: a Poisson process of ``rate`` a second, endless.

    ``shape`` gives the rate at each offset relative to ``rate``, ``highest`` at most. It is drawn by thinning
    (Lewis and Shedler, 1979).
    """
    rng, steady = random.Random(f"arrivals-{seed}"), highest == 1.0
    at = 0.0
    while True:
        at += rng.expovariate(rate * highest)
        if steady or rng.random() * highest < shape(at):
            yield at


async def wait_for_services(urls: Iterable[str], tell: Callable[[str], None]) -> None:
    """Return when each base URL's service is ready; says of each once that it waits.

    Traffic that came before the last service would meet errors that belong to no fault, and open breakers.
    """
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
        for url in urls:
            if not await _is_ready(http, url):
                tell(f"waiting for {url}")
            while not await _is_ready(http, url):  # noqa: ASYNC110  (another process sets no event of ours)
                await asyncio.sleep(_READY_POLL_S)


async def _is_ready(http: httpx.AsyncClient, base_url: str) -> bool:
    try:
        response = await http.get(f"{base_url}/readyz")
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK
