"""The service graph: who calls whom, from client spans and the server spans whose parents they are.

Names and labels are those of the collector's servicegraph connector. A database call needs no second span; a root
server span's client is "user"; a client span without a server span after a while called something untraced, and
that is named by its peer attributes.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry_store.metrics.histogram import Histogram
from telemetry_store.metrics.own import OwnMetrics

LABELS = ("client", "server", "connection_type", "failed")
WAIT_SECONDS = 5.0  # services export every 2 seconds, so the halves of an edge arrive apart
WAITING_LIMIT, SERIES_LIMIT = 20_000, 1000
_CLIENTS = {Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER}
_SERVERS = {Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER}
_MESSAGING = {Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER}
# As in the collector's configuration.
_DATABASE_ATTRIBUTE = "db.system.name"
_PEER_ATTRIBUTES = ("peer.service", "server.address")
Key = tuple[bytes, bytes]


@dataclass(slots=True)
class Half:
    """One side of a call, waiting for the other."""

    service: str
    is_client: bool
    seconds: float
    failed: bool
    connection: str
    peer: str
    span_id: bytes
    end: float
    expires: float


@dataclass(slots=True)
class Edge:
    """What is known of the calls between two nodes."""

    client: Histogram = field(default_factory=Histogram)
    server: Histogram = field(default_factory=Histogram)


class ServiceGraph(Collector):
    """Observes spans in the writer's thread; collected by whoever scrapes."""

    def __init__(self, own: OwnMetrics) -> None:
        self._edges: dict[tuple[str, str, str, str], Edge] = {}
        self._waiting: dict[Key, Half] = {}
        self._order: deque[tuple[float, Key]] = deque()
        self._lock = threading.Lock()
        self._own = own

    def observe(self, span: Span, service: str) -> None:
        """Take in one span; those that are neither client nor server nor messaging say nothing."""
        if span.kind not in _CLIENTS and span.kind not in _SERVERS:
            return
        half = _half(span, service)
        with self._lock:
            self._expire(half.expires - WAIT_SECONDS)
            if half.is_client:
                self._take_client(half, (span.trace_id, span.span_id))
            else:
                self._take_server(half, (span.trace_id, span.parent_span_id))

    def _take_client(self, half: Half, key: Key) -> None:
        if half.connection == "database":
            self._count(half.service, half.peer, half, half, key[0])
        elif (other := self._waiting.get(key)) and not other.is_client:
            del self._waiting[key]
            self._count(half.service, other.service, half, other, key[0])
        else:
            self._wait(key, half)

    def _take_server(self, half: Half, key: Key) -> None:
        if not key[1]:
            half.connection = "virtual_node"
            self._count("user", half.service, half, half, key[0])
        elif (other := self._waiting.get(key)) and other.is_client:
            del self._waiting[key]
            self._count(other.service, half.service, other, half, key[0])
        else:
            self._wait(key, half)

    def _wait(self, key: Key, half: Half) -> None:
        if len(self._waiting) >= WAITING_LIMIT:
            self._own.dropped.labels("service_graph", "too_many_waiting").inc()
            return
        self._waiting[key] = half
        self._order.append((half.expires, key))

    def _expire(self, now: float) -> None:
        """Halves that waited long enough: clients called something untraced, servers' clients are not traced."""
        while self._order and self._order[0][0] <= now:
            _, key = self._order.popleft()
            half = self._waiting.get(key)
            if half is None or half.expires > now:
                continue
            del self._waiting[key]
            if half.is_client and half.peer:
                half.connection = "virtual_node"
                self._count(half.service, half.peer, half, half, key[0])

    def _count(self, client: str, server: str, near: Half, far: Half, trace_id: bytes) -> None:
        failed = "true" if near.failed or far.failed else "false"
        key = (client, server, near.connection, failed)
        edge = self._edges.get(key)
        if edge is None:
            if len(self._edges) >= SERIES_LIMIT:
                self._own.dropped.labels("service_graph", "too_many_series").inc()
                return
            edge = self._edges[key] = Edge()
        edge.client.add(near.seconds, trace_id, near.span_id, near.end)
        edge.server.add(far.seconds, trace_id, far.span_id, far.end)

    def collect(self) -> Iterator[Metric]:
        """Requests, failed requests, and seconds as the server and as the client saw them."""
        prefix = "traces_service_graph_request"
        total = CounterMetricFamily(f"{prefix}", "Calls between two nodes", labels=LABELS)
        failed = CounterMetricFamily(f"{prefix}_failed", "Calls that failed", labels=LABELS)
        server = HistogramMetricFamily(f"{prefix}_server_seconds", "Calls as the server saw them", labels=LABELS)
        client = HistogramMetricFamily(f"{prefix}_client_seconds", "Calls as the client saw them", labels=LABELS)
        with self._lock:
            self._expire(time.monotonic())
            for labels, edge in self._edges.items():
                total.add_metric(labels, edge.client.count)
                if labels[-1] == "true":
                    failed.add_metric(labels, edge.client.count)
                server.add_metric(labels, edge.server.buckets(), edge.server.total)
                client.add_metric(labels, edge.client.buckets(), edge.client.total)
        yield from (total, failed, server, client)


def _half(span: Span, service: str) -> Half:
    is_client = span.kind in _CLIENTS
    attributes = {pair.key: pair.value.string_value for pair in span.attributes} if is_client else {}
    database = attributes.get(_DATABASE_ATTRIBUTE, "")
    peer = database or next((attributes[name] for name in _PEER_ATTRIBUTES if attributes.get(name)), "")
    connection = "messaging_system" if span.kind in _MESSAGING else ("database" if database else "")
    end = span.end_time_unix_nano
    return Half(
        service,
        is_client,
        max(0, end - span.start_time_unix_nano) / 1e9,
        span.status.code == Status.STATUS_CODE_ERROR,
        connection,
        peer,
        span.span_id,
        end / 1e9,
        time.monotonic() + WAIT_SECONDS,
    )
