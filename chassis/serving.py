"""Serving a model: a queue that forms small batches, and one thread, off the event loop, that runs them.

The caller's trace context travels with its item through queue and thread, so each request's ``model_inference`` span
stands in its own trace, with links to the others that shared the batch.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from opentelemetry.trace import Link, Span

from chassis import deadlines, semconv
from chassis.background import keep_running
from chassis.failpoints import Failpoint
from chassis.model import Model, ModelOutputError
from chassis.problems import Problem
from chassis.telemetry import Telemetry

if TYPE_CHECKING:
    from loguru import Logger

Raw = TypeVar("Raw")
Input = TypeVar("Input")
Output = TypeVar("Output")


class Overloaded(Problem):
    """The queue is full: better refused at once than answered too late."""

    def __init__(self) -> None:
        super().__init__(503, "overloaded", "Too many requests are waiting", "Try again shortly.", {"Retry-After": "1"})


class InferenceFailed(Problem):
    """The model raised, or answered with a number that is none; the cause is in the log and the span, not here."""

    def __init__(self, model: str) -> None:
        super().__init__(500, "inference-failed", "The model could not answer", f"{model} failed on this input.")


class Loads(Protocol):
    """Weights that several versions hold: each `load` is one more hold, the last `unload` frees them."""

    @property
    def loaded(self) -> bool: ...
    def load(self) -> None: ...
    def unload(self) -> None: ...


class Weights:
    """The weights that the versions of one model share; knob ``model.keep`` says whether they stay between batches."""

    def __init__(self, shared: Loads, holders: int, telemetry: Telemetry) -> None:
        self._shared, self._holders = shared, holders
        self._keep = telemetry.knobs.register(
            "model.keep", True, "Whether the weights stay in memory between two batches."
        )

    @property
    def missing(self) -> bool:
        return not self._shared.loaded

    def load(self) -> None:
        for _ in range(self._holders):
            self._shared.load()

    def after_batch(self) -> None:
        if not self._keep.value and self._shared.loaded:
            for _ in range(self._holders):
                self._shared.unload()
            gc.collect()  # a network's parts refer to each other: dropped ones would pile up to the memory limit


@dataclass(eq=False, slots=True)
class _Item(Generic[Input, Output]):
    value: Input
    context: Context
    answer: asyncio.Future[Output]
    wait: Span
    queued: float
    expires: float


class ModelServer(Generic[Raw, Input, Output]):
    """Serves one model. ``async with`` loads it, warms it up and starts the batching; leaving drains and unloads.

    A batch is flushed when it holds ``max_batch`` items or its first has waited ``max_wait`` seconds; the queue holds
    ``queue_limit`` items.
    """

    def __init__(
        self,
        model: Model[Raw, Input, Output],
        telemetry: Telemetry,
        executor: Executor,
        *,
        max_batch: int = 8,
        max_wait: float = 0.002,
        queue_limit: int = 64,
        weights: Weights | None = None,
    ) -> None:
        self.model, self.telemetry, self.executor, self.weights = model, telemetry, executor, weights
        self._register_knobs(max_batch, max_wait)
        self._queue: asyncio.Queue[_Item[Input, Output]] = asyncio.Queue(queue_limit)
        self.names = {semconv.ML_MODEL_NAME: model.name, semconv.ML_MODEL_VERSION: model.version}
        self._labels = {"model_name": model.name, "model_version": model.version}

    def _register_knobs(self, max_batch: int, max_wait: float) -> None:
        """One set for all versions of a process."""
        add = self.telemetry.knobs.share
        self._max_batch = add("batcher.max_batch", max_batch, "Requests in one batch at most.", minimum=1, maximum=64)
        self._max_wait = add("batcher.max_wait", max_wait, "Seconds that a batch waits to fill.", minimum=0, maximum=10)
        self._executor = add("runner.executor", "thread", "Where inference runs.", choices=("thread", "loop"))
        self._carry = add("runner.context", True, "Whether an inference belongs to its caller's trace.")
        self._begun = Failpoint("model_inference", self.telemetry.knobs, lambda: ModelOutputError("no answer"))
        self._passes = add("runner.passes", 1, "Passes of one inference; the last one counts.", minimum=1, maximum=20)

    async def __aenter__(self) -> Self:
        with self.telemetry.span("model_load", self.names):
            await asyncio.get_running_loop().run_in_executor(self.executor, self.model.load)
        self.telemetry.gauge_callback(semconv.MODEL_LOADED, lambda: float(self.model.loaded), **self._labels)
        self.telemetry.gauge_callback(semconv.BATCH_QUEUE, self._queue.qsize, **self._labels)
        self._loop_task = keep_running(
            self.telemetry, self._serve, f"batches of {self.model.name} {self.model.version}"
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._queue.join()
        self._loop_task.cancel()
        self.model.unload()

    async def infer(self, value: Input) -> Output:
        """One inference, batched with others that arrive meanwhile.

        Raises Overloaded on a full queue, DeadlineExceeded when its caller has stopped waiting, InferenceFailed.
        """
        left = deadlines.remaining()
        expires = math.inf if left is None else time.monotonic() + left
        wait = self.telemetry.start_span("batch_wait", self.names)
        answer = asyncio.get_running_loop().create_future()
        item = _Item(value, copy_context(), answer, wait, time.perf_counter(), expires)
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            wait.end()
            raise Overloaded from None
        result: Output = await answer
        return result

    async def _serve(self) -> None:
        while True:
            batch = await self._collect()
            try:
                await self._answer([item for item in batch if self._still_wanted(item)])
            finally:
                for _ in batch:
                    self._queue.task_done()

    async def _collect(self) -> list[_Item[Input, Output]]:
        """The next batch: full, or as large as it got in ``max_wait`` seconds."""
        batch = [await self._queue.get()]
        flush_at = batch[0].queued + self._max_wait.value
        while len(batch) < self._max_batch.value:
            try:
                async with asyncio.timeout(max(0.0, flush_at - time.perf_counter())):
                    batch.append(await self._queue.get())
            except TimeoutError:
                break
        return batch

    def _still_wanted(self, item: _Item[Input, Output]) -> bool:
        """Ends the item's wait; work whose caller has gone or given up is not begun."""
        waited = time.perf_counter() - item.queued
        self.telemetry.observe(semconv.BATCH_WAIT, waited, exemplar_span=item.wait, **self._labels)
        item.wait.end()
        if item.expires < time.monotonic() and not item.answer.done():
            item.answer.set_exception(deadlines.DeadlineExceeded("the deadline passed while waiting for a batch"))
        return not item.answer.done()

    async def _answer(self, batch: Sequence[_Item[Input, Output]]) -> None:
        if not batch:
            return
        self.telemetry.observe(semconv.BATCH_SIZE, len(batch), **self._labels)
        try:
            results = await self._results(batch)
        except Exception as error:  # noqa: BLE001 - the loop has to live on, or every later caller waits in vain
            results = [error] * len(batch)
        for item, result in zip(batch, results, strict=True):
            if item.answer.done():
                continue
            if isinstance(result, Exception):
                item.answer.set_exception(self._refusal(result))
            else:
                item.answer.set_result(result)

    async def _results(self, batch: Sequence[_Item[Input, Output]]) -> Sequence[Output | Exception]:
        await self._begun.passed()
        if self._executor.value == "loop":
            return self._run(batch)
        return await asyncio.get_running_loop().run_in_executor(self.executor, self._run, batch)

    def _refusal(self, error: Exception) -> Exception:
        failed = InferenceFailed(self.model.name)
        failed.__cause__ = error
        return failed

    def _run(self, batch: Sequence[_Item[Input, Output]]) -> Sequence[Output | Exception]:
        """In the worker thread: one span a request, each in its own trace, around the one call of the model."""
        if self.weights is not None and self.weights.missing:
            self._load(batch, self.weights)
        spans = self._spans("model_inference", batch)
        started = time.perf_counter()
        results = self._predict([item.value for item in batch])
        seconds = time.perf_counter() - started
        for span, item, result in zip(spans, batch, results, strict=True):
            if isinstance(result, Exception):
                item.context.run(self._failed, span, result)
            self.telemetry.observe(semconv.MODEL_INFERENCE_DURATION, seconds, exemplar_span=span, **self._labels)
            span.end()
        if self.weights is not None:
            self.weights.after_batch()
        return results

    def _load(self, batch: Sequence[_Item[Input, Output]], weights: Weights) -> None:
        spans = self._spans("model_load", batch)
        weights.load()
        for span in spans:
            span.end()

    def _predict(self, values: Sequence[Input]) -> Sequence[Output | Exception]:
        """Answers in the order of ``values``; an input that the model fails on does not fail its batch."""
        try:
            for _ in range(self._passes.value - 1):
                self.model.predict(values)
            answers = self.model.predict(values)
            if len(answers) != len(values):
                raise ModelOutputError(f"{len(answers)} answers to {len(values)} inputs")
            return answers
        except Exception as error:  # noqa: BLE001 - whatever a model raises is the answer to its caller
            if len(values) == 1:
                return [error]
            return [answer for value in values for answer in self._predict([value])]

    def _spans(self, name: str, batch: Sequence[_Item[Input, Output]]) -> list[Span]:
        attributes: dict[str, str | int] = {**self.names, semconv.ML_BATCH_SIZE: len(batch)}
        carry = self._carry.value
        return [
            (item.context if carry else Context()).run(
                self.telemetry.start_span,
                name,
                attributes,
                links=[Link(other.wait.get_span_context()) for other in batch if other is not item],
            )
            for item in batch
        ]

    def _failed(self, span: Span, error: Exception) -> None:
        self.telemetry.count(semconv.MODEL_ERRORS, **self._labels)
        self.telemetry.fail(span, error)


class Named(Protocol):
    """Whatever goes by a model's name and version."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...


def bind_prediction(telemetry: Telemetry, model: Named, value: float) -> Logger:
    """The log with the model and its prediction bound, and the value on the current span and in its histogram."""
    telemetry.set(semconv.ML_PREDICTION, value)
    telemetry.observe(semconv.MODEL_SCORE, value, model_name=model.name, model_version=model.version)
    return telemetry.log.bind(model_name=model.name, model_version=model.version, prediction=round(value, 4))
