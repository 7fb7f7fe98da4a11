"""LogQL metric queries and, in plain Python, their value at one moment."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.conformance.logql_cases import EVERY, JSON, LOGFMT, json_labels, logfmt_labels
from tests.contract.conformance.world import L

Labels = tuple[tuple[str, str], ...]
Vector = dict[Labels, float]
Expect = Callable[[list[L]], Vector]  # the lines of the range to series


@dataclass(frozen=True)
class RangeCase:
    """A metric query over a range of `seconds`; its value from the lines in the range."""

    query: str
    expect: Expect
    seconds: int = 60

    def __str__(self) -> str:
        return self.query


def sums(
    lines: list[L], labels: Callable[[L], dict[str, str]], value: Callable[[L], float] = lambda line: 1.0
) -> Vector:
    """The sum of `value` by `labels`, an empty label being none."""
    found: Vector = {}
    for line in lines:
        key = tuple(sorted((name, text) for name, text in labels(line).items() if text))
        found[key] = found.get(key, 0.0) + value(line)
    return found


def by(*names: str) -> Callable[[L], dict[str, str]]:
    """Some of a line's labels."""
    return lambda line: {name: line.labels.get(name, "") for name in names}


def without(*names: str) -> Callable[[L], dict[str, str]]:
    """All but some of a line's labels."""
    return lambda line: {name: text for name, text in line.labels.items() if name not in names}


def scaled(vector: Vector, factor: float) -> Vector:
    """Every value times `factor`."""
    return {labels: value * factor for labels, value in vector.items()}


def size(line: L) -> float:
    """Bytes of the line."""
    return float(len(line.body.encode()))


def reduced(lines: list[L], names: tuple[str, ...], reduce: Callable[[list[float]], float]) -> Vector:
    """Counts by all labels, and these by `names` through `reduce`."""
    groups: dict[Labels, list[float]] = {}
    for labels, value in sums(lines, lambda line: line.labels).items():
        groups.setdefault(tuple(pair for pair in labels if pair[0] in names), []).append(value)
    return {labels: float(reduce(values)) for labels, values in groups.items()}


def kept(vector: Vector, test: Callable[[float], bool]) -> Vector:
    """Series whose value passes."""
    return {labels: value for labels, value in vector.items() if test(value)}


def _service(lines: list[L]) -> Vector:
    return sums(lines, by("service_name"))


def _only(lines: list[L], test: Callable[[L], bool]) -> list[L]:
    return [line for line in lines if test(line)]


def _is_json(line: L) -> bool:
    return line.service in ("gateway", "cv_model")


def _top(vector: Vector, count: int, largest: bool) -> Vector:
    return dict(sorted(vector.items(), key=lambda item: (-item[1] if largest else item[1], item[0]))[:count])


def range_cases() -> list[RangeCase]:
    """Every metric query."""
    counts = f"count_over_time({EVERY}[1m])"
    errors = f'{EVERY} | severity_text="ERROR"'
    return [
        RangeCase(f"sum({counts})", lambda lines: sums(lines, by())),
        RangeCase(f"sum by (service_name) ({counts})", _service),
        RangeCase(f"sum({counts}) by (service_name)", _service),
        RangeCase(f"sum by (service_name) (rate({EVERY}[1m]))", lambda lines: scaled(_service(lines), 1 / 60)),
        RangeCase(f"sum by (service_name) (count_over_time({EVERY}[20s]))", _service, 20),
        RangeCase(
            f"sum by (service_name) (bytes_rate({EVERY}[1m]))",
            lambda lines: scaled(sums(lines, by("service_name"), size), 1 / 60),
        ),
        RangeCase(f"sum(bytes_over_time({EVERY}[1m]))", lambda lines: sums(lines, by(), size)),
        RangeCase(
            f"sum by (severity_text) ({counts})", lambda lines: sums(lines, by("severity_text"))
        ),
        RangeCase(
            f"sum by (service_name, model_version) ({counts})",
            lambda lines: sums(lines, by("service_name", "model_version")),
        ),
        RangeCase(f"sum by (nothing) ({counts})", lambda lines: sums(lines, by("nothing"))),
        RangeCase(
            f"sum by (service_name) (count_over_time({errors}[1m]))",
            lambda lines: _service(_only(lines, lambda line: line.severity == "ERROR")),
        ),
        RangeCase(
            f'sum by (service_name) (count_over_time({EVERY} |= "POST" [1m]))',
            lambda lines: _service(_only(lines, lambda line: "POST" in line.body)),
        ),
        RangeCase(
            f"sum(count_over_time({JSON} | json | ms > 100 [1m]))",
            lambda lines: sums(_only(lines, lambda x: _is_json(x) and int(json_labels(x)["ms"]) > 100), by()),
        ),
        RangeCase(
            f"sum by (event) (count_over_time({JSON} | json [1m]))",
            lambda lines: sums(_only(lines, _is_json), lambda line: {"event": json_labels(line)["event"]}),
        ),
        RangeCase(
            f"sum by (degraded) (rate({LOGFMT} | logfmt [1m]))",
            lambda lines: scaled(
                sums(
                    _only(lines, lambda x: x.service == "orchestrator"),
                    lambda line: {"degraded": logfmt_labels(line)["degraded"]},
                ),
                1 / 60,
            ),
        ),
        RangeCase(
            f"sum without (trace_id, span_id, request_id, duration_ms, model_version, severity_number) ({counts})",
            lambda lines: sums(
                lines, without("trace_id", "span_id", "request_id", "duration_ms", "model_version", "severity_number")
            ),
        ),
        RangeCase(f"count({counts})", lambda lines: reduced(lines, (), len)),
        RangeCase(f"count by (service_name) ({counts})", lambda lines: reduced(lines, ("service_name",), len)),
        RangeCase(f"max by (service_name) ({counts})", lambda lines: reduced(lines, ("service_name",), max)),
        RangeCase(f"min({counts})", lambda lines: reduced(lines, (), min)),
        RangeCase(
            f"avg by (service_name) ({counts})",
            lambda lines: reduced(lines, ("service_name",), lambda values: sum(values) / len(values)),
        ),
        RangeCase(
            f"max(sum by (service_name) ({counts}))", lambda lines: {(): max(_service(lines).values())}
        ),
        RangeCase(f"topk(2, sum by (service_name) ({counts}))", lambda lines: _top(_service(lines), 2, True)),
        RangeCase(
            f"bottomk(1, sum by (severity_text) ({counts}))",
            lambda lines: _top(sums(lines, by("severity_text")), 1, False),
        ),
        RangeCase(f"sum by (service_name) ({counts}) > 160", lambda lines: kept(_service(lines), lambda v: v > 160)),
        RangeCase(f"sum by (service_name) ({counts}) <= 160", lambda lines: kept(_service(lines), lambda v: v <= 160)),
        RangeCase(f"sum({counts}) / 2 + 1", lambda lines: {(): len(lines) / 2 + 1}),
        RangeCase(
            f"sum(count_over_time({errors}[1m])) / sum({counts})",
            lambda lines: {(): len(_only(lines, lambda x: x.severity == "ERROR")) / len(lines)},
        ),
        RangeCase(
            f"sum by (service_name) (count_over_time({errors}[1m])) / sum by (service_name) ({counts})",
            lambda lines: {
                key: value / _service(lines)[key]
                for key, value in _service(_only(lines, lambda x: x.severity == "ERROR")).items()
            },
        ),
        RangeCase("vector(1) + vector(1)", lambda lines: {(): 2.0}),
    ]  # fmt: skip
