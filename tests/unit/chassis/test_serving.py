"""A model server forms batches, keeps every request's trace apart, and lets no one wait for ever or for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import Event

import pytest

from chassis import deadlines
from chassis.model import ModelOutputError
from chassis.serving import InferenceFailed, ModelServer, Overloaded
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals, parent_id, span_id, trace_id

pytestmark = pytest.mark.anyio

LABELS = {"model_name": "doubler", "model_version": "v1"}


class Doubler:
    """A model that doubles numbers, refuses 13, has no answer to 17, and waits where it is told to."""

    name, version = "doubler", "v1"

    def __init__(self) -> None:
        self.loaded = False
        self.batches: list[list[int]] = []
        self.go, self.started = Event(), Event()
        self.go.set()

    def load(self) -> None:
        self.loaded = True

    def unload(self) -> None:
        self.loaded = False

    def preprocess(self, raw: str) -> int:
        return int(raw)

    def predict(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        self.started.set()
        assert self.go.wait(5)
        if 13 in batch:
            raise ModelOutputError("13 is not finite")
        return [2 * value for value in batch if value != 17]


Server = ModelServer[str, int, int]


@asynccontextmanager
async def serving(model: Doubler, telemetry: Telemetry, **options: float) -> AsyncIterator[Server]:
    with ThreadPoolExecutor(1) as thread:
        async with ModelServer(model, telemetry, thread, **options) as server:  # type: ignore[arg-type]
            yield server


@asynccontextmanager
async def busy(model: Doubler, server: Server) -> AsyncIterator[asyncio.Task[int]]:
    """The model works on a first item until the block ends, so that what is asked inside it has to queue."""
    model.go.clear()
    first = asyncio.create_task(server.infer(0))
    await asyncio.to_thread(model.started.wait, 5)
    try:
        yield first
    finally:
        model.go.set()
        await asyncio.gather(first, return_exceptions=True)


async def ask(telemetry: Telemetry, server: Server, value: int) -> int:
    """One request, in a trace of its own."""
    with telemetry.span(f"request {value}", log_errors=False):
        return await server.infer(value)


async def until(fact: Callable[[], bool], what: str) -> None:
    """Let the loop run until ``fact`` holds; fail after 5 seconds."""
    async with asyncio.timeout(5):
        while not fact():  # noqa: ASYNC110 - the model runs in a thread and sets no asyncio event
            await asyncio.sleep(0.001)
    assert fact(), what


async def test_requests_that_come_together_share_a_batch(telemetry: Telemetry, signals: Signals) -> None:
    model = Doubler()
    async with serving(model, telemetry, max_wait=0.05) as server:
        answers = await asyncio.gather(*(server.infer(value) for value in range(5)))
    assert answers == [0, 2, 4, 6, 8]
    assert model.batches == [[0, 1, 2, 3, 4]]
    assert signals.metric("batch_size_sum", **LABELS) == 5


async def test_a_batch_never_holds_more_than_its_limit(telemetry: Telemetry) -> None:
    model = Doubler()
    async with serving(model, telemetry, max_batch=4, max_wait=0.05) as server:
        await asyncio.gather(*(server.infer(value) for value in range(10)))
    assert [len(batch) for batch in model.batches] == [4, 4, 2]


async def test_a_lone_request_waits_no_longer_than_the_bound(telemetry: Telemetry, signals: Signals) -> None:
    async with serving(Doubler(), telemetry, max_wait=0.01) as server:
        assert await asyncio.wait_for(server.infer(21), 2) == 42
    assert 0.01 <= signals.metric("batch_wait_seconds_sum", **LABELS) < 0.5


async def test_what_arrives_while_the_model_works_goes_out_together_next(telemetry: Telemetry) -> None:
    model = Doubler()
    async with serving(model, telemetry) as server:
        async with busy(model, server):
            waiting = [asyncio.create_task(server.infer(value)) for value in (1, 2, 3)]
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == [2, 4, 6]
    assert model.batches == [[0], [1, 2, 3]]


async def test_one_bad_input_does_not_fail_its_mates(telemetry: Telemetry, signals: Signals) -> None:
    async with serving(Doubler(), telemetry, max_wait=0.05) as server:
        answers = await asyncio.gather(*(server.infer(value) for value in (1, 13, 3)), return_exceptions=True)
    assert answers[0::2] == [2, 6]
    assert isinstance(answers[1], InferenceFailed)
    assert isinstance(answers[1].__cause__, ModelOutputError)
    assert signals.metric("model_errors_total", **LABELS) == 1


async def test_a_model_that_leaves_an_input_out_fails_that_one_and_serves_on(telemetry: Telemetry) -> None:
    async with serving(Doubler(), telemetry, max_wait=0.05) as server:
        answers = await asyncio.gather(*(server.infer(value) for value in (1, 17, 3)), return_exceptions=True)
        assert await asyncio.wait_for(server.infer(4), 2) == 8
    assert answers[0::2] == [2, 6]
    assert isinstance(answers[1], InferenceFailed)


async def test_no_trouble_around_the_inference_ends_the_serving(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(Doubler(), telemetry) as server:
        with monkeypatch.context() as patch:
            patch.setattr(server, "_run", lambda batch: 1 / 0)
            with pytest.raises(InferenceFailed):
                await asyncio.wait_for(server.infer(1), 2)
        assert await asyncio.wait_for(server.infer(2), 2) == 4


async def test_a_failed_inference_is_an_error_span_with_its_exception_and_its_stack_is_in_the_log(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with serving(Doubler(), telemetry) as server:
        with pytest.raises(InferenceFailed):
            await ask(telemetry, server, 13)
    span = signals.span("model_inference")
    assert not span.status.is_ok
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "chassis.model.ModelOutputError"
    (line,) = signals.logs("ERROR")
    assert f"{line.span.trace_id:032x}" == trace_id(span) == trace_id(signals.span("request 13"))
    assert "in predict" in line.stack
    assert "13 is not finite" in line.stack
    assert (line.fields["model_name"], line.fields["model_version"]) == ("doubler", "v1")


async def test_each_request_keeps_its_own_trace_through_queue_and_thread(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with serving(Doubler(), telemetry, max_wait=0.05) as server:
        await asyncio.gather(*(ask(telemetry, server, value) for value in range(3)))
    requests = {trace_id(span): span_id(span) for span in signals.spans() if span.name.startswith("request")}
    assert len(requests) == 3
    for name in ("batch_wait", "model_inference"):
        assert {trace_id(span): parent_id(span) for span in signals.spans(name)} == requests


async def test_an_inference_links_to_the_others_of_its_batch_and_not_to_itself(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with serving(Doubler(), telemetry, max_wait=0.05) as server:
        await asyncio.gather(*(ask(telemetry, server, value) for value in range(3)))
    inferences = signals.spans("model_inference")
    everyone = {span.context.trace_id for span in inferences}
    for span in inferences:
        assert {link.context.trace_id for link in span.links} == everyone - {span.context.trace_id}
        assert span.attributes is not None
        assert span.attributes["ml.batch.size"] == 3
        assert span.attributes["ml.model.name"] == "doubler"
        assert span.attributes["ml.model.version"] == "v1"


async def test_the_wait_ends_before_the_inference_begins(telemetry: Telemetry, signals: Signals) -> None:
    async with serving(Doubler(), telemetry) as server:
        await ask(telemetry, server, 1)
    wait, inference = signals.span("batch_wait"), signals.span("model_inference")
    assert wait.end_time is not None
    assert inference.start_time is not None
    assert wait.end_time <= inference.start_time


async def test_a_full_queue_refuses_at_once_with_a_503(telemetry: Telemetry, signals: Signals) -> None:
    model = Doubler()
    async with serving(model, telemetry, queue_limit=2) as server:
        async with busy(model, server):
            queued = [asyncio.create_task(server.infer(value)) for value in (1, 2)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as refused:
                await server.infer(3)
            assert signals.metric("batch_queue_items", **LABELS) == 2
        assert await asyncio.gather(*queued) == [2, 4]
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"] == "1"


async def test_work_whose_caller_has_gone_is_not_begun(telemetry: Telemetry) -> None:
    model = Doubler()
    async with serving(model, telemetry) as server:
        async with busy(model, server):
            gone, stays = (asyncio.create_task(server.infer(value)) for value in (1, 2))
            await asyncio.sleep(0)
            gone.cancel()
        assert await stays == 4
    assert model.batches == [[0], [2]]


async def test_a_caller_that_leaves_during_the_inference_hurts_nobody(telemetry: Telemetry) -> None:
    model = Doubler()
    async with serving(model, telemetry) as server:
        async with busy(model, server) as first:
            first.cancel()
        assert await asyncio.wait_for(server.infer(4), 2) == 8


async def test_work_past_its_deadline_is_answered_as_such_and_not_begun(telemetry: Telemetry) -> None:
    model = Doubler()

    async def impatient(server: Server) -> int:
        with deadlines.deadline(0.02):
            return await server.infer(1)

    async with serving(model, telemetry) as server:
        async with busy(model, server):
            late = asyncio.create_task(impatient(server))
            await asyncio.sleep(0.03)  # the deadline itself has to pass: this is the distance, not a wait for a fact
        with pytest.raises(deadlines.DeadlineExceeded):
            await late
    assert model.batches == [[0]]


async def test_leaving_answers_what_is_queued_and_unloads_the_model(telemetry: Telemetry) -> None:
    model = Doubler()
    async with serving(model, telemetry) as server:
        assert model.loaded
        waiting = [asyncio.create_task(server.infer(value)) for value in (1, 2)]
        await until(lambda: bool(model.batches), "the model has begun")
    assert await asyncio.gather(*waiting) == [2, 4]
    assert not model.loaded


async def test_latency_and_loaded_state_are_measured_by_model_and_version(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with serving(Doubler(), telemetry) as server:
        await asyncio.gather(*(server.infer(value) for value in range(3)))
        assert signals.metric("model_loaded", **LABELS) == 1
    assert signals.metric("model_loaded", **LABELS) == 0
    assert signals.metric("model_inference_duration_seconds_count", **LABELS) == 3
