"""A campaign in RCAEval's layout, spans as Parquet, predictions as Parquet.

RCAEval (Pham et al., WWW 2025 companion) keeps a case in ``SERVICE_FAULT/NUMBER`` as metrics.csv, logs.csv, traces.csv
and inject_time.txt (Unix seconds). Its metrics are a table by second; here they are made of the spans, by service.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow
import pyarrow.parquet

from lab.campaign import predictions
from lab.campaign.cases import Recorded
from lab.campaign.predictions import Row
from lab.clients.telemetry import LogLine, Span
from lab.diagnosis import names
from lab.diagnosis.trace import Trace
from lab.diagnosis.window import Window

_NUMBER, _TEXT, _YES = pyarrow.float64(), pyarrow.string(), pyarrow.bool_()
# Every file has these, so that all cases can be read as one table; ``served_*`` follow where Redis kept them.
_PREDICTION_COLUMNS = {
    "time": _NUMBER, "trace_id": _TEXT,
    **{f"{model}_{what}": kind for model in ("nlp_model", "cv_model", "price_model", "conversion_model")
       for what, kind in (("version", _TEXT), ("score", _NUMBER))},
    "prediction_id": _TEXT, "segment": _TEXT, "probability": _NUMBER, "likely": _YES, "price": _NUMBER,
    "low": _NUMBER, "high": _NUMBER, "label_converted": _YES, "label_time": _NUMBER, "label_sale_price": _NUMBER,
}  # fmt: skip
_TRACE_COLUMNS = (
    "time", "traceID", "spanID", "parentSpanID", "serviceName", "operationName", "startTime", "duration", "statusCode",
)  # fmt: skip


def export(cases: Iterable[Recorded], target: Path) -> int:
    """Write every case; returns how many."""
    numbers: dict[str, int] = defaultdict(int)
    for case in cases:
        name = f"{case.truth.services[0] or 'none'}_{case.truth.fault}".replace(" ", "-")
        numbers[name] += 1
        folder = target / name / str(numbers[name])
        folder.mkdir(parents=True, exist_ok=True)
        _write(case, case.window(), folder)
    return sum(numbers.values())


def _write(case: Recorded, window: Window, folder: Path) -> None:
    spans = [*window.before.spans, *window.now.spans]
    lines = [*window.before.logs, *window.now.logs]
    _csv(folder / "traces.csv", _TRACE_COLUMNS, (_trace_row(span) for span in spans))
    _csv(folder / "logs.csv", ("time", "timestamp", "container_name", "message", "level"), map(_log_row, lines))
    table = seconds_table(spans)
    _csv(folder / "metrics.csv", tuple(table[0]) if table else ("time",), (tuple(row.values()) for row in table))
    (folder / "inject_time.txt").write_text(f"{case.injected_s:.0f}\n")
    (folder / "truth.json").write_text(json.dumps(case.truth.as_dict(), indent=1))
    _parquet(folder / "spans.parquet", [_span_row(span) for span in spans])
    rows = list(prediction_rows(window, predictions.load(case.folder / predictions.FILE)))
    _parquet(folder / "predictions.parquet", rows, _PREDICTION_COLUMNS)


def seconds_table(spans: Iterable[Span]) -> list[dict[str, float]]:
    """By second: each service's server spans (``_workload``), errors, and mean duration in seconds (``_latency``)."""
    table: dict[int, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for span in spans:
        if span.kind == "server":
            table[span.start_ns // 10**9][span.service].append(span)
    services = sorted({service for row in table.values() for service in row})
    return [_second(at, table[at], services) for at in sorted(table)]


def prediction_rows(window: Window, kept: Iterable[Row] = ()) -> Iterator[dict[str, Any]]:
    """A row a prediction that was traced or ``kept``: time, trace, versions, scores, ``served_*`` features, label.

    What is unknown of it is absent: scores of a model without a trace, features and label where Redis kept none.
    """
    by_trace = {row["trace_id"]: row for row in kept}
    for period in (window.before, window.now):
        for trace in period.predictions:
            yield _traced(trace) | _kept(by_trace.pop(trace.trace_id, None))
    for row in by_trace.values():
        yield {"time": row["predicted_at"], "trace_id": row["trace_id"]} | _kept(row)


def _traced(trace: Trace) -> dict[str, Any]:
    row: dict[str, Any] = {"time": trace.root.start_ns / 1e9, "trace_id": trace.trace_id}
    for span in trace.spans:
        if names.PREDICTION in span.attributes:
            model = str(span.attributes.get(names.MODEL))
            row[f"{model}_version"] = str(span.attributes.get(names.MODEL_VERSION))
            row[f"{model}_score"] = float(str(span.attributes[names.PREDICTION]))
    return row


def _kept(row: Row | None) -> dict[str, Any]:
    """A kept row in flat columns."""
    if row is None:
        return {}
    label = row["label"] or {}
    return {
        "prediction_id": row["prediction_id"],
        "segment": row["segment"],
        **{f"{model}_version": version for model, version in row["versions"].items()},
        **{name: row[name] for name in ("probability", "likely", "price", "low", "high")},
        **{f"served_{name}": value for name, value in row["served"].items()},
        "label_converted": label.get("converted"),
        "label_time": label.get("at"),
        "label_sale_price": label.get("sale_price"),
    }


def _second(at: int, row: Mapping[str, list[Span]], services: list[str]) -> dict[str, float]:
    told: dict[str, float] = {"time": at}
    for service in services:
        spans = row.get(service, [])
        told[f"{service}_workload"] = len(spans)
        told[f"{service}_error"] = sum(span.status == "error" for span in spans)
        told[f"{service}_latency"] = sum(span.duration_ms for span in spans) / 1000 / len(spans) if spans else 0.0
    return told


def _trace_row(span: Span) -> tuple[Any, ...]:
    start_us, took_us = span.start_ns // 1000, (span.end_ns - span.start_ns) // 1000
    code = span.attributes.get(names.STATUS_CODE, 500 if span.status == "error" else 0)
    ids = (span.trace_id, span.span_id, span.parent_id)
    return span.start_ns // 10**9, *ids, span.service, span.name, start_us, took_us, code


def _log_row(line: LogLine) -> tuple[Any, ...]:
    return line.time_ns // 10**9, line.time_ns, line.service, line.body, line.level


def _span_row(span: Span) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id, "span_id": span.span_id, "parent_id": span.parent_id, "service": span.service,
        "name": span.name, "kind": span.kind, "start_ns": span.start_ns, "end_ns": span.end_ns, "status": span.status,
        "status_message": span.status_message, "attributes": json.dumps(dict(span.attributes), sort_keys=True),
    }  # fmt: skip


def _csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _parquet(
    path: Path, rows: list[dict[str, Any]], known: Mapping[str, pyarrow.DataType] = MappingProxyType({})
) -> None:
    """``known`` columns come first, with their types; then those of all rows, as the rows have them: some lack some."""
    names = dict.fromkeys([*known, *(key for row in rows for key in row)])
    columns = {name: pyarrow.array([row.get(name) for row in rows], known.get(name)) for name in names}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
