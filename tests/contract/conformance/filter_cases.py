"""TraceQL filters: intrinsics, attributes, operators."""

from collections.abc import Iterator

from tests.contract.conformance.cases import OPS, Case, attr, compared, keep, sets
from tests.contract.conformance.world import S


def filters() -> Iterator[Case]:
    """Every operator over every type of field."""

    def trace_ms(trace: list[S]) -> float:
        return (max(s.start + s.duration for s in trace) - min(s.start for s in trace)) / 1e6

    for op in OPS:
        yield compared("duration", lambda s: s.ms, op, "60ms", 60)
        yield compared("span.ml.batch.size", attr("ml.batch.size"), op, "4", 4)
        yield compared("span.score", attr("score"), op, "0.5", 0.5)
        yield keep(f"span.feature.count {op} 10.5", lambda s: False)  # integers beside a float: none
        yield keep(f"span.score {op} 1", lambda s: False)  # floats beside an integer: none
        yield keep(f"span.photo.bytes {op} 1ms", lambda s: False)
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
    yield Case("{}", sets)
    yield Case("{ true }", sets)
    yield Case("{ false }", lambda trace: [])
    for text, ms in (("100ms", 100), ("0.25s", 250), ("1m", 60_000), ("120000us", 120), ("80000000ns", 80)):
        yield keep(f"span:duration >= {text}", lambda s, ms=ms: s.ms >= ms)
        yield Case(f"{{ traceDuration > {text} }}", lambda t, ms=ms: sets(t) if trace_ms(t) > ms else [])
    yield Case(
        "{ trace:duration <= 60ms && kind = server }",
        lambda t: sets([s for s in t if s.kind == "server"]) if trace_ms(t) <= 60 else [],
    )
    yield Case(
        '{ rootName = "POST /v1/predictions" && name = "fan_out" }',
        lambda t: sets([s for s in t if s.name == "fan_out"]),
    )
    yield Case('{ rootServiceName != "gateway" }', lambda t: [])
    yield Case('{ trace:rootService = "gateway" && trace:rootName =~ "POST.*" }', sets)


def more_filters() -> Iterator[Case]:
    """Patterns, scopes, events, missing attributes, arithmetic, logic."""
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
    yield keep("span.http.response.status_code = 207", lambda s: s.attrs.get("http.response.status_code") == 207)
    yield keep(
        "span.http.response.status_code >= 200 && span.http.response.status_code < 207",
        lambda s: s.attrs.get("http.response.status_code") == 200,
    )
    yield keep("span.ml.batch.size * 2 > 10", lambda s: s.attrs.get("ml.batch.size", 0) * 2 > 10)
    yield keep("span.ml.batch.size + 1 = 3", lambda s: s.attrs.get("ml.batch.size") == 2)
    yield keep("span.ml.batch.size % 2 = 1", lambda s: s.attrs.get("ml.batch.size", 0) % 2 == 1)
    # Two integers divide to an integer; with a float or a duration they do not.
    yield keep("span.ml.batch.size / 2 = 1", lambda s: s.attrs.get("ml.batch.size") in (2, 3))
    yield keep("span.ml.batch.size / 2.0 = 1.5", lambda s: s.attrs.get("ml.batch.size") == 3)
    yield keep("-span.feature.count / 4 = -2", lambda s: s.attrs.get("feature.count") in (8, 9, 10, 11))
    yield keep("(span.ml.batch.size + 1) / 2 >= 4", lambda s: s.attrs.get("ml.batch.size", 0) >= 7)
    yield keep("span.score / 2 < 0.25", lambda s: s.attrs.get("score", 1) / 2 < 0.25)
    yield keep("span.feature.count + 0 > 10.5", lambda s: s.attrs.get("feature.count", 0) > 10)
    yield keep("-span.score ^ 2.0 < 0.0", lambda s: "score" in s.attrs)
    yield keep("2.0 ^ span.ml.batch.size - 1 = 7", lambda s: s.attrs.get("ml.batch.size") == 3)
    yield keep("rootServiceName != nil && kind = client", lambda s: s.kind == "client")
    yield keep("span.degraded", lambda s: s.attrs.get("degraded") is True)
    yield keep("!span.degraded", lambda s: s.attrs.get("degraded") is False)
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


def beyond_tempo() -> Iterator[Case]:
    """What Tempo 3.0.3 answers wrong, or not at all; docs/telemetry-store.md says what and why."""
    yield keep("100ms < duration", lambda s: s.ms > 100)
    yield keep("4 >= span.ml.batch.size", lambda s: s.attrs.get("ml.batch.size", 9) <= 4)
    yield keep("-span.ml.batch.size ^ 2 = -9", lambda s: s.attrs.get("ml.batch.size") == 3)
    yield keep("2 ^ span.ml.batch.size - 1 = 7", lambda s: s.attrs.get("ml.batch.size") == 3)
    yield keep("!(status = error) && kind = client", lambda s: s.status != "error" and s.kind == "client")
