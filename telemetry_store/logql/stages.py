"""Stages that look into lines: parsers, label filters, line_format, over a block of lines at a time.

By blocks because regular expressions go through DuckDB's RE2: one call for all the values of a block, and no
pattern can hang the process as Python's own engine could.
"""

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
import orjson

from telemetry_store.durations import duration_ns
from telemetry_store.errors import QueryError
from telemetry_store.logql import ast
from telemetry_store.logql.parse import size_bytes
from telemetry_store.logql.select import matched_values
from telemetry_store.storage.patterns import partial_matches

ERROR, DETAILS = "__error__", "__error_details__"
_PAIR = re.compile(r'([^\s="]+)(?:=("(?:\\.|[^"\\])*"|[^\s"]*))?')
_DURATION = re.compile(r"[-+]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(slots=True)
class Line:
    """One line on its way through the stages; `stream` are its index labels."""

    time: int
    body: str
    stream: dict[str, str]
    labels: dict[str, str]


def apply(stages: list[ast.Stage], lines: list[Line], cursor: duckdb.DuckDBPyConnection) -> list[Line]:
    """The lines that pass every stage, with what the stages added to them."""
    for stage in stages:
        lines = _apply(stage, lines, cursor)
    return lines


def _apply(stage: ast.Stage, lines: list[Line], cursor: duckdb.DuckDBPyConnection) -> list[Line]:
    if isinstance(stage, ast.JsonParser | ast.LogfmtParser):
        parse = _parse_json if isinstance(stage, ast.JsonParser) else _parse_logfmt
        for line in lines:
            parse(line)
        return lines
    if isinstance(stage, ast.LineFormat):
        for line in lines:
            line.body = _format(stage, line)
        return lines
    if isinstance(stage, ast.LineFilter):
        return _filter_lines(stage, lines, cursor)
    keep = _passing(stage, lines, cursor)
    return [line for number, line in enumerate(lines) if number in keep]


def _filter_lines(stage: ast.LineFilter, lines: list[Line], cursor: duckdb.DuckDBPyConnection) -> list[Line]:
    bodies = {line.body for line in lines}
    if stage.op in {"|=", "!="}:
        found = {body for body in bodies if any(text in body for text in stage.operands)}
    else:
        found = set().union(*(partial_matches(cursor, pattern, bodies) for pattern in stage.operands))
    wanted = bodies - found if stage.op.startswith("!") else found
    return [line for line in lines if line.body in wanted]


def _passing(stage: ast.Stage, lines: list[Line], cursor: duckdb.DuckDBPyConnection) -> set[int]:
    """Numbers of the lines that pass a label filter."""
    if isinstance(stage, ast.AllOf):
        return set.intersection(*(_passing(part, lines, cursor) for part in stage.parts))
    if isinstance(stage, ast.AnyOf):
        return set().union(*(_passing(part, lines, cursor) for part in stage.parts))
    if isinstance(stage, ast.Matcher):
        keep = matched_values(stage, {line.labels.get(stage.name, "") for line in lines}, cursor)
        return {number for number, line in enumerate(lines) if line.labels.get(stage.name, "") in keep}
    assert isinstance(stage, ast.NumberFilter)
    return {number for number, line in enumerate(lines) if _number_passes(stage, line)}


def _number_passes(stage: ast.NumberFilter, line: Line) -> bool:
    """A line whose label is no such number passes, marked with an error, as in Loki; one without it does not."""
    text = line.labels.get(stage.name)
    if text is None:
        return False
    if ERROR in line.labels:
        return True
    try:
        value = _READ[stage.unit](text)
    except (ValueError, QueryError):
        line.labels[ERROR] = "LabelFilterErr"
        line.labels[DETAILS] = f"{stage.name} is no {stage.unit}: {text!r}"
        return True
    return _COMPARE[stage.op](value, stage.value)


def _seconds(text: str) -> float:
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration")
    return duration_ns(text) / 1e9 * (-1 if text.startswith("-") else 1)


_READ: dict[str, Callable[[str], float]] = {"number": float, "duration": _seconds, "bytes": size_bytes}


def _set_label(line: Line, name: str, value: str) -> None:
    """A parsed label gives way to an index label of that name and takes another."""
    line.labels[name + "_extracted" if name in line.stream else name] = value


@lru_cache(4096)
def label_of_key(key: str) -> str:
    """A JSON or logfmt key as a label's name."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    return "_" + name if name[:1].isdigit() else name


class _HasFloat(Exception):
    """A number whose own spelling orjson does not keep: 1.50 is not 1.5."""


def _parse_json(line: Line) -> None:
    """Fast where there are whole numbers only, exact otherwise."""
    try:
        labels: dict[str, str] = {}
        found = orjson.loads(line.body)
        _flatten("", found, labels)
    except (_HasFloat, orjson.JSONDecodeError, AttributeError, RecursionError):
        labels = _parse_json_exactly(line)
    for name, value in labels.items():
        _set_label(line, name, value)


def _parse_json_exactly(line: Line) -> dict[str, str]:
    """Numbers as they are spelt; what is no JSON object marks the line with an error."""
    labels: dict[str, str] = {}
    try:
        found = json.loads(line.body, parse_int=str, parse_float=str, parse_constant=str)
        if not isinstance(found, dict):
            raise ValueError("expecting json object")
        _flatten("", found, labels)
    except (ValueError, RecursionError) as error:
        line.labels[ERROR], line.labels[DETAILS] = "JSONParserErr", str(error)
    return labels


def _flatten(prefix: str, found: dict[str, Any], labels: dict[str, str]) -> None:
    """Nested objects join their keys with an underscore; arrays and nulls are left out."""
    for key, value in found.items():
        name = prefix + label_of_key(key)
        if isinstance(value, str):
            labels[name] = value
        elif isinstance(value, bool):
            labels[name] = "true" if value else "false"
        elif isinstance(value, int):
            labels[name] = str(value)
        elif isinstance(value, dict):
            _flatten(name + "_", value, labels)
        elif isinstance(value, float):
            raise _HasFloat


def _parse_logfmt(line: Line) -> None:
    """An empty value is none here; one of JSON is a label that is empty."""
    for key, value in _PAIR.findall(line.body):
        if value[:1] == '"':
            value = re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value[1:-1])
        if value:
            _set_label(line, label_of_key(key), value)


def _format(stage: ast.LineFormat, line: Line) -> str:
    texts, names = stage.parts[::2], stage.parts[1::2]
    filled = [text + line.labels.get(name, "") for text, name in zip(texts, names, strict=False)]
    return "".join([*filled, texts[-1]])
