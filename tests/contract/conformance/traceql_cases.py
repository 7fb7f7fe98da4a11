"""TraceQL queries, each beside the same thing said in plain Python over the generated spans."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.conformance.world import S

Keep = Callable[[S], bool]
Spansets = list[list[S]]
Expect = Callable[[list[S]], Spansets]  # a trace's spans to its spansets; none where it does not match

OPS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A query and the function that works out what it finds in one trace."""

    query: str
    expect: Expect

    def __str__(self) -> str:
        return self.query


def _sets(spans: list[S]) -> Spansets:
    return [spans] if spans else []


def keep(condition: str, test: Keep) -> Case:
    """`{ condition }`: the spans that pass the test."""
    return Case(f"{{ {condition} }}", lambda trace: _sets([span for span in trace if test(span)]))


def attr(name: str) -> Callable[[S], Any]:
    """An attribute of the span."""
    return lambda span: span.attrs.get(name)


def compared(field: str, read: Callable[[S], Any], op: str, text: str, value: Any) -> Case:
    """`{ field op text }` where the field is there."""
    return keep(f"{field} {op} {text}", lambda s: read(s) is not None and OPS[op](read(s), value))


def _filters() -> Iterator[Case]:
    whole: dict[int, int] = {}

    def trace_ms(trace: list[S]) -> float:
        return (max(s.start + s.duration for s in trace) - min(s.start for s in trace)) / 1e6

    for op in OPS:
        yield compared("duration", lambda s: s.ms, op, "60ms", 60)
        yield compared("span.ml.batch.size", attr("ml.batch.size"), op, "4", 4)
        yield compared("span.score", attr("score"), op, "0.5", 0.5)
        yield compared("span.feature.count", attr("feature.count"), op, "10.5", 10.5)
        yield compared("span.ml.model.version", attr("ml.model.version"), op, '"1.0"', "1.0")
    for op in ("=", "!="):
        yield compared("name", lambda s: s.name, op, '"fan_out"', "fan_out")
        yield compared("span:name", lambda s: s.name, op, "`POST /v1/score`", "POST /v1/score")
        yield compared("kind", lambda s: s.kind, op, "client", "client")
        yield compared("span.degraded", attr("degraded"), op, "true", True)
        yield compared("resource.service.name", lambda s: s.service, op, '"cv_model"', "cv_model")
        yield compared(".http.route", attr("http.route"), op, '"/v1/score"', "/v1/score")
    for status in ("error", "ok", "unset"):
        yield keep(f"status = {status}", lambda s, status=status: s.status == status)
        yield keep(f"span:status != {status}", lambda s, status=status: s.status != status)
    for kind in ("server", "internal"):
        yield keep(f"span:kind = {kind}", lambda s, kind=kind: s.kind == kind)
    yield Case("{}", _sets)
    yield Case("{ true }", _sets)
    yield Case("{ false }", lambda trace: [])
    for text, ms in (("100ms", 100), ("0.25s", 250), ("1m", 60_000), ("120000us", 120), ("80000000ns", 80)):
        yield keep(f"span:duration >= {text}", lambda s, ms=ms: s.ms >= ms)
        yield Case(f"{{ traceDuration > {text} }}", lambda t, ms=ms: _sets(t) if trace_ms(t) > ms else [])
    yield Case(
        "{ trace:duration <= 60ms && kind = server }",
        lambda t: _sets([s for s in t if s.kind == "server"]) if trace_ms(t) <= 60 else [],
    )
    yield Case(
        '{ rootName = "POST /v1/predictions" && name = "fan_out" }',
        lambda t: _sets([s for s in t if s.name == "fan_out"]),
    )
    yield Case('{ rootServiceName != "gateway" }', lambda t: [])
    yield Case('{ trace:rootService = "gateway" && trace:rootName =~ "POST.*" }', _sets)
    assert not whole


