"""TraceQL beyond one filter: structure, joined spansets, pipelines."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.contract.conformance.cases import OPS, Case, Keep, Spansets, attr, sets
from tests.contract.conformance.world import S


def related(query: str, left: Keep, relation: Callable[[S, list[S]], bool], right: Keep) -> Case:
    """Spans that pass `right` and stand so to the spans that pass `left`."""

    def expect(trace: list[S]) -> Spansets:
        lefts = [span for span in trace if left(span)]
        return sets([span for span in trace if right(span) and relation(span, lefts)])

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


def structure() -> Iterator[Case]:
    """Structural operators."""
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
        return sets([s for s in trace if failed(s) and _child(s, servers)])

    yield Case('{ resource.service.name = "gateway" } >> { kind = server } > { status = error }', chain)

    def union(trace: list[S]) -> Spansets:
        fans, clients = [s for s in trace if s.name == "fan_out"], [s for s in trace if s.kind == "client"]
        return sets([s for s in trace if (s in fans and _parent(s, clients)) or (s in clients and _child(s, fans))])

    yield Case('{ name = "fan_out" } &> { kind = client }', union)


def joined(query: str, op: str, left: Keep, right: Keep) -> Case:
    """`&&`: both sides' spans where each has some; `||`: either's."""

    def expect(trace: list[S]) -> Spansets:
        lefts, rights = [s for s in trace if left(s)], [s for s in trace if right(s)]
        return sets([s for s in trace if s in lefts or s in rights]) if op == "||" or (lefts and rights) else []

    return Case(query, expect)


def logic() -> Iterator[Case]:
    """Spansets joined."""
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
        return sets([s for s in trace if any(s in part for part in parts)]) if all(parts) else []

    yield Case('{ status = error } && { name = "fan_out" } && { duration > 200ms }', three)


def piped(query: str, left: Keep, test: Callable[[list[S]], bool]) -> Case:
    """A filter whose spans, taken together, have to pass a test."""

    def expect(trace: list[S]) -> Spansets:
        found = [span for span in trace if left(span)]
        return sets(found) if found and test(found) else []

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


def pipelines() -> Iterator[Case]:
    """Aggregates, by, coalesce, select, further filters."""
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
        "{ kind = server } | { status = error }", lambda t: sets([s for s in t if s.kind == "server" and failed(s)])
    )
    yield Case(
        "{ status = error } | count() > 1 | avg(duration) > 50ms",
        lambda t: sets(f) if len(f := [s for s in t if failed(s)]) > 1 and _mean([s.ms for s in f]) > 50 else [],
    )

    def wrapped(trace: list[S]) -> Spansets:
        calls, bad = [s for s in trace if s.name == "HGETALL"], [s for s in trace if failed(s)]
        return sets([s for s in trace if s in calls or s in bad]) if len(calls) > 1 and bad else []

    yield Case('({ name = "HGETALL" } | count() > 1) && ({ status = error })', wrapped)
    yield Case(
        '{ name = "fan_out" } > { kind = client } | count() = 3',
        lambda t: (
            sets(f)
            if len(f := [s for s in t if s.kind == "client" and s.parent and s.parent.name == "fan_out"]) == 3
            else []
        ),
    )
    yield Case(
        "({ status = error } || { status = ok }) | count() >= 3",
        lambda t: sets(f) if len(f := [s for s in t if s.status != "unset"]) >= 3 else [],
    )
