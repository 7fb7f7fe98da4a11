"""One trace by its id."""

import uuid

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, TracesData

from telemetry_store.errors import QueryError
from telemetry_store.http import Query

SPAN_LIMIT = 100_000  # spans of one trace in an answer


def parse_trace_id(text: str) -> uuid.UUID:
    """A trace id of up to 32 hex digits, leading zeros left out or not; raises QueryError in Tempo's words."""
    for position, char in enumerate(text, 1):
        if char not in "0123456789abcdefABCDEF":
            reason = f"invalid character {char!r} at position {position}"
            raise QueryError(f"trace IDs can only contain hex characters: {reason}")
    if len(text) > 32 or not text:
        raise QueryError("trace IDs can't be larger than 128 bits" if text else "trace IDs can't be empty")
    return uuid.UUID(hex=text.zfill(32))


def find_trace(query: Query, trace_id: uuid.UUID) -> list[ResourceSpans]:
    """The trace's spans, each once, by resource and scope in order of arrival; empty where it is unknown."""
    sql = "SELECT origin_no, raw FROM spans WHERE trace_id = $1 LIMIT $2"
    rows = query.cursor.execute(sql, [trace_id, SPAN_LIMIT]).fetchall()
    groups: dict[bytes, ResourceSpans] = {}
    scopes: dict[int, object] = {}
    seen: set[tuple[bytes, int]] = set()
    for origin_no, raw in rows:
        span = Span.FromString(raw)
        if (span.span_id, span.kind) in seen:
            continue
        seen.add((span.span_id, span.kind))
        if origin_no not in scopes:
            scopes[origin_no] = _scope_of(query, origin_no, groups)
        scopes[origin_no].append(span)  # type: ignore[attr-defined]
    return list(groups.values())


def _scope_of(query: Query, origin_no: int, groups: dict[bytes, ResourceSpans]) -> object:
    """The list of spans of an origin, inside its resource's group."""
    resource, scope = query.database.origins.values(origin_no)
    if resource not in groups:
        groups[resource] = ResourceSpans()
        groups[resource].resource.ParseFromString(resource)
    scoped = groups[resource].scope_spans.add()
    scoped.scope.ParseFromString(scope)
    return scoped.spans


def as_protobuf(groups: list[ResourceSpans]) -> bytes:
    """The trace as Tempo's Trace message, which is TracesData on the wire."""
    return TracesData(resource_spans=groups).SerializeToString()