def _more_filters() -> Iterator[Case]:
    yield keep('statusMessage = "cannot decode photo"', lambda s: s.message == "cannot decode photo")
    yield keep('span:statusMessage =~ "cannot.*"', lambda s: s.message.startswith("cannot"))
    yield keep('name =~ "POST /v1/.*"', lambda s: s.name.startswith("POST /v1/"))
    yield keep('name =~ "POST"', lambda s: s.name == "POST")
    yield keep('name !~ "POST.*"', lambda s: not s.name.startswith("POST"))
    yield keep('resource.service.name =~ "cv_model|nlp_model"', lambda s: s.service in ("cv_model", "nlp_model"))
    yield keep('resource.service.name !~ ".*_model"', lambda s: not s.service.endswith("_model"))
    yield keep('resource.service.version = "2.1.0"', lambda s: s.service == "cv_model")
    yield keep('.service.name = "gateway"', lambda s: s.service == "gateway")
    yield keep('.deployment.environment.name = "test" && kind = server', lambda s: s.kind == "server")
    yield keep('span.user.tier = "größer"', lambda s: s.attrs.get("user.tier") == "größer")
    yield keep('span.user.tier =~ "gr.*"', lambda s: s.attrs.get("user.tier") == "größer")
    yield keep('span.user.tier != "pro"', lambda s: s.attrs.get("user.tier", "pro") != "pro")
    yield keep("span.photo.bytes > 25000", lambda s: s.attrs.get("photo.bytes", 0) > 25000)
    yield keep("span.nothing = 1", lambda s: False)
    yield keep('span.nothing != "x"', lambda s: False)
    yield keep("span.ml.model.name != nil", lambda s: "ml.model.name" in s.attrs)
    yield keep("span.http.route = nil", lambda s: "http.route" not in s.attrs)
    yield keep("event.exception.type != nil", lambda s: s.event is not None)
    yield keep(
        'event.exception.type = "OSError"', lambda s: bool(s.event) and s.event[1]["exception.type"] == "OSError"
    )  # type: ignore[index]
    yield keep('event:name = "exception"', lambda s: s.event is not None)
    yield keep('event.exception.message =~ "cut.*"', lambda s: s.event is not None)
    yield keep("event:timeSinceStart >= 1ms", lambda s: s.event is not None)
    yield keep('instrumentation:name = "case" && name = "serialize"', lambda s: False)
    yield keep('instrumentation:name = "case" && kind = client', lambda s: s.kind == "client")
    yield keep('"fan_out" = name', lambda s: s.name == "fan_out")
    yield keep("100ms < duration", lambda s: s.ms > 100)
    yield keep("span.http.response.status_code = 207", lambda s: s.attrs.get("http.response.status_code") == 207)
    yield keep(
        "span.http.response.status_code >= 200 && span.http.response.status_code < 207",
        lambda s: s.attrs.get("http.response.status_code") == 200,
    )
    yield keep("span.ml.batch.size * 2 > 10", lambda s: s.attrs.get("ml.batch.size", 0) * 2 > 10)
    yield keep("span.ml.batch.size + 1 = 3", lambda s: s.attrs.get("ml.batch.size") == 2)
    yield keep("span.ml.batch.size % 2 = 1", lambda s: s.attrs.get("ml.batch.size", 0) % 2 == 1)
    yield keep("span.degraded", lambda s: s.attrs.get("degraded") is True)
    yield keep("!(status = error) && kind = client", lambda s: s.status != "error" and s.kind == "client")
    yield keep('status = error || name = "fan_out"', lambda s: s.status == "error" or s.name == "fan_out")
    yield keep(
        'name = "POST" && (span.server.address = "cv_model" || span.server.address = "nlp_model")',
        lambda s: s.name == "POST" and s.attrs.get("server.address") in ("cv_model", "nlp_model"),
    )
    # In TraceQL both have one precedence: (a || b) && c.
    yield keep(
        'kind = server || kind = client && resource.service.name = "gateway"',
        lambda s: s.kind in ("server", "client") and s.service == "gateway",
    )
    yield keep(
        'kind = server && resource.service.name = "gateway" || status = error',
        lambda s: (s.kind == "server" and s.service == "gateway") or s.status == "error",
    )


def related(query: str, left: Keep, relation: Callable[[S, list[S]], bool], right: Keep) -> Case:
    """Spans that pass `right` and stand so to the spans that pass `left`."""

    def expect(trace: list[S]) -> Spansets:
        lefts = [span for span in trace if left(span)]
        return _sets([span for span in trace if right(span) and relation(span, lefts)])

    return Case(query, expect)


def _child(span: S, lefts: list[S]) -> bool:
    return span.parent in lefts


def _below(span: S, lefts: list[S]) -> bool:
    return any(above in lefts for above in span.above())


def _parent(span: S, lefts: list[S]) -> bool:
    return any(left.parent is span for left in lefts)


def _over(span: S, lefts: list[S]) -> bool:
    return any(span in left.above() for left in lefts)


def _sibling(span: S, lefts: list[S]) -> bool:
    return any(left is not span and left.parent is span.parent and span.parent is not None for left in lefts)


def named(name: str) -> Keep:
    """Spans of one name."""
    return lambda span: span.name == name


def of(service: str) -> Keep:
    """Spans of one service."""
    return lambda span: span.service == service


def failed(span: S) -> bool:
    """Spans with an error."""
    return span.status == "error"


def anything(span: S) -> bool:
    """Every span."""
    return True


