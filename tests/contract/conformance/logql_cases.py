"""LogQL queries, each beside the same thing said in plain Python over the generated lines."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.contract.conformance.cases import OPS
from tests.contract.conformance.world import L

Labels = dict[str, str]
Shown = tuple[int, Labels, str]  # time, labels, line


@dataclass(frozen=True)
class LineCase:
    """A log query: what a line is shown as, None where it is left out."""

    query: str
    show: Callable[[L], tuple[Labels, str] | None]

    def __str__(self) -> str:
        return self.query

    def expect(self, lines: list[L]) -> list[Shown]:
        """Every line found."""
        return [(line.time, *shown) for line in lines if (shown := self.show(line))]


def keep(query: str, test: Callable[[L], bool]) -> LineCase:
    """Lines that pass, as they are."""
    return LineCase(query, lambda line: (line.labels, line.body) if test(line) else None)


def parsed(query: str, parse: Callable[[L], Labels], test: Callable[[L, Labels], bool]) -> LineCase:
    """Lines with the labels a parser adds, where the test holds of the line and these."""

    def show(line: L) -> tuple[Labels, str] | None:
        added = parse(line)
        return (line.labels | added, line.body) if test(line, line.labels | added) else None

    return LineCase(query, show)


def json_labels(line: L) -> Labels:
    """What `| json` adds, an empty value as well."""
    try:
        content = json.loads(line.body)
    except ValueError:
        return {"__error__": "JSONParserErr"}
    found = {"event": content["event"], "ms": str(content["ms"]), "route": content["route"], "http_status": "200"}
    found["http_ok"] = str(content["http"]["ok"]).lower()
    return found


def logfmt_labels(line: L) -> Labels:
    """What `| logfmt` adds to an orchestrator's line."""
    pairs = re.findall(r'(\w+)=("[^"]*"|\S+)', line.body)
    return {name: value.strip('"') for name, value in pairs}


def of(*services: str) -> Callable[[L], bool]:
    """Lines of these services."""
    return lambda line: line.service in services


EVERY = '{service_name=~".+"}'
JSON = '{service_name=~"gateway|cv_model"}'
LOGFMT = '{service_name="orchestrator"}'


def _selectors() -> Iterator[LineCase]:
    yield keep(EVERY, lambda line: True)
    yield keep('{service_name="gateway"}', of("gateway"))
    yield keep('{service_name=~"gateway|cv_model"}', of("gateway", "cv_model"))
    yield keep('{service_name=~".*_model"}', of("cv_model", "nlp_model"))
    yield keep('{service_namespace="marketplace", service_name!="gateway"}', lambda line: line.service != "gateway")
    yield keep(
        '{service_namespace="marketplace", service_name!~".*_model"}', lambda line: not line.service.endswith("_model")
    )
    yield keep('{deployment_environment_name="test",service_name="nlp_model"}', of("nlp_model"))
    yield keep('{service_name="nothing"}', lambda line: False)
    yield keep('{service_name=~"gate"}', lambda line: False)
    yield keep("{service_name=`gateway`}", of("gateway"))


def _line_filters() -> Iterator[LineCase]:
    yield keep(EVERY + ' |= "worker 1"', lambda line: "worker 1" in line.body)
    yield keep(EVERY + ' != "POST"', lambda line: "POST" not in line.body)
    yield keep(EVERY + ' |= "POST" != "gateway" |= "1"', lambda line: "POST" in line.body and "1" in line.body)
    yield keep(EVERY + " |~ `worker [12]`", lambda line: bool(re.search("worker [12]", line.body)))
    yield keep(EVERY + ' !~ "worker|event"', lambda line: not re.search("worker|event", line.body))
    yield keep(EVERY + ' |~ "(?i)POST /V1/SCORE"', lambda line: "post /v1/score" in line.body.lower())
    yield keep(EVERY + ' |= "worker 1" or "worker 2"', lambda line: bool(re.search("worker [12]", line.body)))
    yield keep(EVERY + ' |= `"ok":false`', lambda line: '"ok":false' in line.body)
    yield keep(EVERY + ' |= "\\"ok\\":true"', lambda line: '"ok":true' in line.body)
    yield keep(EVERY + ' |= ""', lambda line: True)
    yield keep(LOGFMT + ' |= "degraded=true"', lambda line: "degraded=true" in line.body)
    yield keep(EVERY + ' |~ "done in \\\\d ms"', lambda line: bool(re.search(r"done in \d ms", line.body)))


