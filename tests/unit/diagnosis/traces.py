"""Small hand-made windows: predictions as the five services make them, with what a test wants to be different."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count

from lab.clients.telemetry import AttributeValue, LogLine, Sample, Span, Status
from lab.diagnosis.window import Period, Window

_IDS = count(1)
Change = Callable[[Span], Span]


def span(
    trace: int, name: str, start: float, end: float, parent: Span | None = None, service: str = "gateway",
    kind: str = "internal", status: Status = "unset", message: str = "", **attributes: AttributeValue,
) -> Span:  # fmt: skip
    """A span of trace number ``trace``; times in ms from the trace's own start, a second after the one before."""
    begin = trace * 1_000_000_000
    return Span(
        f"{trace:032x}", f"{next(_IDS):016x}", parent.span_id if parent else "", service, name, kind,
        begin + int(start * 1e6), begin + int(end * 1e6), status, message,
        {key.replace("__", "."): value for key, value in attributes.items()},
    )  # fmt: skip


def prediction(
    trace: int, *, inference: float = 10, wait: float = 2, lookup: float = 1, jitter: float = 0
) -> list[Span]:
    """One healthy prediction, about 30 ms; ``inference`` and ``wait`` are the text model's, in ms."""
    ok: dict[str, AttributeValue] = {"http__response__status_code": 200}
    text, features = inference + wait + 2, lookup + 3 + jitter
    done = 4 + max(text, features) + 4
    root = span(trace, "POST /v1/predictions", 0, done + 4, kind="server", prediction__degraded=False, **ok)
    call = span(trace, "POST", 1, done + 3, root, kind="client", peer__service="orchestrator", **ok)
    server = span(trace, "POST /v1/predict", 2, done + 2, call, "orchestrator", "server", **ok)
    fan = span(trace, "fan_out", 3, done, server, "orchestrator")
    ask = span(trace, "POST", 4, 4 + features + 2, fan, "orchestrator", "client", peer__service="feature_store", **ok)
    store = span(trace, "POST /v1/features", 5, 5 + features, ask, "feature_store", "server", **ok)
    look = span(trace, "feature_lookup", 5.5, 5.5 + lookup + 1, store, "feature_store")
    redis = span(
        trace, "PIPELINE HGETALL", 5.7 + lookup, 6.3 + lookup, look, "feature_store", "client", peer__service="redis"
    )
    score = span(trace, "POST", 4, 4 + text + 2, fan, "orchestrator", "client", peer__service="nlp_model", **ok)
    model = span(trace, "POST /v1/score", 5, 5 + text, score, "nlp_model", "server", **ok)
    pre = span(trace, "preprocess", 5.2, 6, model, "nlp_model", ml__input__tokens=20 + trace % 8)
    waited = span(trace, "batch_wait", 6, 6 + wait, model, "nlp_model")
    infer = span(trace, "model_inference", 6 + wait, 6 + wait + inference, model, "nlp_model")
    return [root, call, server, fan, ask, store, look, redis, score, model, pre, waited, infer]


def period(start: int, spans: Iterable[Span], logs: Iterable[LogLine] = (), **series: list[Sample]) -> Period:
    return Period(start, start + 60, tuple(spans), tuple(logs), {name: tuple(found) for name, found in series.items()})


def sample(value: float, **labels: str) -> Sample:
    return Sample(labels, ((0.0, value),))


def window(now: Iterable[Span], before: Iterable[Span] | None = None, **series: list[Sample]) -> Window:
    """A window beside a healthy baseline (or the one given); ``NAME`` and ``NAME_before`` are series."""
    healthy = predictions(1000) if before is None else before
    current = {name: found for name, found in series.items() if not name.endswith("_before")}
    usual = {name.removesuffix("_before"): found for name, found in series.items() if name.endswith("_before")}
    return Window(period(0, now, **current), period(-60, healthy, **usual))


def predictions(first: int, how_many: int = 40, **shape: float) -> list[Span]:
    return [each for n in range(how_many) for each in prediction(first + n, jitter=(n * 7 % 5) / 10, **shape)]


def changed(spans: Iterable[Span], which: Mapping[str, str], change: Change) -> list[Span]:
    """The spans, those with these fields (``service``, ``name``, ``kind``) changed."""
    return [change(s) if all(getattr(s, key) == value for key, value in which.items()) else s for s in spans]


def shifted(spans: Iterable[Span], service: str, by_ns: int) -> list[Span]:
    """The spans with one service's clock ahead."""
    return changed(
        spans, {"service": service}, lambda s: replace(s, start_ns=s.start_ns + by_ns, end_ns=s.end_ns + by_ns)
    )