def _structure() -> Iterator[Case]:
    yield related('{ name = "fan_out" } > { kind = client }', named("fan_out"), _child, lambda s: s.kind == "client")
    yield related('{ name = "feature_lookup" } > { }', named("feature_lookup"), _child, anything)
    yield related(
        '{ resource.service.name = "gateway" } > { resource.service.name = "orchestrator" }',
        of("gateway"),
        _child,
        of("orchestrator"),
    )
    yield related("{ } > { status = error }", anything, _child, failed)
    yield related('{ name = "fan_out" } >> { status = error }', named("fan_out"), _below, failed)
    yield related(
        '{ resource.service.name = "gateway" } >> { name = "decode_photo" }',
        of("gateway"),
        _below,
        named("decode_photo"),
    )
    yield related("{ status = error } >> { kind = internal }", failed, _below, lambda s: s.kind == "internal")
    yield related(
        '{ kind = server } >> { name = "HGETALL" && duration > 2ms }',
        lambda s: s.kind == "server",
        _below,
        lambda s: s.name == "HGETALL" and s.ms > 2,
    )
    yield related('{ name = "HGETALL" } < { }', named("HGETALL"), _parent, anything)
    yield related("{ status = error } < { kind = client }", failed, _parent, lambda s: s.kind == "client")
    yield related(
        '{ name = "decode_photo" && status = error } << { kind = server }',
        lambda s: s.name == "decode_photo" and failed(s),
        _over,
        lambda s: s.kind == "server",
    )
    yield related(
        '{ name = "HGETALL" } << { resource.service.name = "orchestrator" }',
        named("HGETALL"),
        _over,
        of("orchestrator"),
    )
    yield related(
        '{ name = "decode_photo" } ~ { name = "model_inference" }',
        named("decode_photo"),
        _sibling,
        named("model_inference"),
    )
    yield related('{ name = "HGETALL" } ~ { name = "HGETALL" }', named("HGETALL"), _sibling, named("HGETALL"))
    yield related('{ name = "fan_out" } ~ { }', named("fan_out"), _sibling, anything)
    yield related('{ name = "nothing" } >> { }', named("nothing"), _below, anything)
    for op, relation in ((">", _child), (">>", _below), ("<", _parent), ("<<", _over), ("~", _sibling)):

        def unrelated(s: S, lefts: list[S], relation: Callable[[S, list[S]], bool] = relation) -> bool:
            return not relation(s, lefts)

        yield related(
            f"{{ status = error }} !{op} {{ kind = server }}", failed, unrelated, lambda s: s.kind == "server"
        )

    def chain(trace: list[S]) -> Spansets:
        servers = [s for s in trace if s.kind == "server" and _below(s, [g for g in trace if g.service == "gateway"])]
        return _sets([s for s in trace if failed(s) and _child(s, servers)])

    yield Case('{ resource.service.name = "gateway" } >> { kind = server } > { status = error }', chain)

    def union(trace: list[S]) -> Spansets:
        fans, clients = [s for s in trace if s.name == "fan_out"], [s for s in trace if s.kind == "client"]
        return _sets([s for s in trace if (s in fans and _parent(s, clients)) or (s in clients and _child(s, fans))])

    yield Case('{ name = "fan_out" } &> { kind = client }', union)


def joined(query: str, op: str, left: Keep, right: Keep) -> Case:
    """`&&`: both sides' spans where each has some; `||`: either's."""

    def expect(trace: list[S]) -> Spansets:
        lefts, rights = [s for s in trace if left(s)], [s for s in trace if right(s)]
        return _sets([s for s in trace if s in lefts or s in rights]) if op == "||" or (lefts and rights) else []

    return Case(query, expect)


def _logic() -> Iterator[Case]:
    yield joined('{ name = "decode_photo" } && { status = error }', "&&", named("decode_photo"), failed)
    yield joined("{ status = ok } && { status = error }", "&&", lambda s: s.status == "ok", failed)
    yield joined("{ status = ok } || { status = error }", "||", lambda s: s.status == "ok", failed)
    yield joined('{ name = "nothing" } || { name = "fan_out" }', "||", named("nothing"), named("fan_out"))
    yield joined('{ name = "nothing" } && { name = "fan_out" }', "&&", named("nothing"), named("fan_out"))
    yield joined(
        '{ span.user.tier = "pro" } && { span.ml.model.version = "2.0" }',
        "&&",
        lambda s: s.attrs.get("user.tier") == "pro",
        lambda s: s.attrs.get("ml.model.version") == "2.0",
    )
    yield joined("({ duration > 100ms } || { status = error })", "||", lambda s: s.ms > 100, failed)

    def three(trace: list[S]) -> Spansets:
        parts = [[s for s in trace if test(s)] for test in (failed, named("fan_out"), lambda s: s.ms > 200)]
        return _sets([s for s in trace if any(s in part for part in parts)]) if all(parts) else []

    yield Case('{ status = error } && { name = "fan_out" } && { duration > 200ms }', three)


