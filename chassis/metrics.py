"""Prometheus metrics of one service: made from their declaration, on a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from chassis import semconv
from chassis.semconv import Metric

Exemplar = dict[str, str]
TASKS, PRESSURE = Path("/proc/self/task"), Path("/proc/pressure/cpu")
_TYPES: dict[str, type[Counter] | type[Gauge]] = {"counter": Counter, "gauge": Gauge}


class Metrics:
    """The metrics of one service.

    A metric appears on the registry when it is first used, so that no service shows a series it never feeds. Series
    are cached by their labels; labels that differ from the declaration raise TypeError.
    """

    def __init__(self, service: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the *_created series would nearly double every scrape
        self.registry = ServiceRegistry(service)
        self._parents: dict[str, Any] = {}
        self._series: dict[tuple[object, ...], Any] = {}
        self.registry.register(ProcessCollector())

    def count(self, metric: Metric, amount: float = 1, exemplar: Exemplar | None = None, /, **labels: str) -> None:
        """Add to a counter, perhaps with an example; an amount of 0 makes its series appear."""
        self.series(metric, labels).inc(amount, exemplar)

    def observe(self, metric: Metric, value: float, exemplar: Exemplar | None = None, /, **labels: str) -> None:
        """Observe a value in a histogram, with the trace it belongs to as its exemplar."""
        self.series(metric, labels).observe(value, exemplar)

    def gauge(self, metric: Metric, value: float, /, **labels: str) -> None:
        self.series(metric, labels).set(value)

    def gauge_callback(self, metric: Metric, read: Callable[[], float], /, **labels: str) -> None:
        """Let a gauge ask for its value when it is scraped, on the scraping thread."""
        self.series(metric, labels).set_function(read)

    def forget(self, metric: Metric, ended: Callable[[dict[str, str]], bool]) -> None:
        """End the series whose labels ``ended`` picks; one that is fed again begins at zero."""
        listed: list[tuple[Any, ...]] = list(self._series)
        for key in listed:
            labels = dict(key[1:])
            if key[0] == metric.name and ended(labels):
                self._series.pop(key, None)
                self._parents[metric.name].remove(*(labels[name] for name in metric.labels))

    def series(self, metric: Metric, labels: dict[str, str]) -> Any:
        """The prometheus-client object of one series."""
        key = (metric.name, *labels.items())
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._make_series(metric, labels)
        return series

    def before_scrape(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` at the start of every scrape, on the scraping thread."""
        self.registry.hooks.append(hook)

    def _make_series(self, metric: Metric, labels: dict[str, str]) -> Any:
        if set(labels) != set(metric.labels):
            raise TypeError(f"{metric.name} has the labels {metric.labels}, not {tuple(labels)}")
        with self.registry.making:
            parent = self._parents.get(metric.name) or self._make_parent(metric)
        return parent.labels(**labels) if labels else parent

    def _make_parent(self, metric: Metric) -> Any:
        if metric.kind == "histogram":
            parent: Any = Histogram(
                metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry
            )
        else:
            parent = _TYPES[metric.kind](metric.name, metric.help, metric.labels, registry=self.registry)
        self._parents[metric.name] = parent
        return parent


class ServiceRegistry(CollectorRegistry):
    """A registry that puts ``service_name`` on every series, so that no scrape configuration has to."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.making = Lock()
        self.hooks: list[Callable[[], None]] = []
        self._service = service

    def collect(self) -> Iterable[Family]:
        for hook in self.hooks:
            hook()
        for family in super().collect():
            family.samples = [
                sample._replace(labels={"service_name": self._service, **sample.labels}) for sample in family.samples
            ]
            yield family


class ProcessCollector(Collector):
    """Memory, CPU, threads, open files and start of the process.

    prometheus-client has one too, but it reads /proc alone: it shows nothing on macOS, and no threads anywhere.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._waits = RunQueueWaits()

    def collect(self) -> Iterable[Family]:
        process = self._process
        with process.oneshot():
            times = process.cpu_times()
            yield _family(semconv.MEMORY, process.memory_info().rss)
            yield _family(semconv.CPU, times.user + times.system)
            yield _family(semconv.THREADS, process.num_threads())
            yield _family(semconv.OPEN_FILES, process.num_fds())
            yield _family(semconv.START_TIME, process.create_time())
        yield _family(semconv.RUN_QUEUE_WAIT, self._waits.total())
        if (pressure := _pressure()) is not None:
            yield _family(semconv.HOST_PRESSURE, pressure)


class RunQueueWaits:
    """How long this process's threads have waited for a core. What a thread has waited stays counted when it ends."""

    def __init__(self, tasks: Path = TASKS) -> None:
        self._tasks = tasks
        self._living: dict[str, int] = {}
        self._ended = 0
        self._lock = Lock()  # there may be two scrapes at once

    def total(self) -> float:
        """Seconds, never less than before; 0 where the system does not say."""
        with self._lock:
            now = dict(self._read())
            for thread, waited in self._living.items():
                if now.get(thread, 0) < waited:  # it is gone, or another thread has its number
                    self._ended += waited
            self._living = now
            return (self._ended + sum(now.values())) / 1e9

    def _read(self) -> Iterator[tuple[str, int]]:
        for task in self._tasks.glob("*/schedstat"):
            try:
                yield task.parent.name, int(task.read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # the thread ended between the listing and the reading


def _pressure() -> float | None:
    """Seconds since boot that some task of the machine waited for a core (Linux's pressure stall information).

    None where the system does not say. Some kernels show the file and refuse to read it, unless told otherwise at boot.
    """
    try:
        return int(PRESSURE.read_text().split("total=")[1].split()[0]) / 1e6
    except OSError:
        return None


def _family(metric: Metric, value: float) -> Family:
    family_type = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return family_type(metric.name, metric.help, value=value)