def _label_filters() -> Iterator[LineCase]:
    trace = f"{7:032x}"
    yield keep(f'{EVERY} | trace_id="{trace}"', lambda line: line.span.trace == 7)
    yield keep(f'{EVERY} | trace_id!="{trace}"', lambda line: line.span.trace != 7)
    yield keep(EVERY + ' | severity_text="ERROR"', lambda line: line.severity == "ERROR")
    yield keep(EVERY + ' | severity_text=~"ERROR|WARN"', lambda line: line.severity != "INFO")
    yield keep(EVERY + ' | severity_text!~"E.*"', lambda line: line.severity != "ERROR")
    yield keep(EVERY + ' | detected_level="warn"', lambda line: line.severity == "WARN")
    yield keep(EVERY + ' | request_id="r-12"', lambda line: line.attrs["request.id"] == "r-12")
    yield keep(EVERY + ' | model_version!="2.0"', lambda line: line.attrs["model.version"] != "2.0")
    yield keep(EVERY + ' | service_name="gateway"', of("gateway"))
    yield keep(EVERY + ' | nothing=""', lambda line: True)
    yield keep(EVERY + ' | nothing="x"', lambda line: False)
    yield keep(EVERY + ' | nothing!="x"', lambda line: True)
    for op, text in (("=", "=="), ("=", "="), ("!=", "!="), ("<", "<"), ("<=", "<="), (">", ">"), (">=", ">=")):
        yield keep(f"{EVERY} | duration_ms {text} 56", lambda line, op=op: OPS[op](line.attrs["duration_ms"], 56))
    yield keep(
        EVERY + ' | severity_text="ERROR" and duration_ms > 100',
        lambda line: line.severity == "ERROR" and line.attrs["duration_ms"] > 100,
    )
    yield keep(
        EVERY + ' | severity_text="ERROR" or duration_ms > 300',
        lambda line: line.severity == "ERROR" or line.attrs["duration_ms"] > 300,
    )
    yield keep(
        EVERY + ' | severity_text="ERROR" or duration_ms > 200 and model_version="1.0"',
        lambda line: (
            line.severity == "ERROR" or (line.attrs["duration_ms"] > 200 and line.attrs["model.version"] == "1.0")
        ),
    )
    yield keep(
        EVERY + ' | (severity_text="ERROR" or duration_ms > 200) and model_version="1.0"',
        lambda line: (
            (line.severity == "ERROR" or line.attrs["duration_ms"] > 200) and line.attrs["model.version"] == "1.0"
        ),
    )
    yield keep(
        EVERY + ' | severity_text="INFO", model_version="1.0" | duration_ms < 50',
        lambda line: (
            line.severity == "INFO" and line.attrs["model.version"] == "1.0" and line.attrs["duration_ms"] < 50
        ),
    )


def _parsers() -> Iterator[LineCase]:
    yield parsed(JSON + " | json", json_labels, lambda line, found: line.service in ("gateway", "cv_model"))
    yield parsed(JSON + " | json | ms > 200", json_labels, lambda line, f: int(f.get("ms", 0)) > 200)
    yield parsed(
        JSON + ' | json | event="decode_photo"', json_labels, lambda line, found: found.get("event") == "decode_photo"
    )
    yield parsed(JSON + ' | json | http_ok="false"', json_labels, lambda line, found: found.get("http_ok") == "false")
    yield parsed(
        JSON + ' | json | route=""',
        json_labels,
        lambda line, f: line.service in ("gateway", "cv_model") and not f.get("route"),
    )
    yield parsed(
        JSON + ' |= "score" | json | ms <= 40 | severity_text="INFO"',
        json_labels,
        lambda line, f: "score" in line.body and int(f.get("ms", 99)) <= 40 and line.severity == "INFO",
    )
    yield parsed(EVERY + ' | json | __error__=""', json_labels, lambda line, found: "__error__" not in found)
    yield parsed(EVERY + ' | json | __error__="JSONParserErr"', json_labels, lambda line, found: "__error__" in found)
    yield parsed(LOGFMT + " | logfmt", logfmt_labels, lambda line, found: line.service == "orchestrator")
    for text, seconds in (("60ms", 0.06), ("0.1s", 0.1)):
        yield parsed(
            f"{LOGFMT} | logfmt | took > {text}",
            logfmt_labels,
            lambda line, found, seconds=seconds: int(found.get("took", "0ms")[:-2]) / 1000 > seconds,
        )
    yield parsed(
        LOGFMT + " | logfmt | size >= 10KB",
        logfmt_labels,
        lambda line, found: int(found.get("size", "0B")[:-1]) >= 10_000,
    )
    yield parsed(LOGFMT + ' | logfmt | degraded="true"', logfmt_labels, lambda line, f: f.get("degraded") == "true")
    yield parsed(
        LOGFMT + ' | logfmt | event=~"POST.*" and took < 1s',
        logfmt_labels,
        lambda line, f: "POST" in f.get("event", ""),
    )


def _formats() -> Iterator[LineCase]:
    yield LineCase(
        '{service_name="gateway"} | line_format "{{.request_id}} took {{.duration_ms}}"',
        lambda line: (
            (line.labels, f"{line.attrs['request.id']} took {line.attrs['duration_ms']}")
            if line.service == "gateway"
            else None
        ),
    )
    yield LineCase(
        JSON + " | json | line_format `{{.event}}|{{ .nothing }}`",
        lambda line: (
            (line.labels | json_labels(line), json_labels(line)["event"] + "|")
            if line.service in ("gateway", "cv_model")
            else None
        ),
    )
    yield LineCase(
        EVERY + ' | line_format "{{.severity_text}}" |= "ERR"',
        lambda line: (line.labels, "ERROR") if line.severity == "ERROR" else None,
    )
    yield LineCase(
        EVERY + ' | line_format "{{.service_name}} {{.severity_text}}" |~ "_model W.*"',
        lambda line: (
            (line.labels, f"{line.service} WARN")
            if line.service.endswith("_model") and line.severity == "WARN"
            else None
        ),
    )


def line_cases() -> list[LineCase]:
    """Every log query."""
    return [*_selectors(), *_line_filters(), *_label_filters(), *_parsers(), *_formats()]