def piped(query: str, left: Keep, test: Callable[[list[S]], bool]) -> Case:
    """A filter whose spans, taken together, have to pass a test."""

    def expect(trace: list[S]) -> Spansets:
        found = [span for span in trace if left(span)]
        return _sets(found) if found and test(found) else []

    return Case(query, expect)


def grouped(query: str, left: Keep, key: Callable[[S], Any], test: Callable[[list[S]], bool]) -> Case:
    """A filter, split by a key, each part having to pass a test."""

    def expect(trace: list[S]) -> Spansets:
        found = [span for span in trace if left(span)]
        groups = [[span for span in found if key(span) == value] for value in {key(span) for span in found}]
        return [group for group in groups if test(group)]

    return Case(query, expect)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _pipelines() -> Iterator[Case]:
    redis, servers = named("HGETALL"), lambda s: s.kind == "server"
    for op in OPS:
        yield piped(f'{{ name = "HGETALL" }} | count() {op} 2', redis, lambda f, op=op: OPS[op](len(f), 2))
    for op in (">", "<="):
        yield piped(
            f"{{ kind = server }} | avg(duration) {op} 100ms",
            servers,
            lambda f, op=op: OPS[op](_mean([s.ms for s in f]), 100),
        )
        yield piped(
            f"{{ kind = server }} | max(duration) {op} 250ms",
            servers,
            lambda f, op=op: OPS[op](max(s.ms for s in f), 250),
        )
        yield piped(
            f"{{ kind = server }} | min(duration) {op} 9ms", servers, lambda f, op=op: OPS[op](min(s.ms for s in f), 9)
        )
        yield piped(
            f"{{ kind = server }} | sum(duration) {op} 0.5s",
            servers,
            lambda f, op=op: OPS[op](sum(s.ms for s in f), 500),
        )
    yield piped(
        "{ } | sum(span.ml.batch.size) >= 10",
        anything,
        lambda f: (t := [s.attrs["ml.batch.size"] for s in f if "ml.batch.size" in s.attrs]) != [] and sum(t) >= 10,
    )
    yield piped(
        "{ } | avg(span.score) > 0.5",
        anything,
        lambda f: _mean([s.attrs["score"] for s in f if "score" in s.attrs]) > 0.5,
    )
    yield grouped(
        "{ status = error } | by(resource.service.name) | count() > 1",
        failed,
        lambda s: s.service,
        lambda g: len(g) > 1,
    )
    yield grouped("{ } | by(kind) | count() > 8", anything, lambda s: s.kind, lambda g: len(g) > 8)
    yield grouped(
        "{ kind = client } | by(span.server.address) | max(duration) > 200ms",
        lambda s: s.kind == "client",
        attr("server.address"),
        lambda g: max(s.ms for s in g) > 200,
    )
    yield piped(
        "{ kind = server } | by(resource.service.name) | coalesce() | count() = 5", servers, lambda f: len(f) == 5
    )
    yield piped(
        "{ span.photo.bytes > 28000 } | select(span.photo.bytes, resource.service.name)",
        lambda s: s.attrs.get("photo.bytes", 0) > 28000,
        lambda f: True,
    )
    yield Case(
        "{ kind = server } | { status = error }", lambda t: _sets([s for s in t if s.kind == "server" and failed(s)])
    )
    yield Case(
        "{ status = error } | count() > 1 | avg(duration) > 50ms",
        lambda t: _sets(f) if len(f := [s for s in t if failed(s)]) > 1 and _mean([s.ms for s in f]) > 50 else [],
    )

    def wrapped(trace: list[S]) -> Spansets:
        calls, bad = [s for s in trace if s.name == "HGETALL"], [s for s in trace if failed(s)]
        return _sets([s for s in trace if s in calls or s in bad]) if len(calls) > 1 and bad else []

    yield Case('({ name = "HGETALL" } | count() > 1) && { status = error }', wrapped)
    yield Case(
        '{ name = "fan_out" } > { kind = client } | count() = 3',
        lambda t: (
            _sets(f)
            if len(f := [s for s in t if s.kind == "client" and s.parent and s.parent.name == "fan_out"]) == 3
            else []
        ),
    )
    yield Case(
        "({ status = error } || { status = ok }) | count() >= 3",
        lambda t: _sets(f) if len(f := [s for s in t if s.status != "unset"]) >= 3 else [],
    )


def search_cases() -> list[Case]:
    """Every search."""
    return [*_filters(), *_more_filters(), *_structure(), *_logic(), *_pipelines()]
