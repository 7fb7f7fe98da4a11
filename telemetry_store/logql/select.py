"""Streams by their matchers, and the statement that reads their lines."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson

from telemetry_store.errors import QueryError
from telemetry_store.logql import ast
from telemetry_store.storage.patterns import check_patterns, full_matches
from telemetry_store.storage.registry import Registry

EMPTY_MATCHERS = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
Streams = dict[int, dict[str, str]]


def all_streams(registry: Registry) -> Streams:
    """Every stream's labels by its number."""
    return {number: orjson.loads(labels) for number, (labels,) in registry.all()}


def matching_streams(
    matchers: tuple[ast.Matcher, ...], registry: Registry, cursor: duckdb.DuckDBPyConnection
) -> Streams:
    """Streams that meet every matcher; raises QueryError where all of them would match a stream without labels."""
    found = all_streams(registry)
    selective = False
    for matcher in matchers:
        keep = matched_values(matcher, {labels.get(matcher.name, "") for labels in found.values()} | {""}, cursor)
        selective |= "" not in keep and matcher.op in {"=", "=~"}
        found = {number: labels for number, labels in found.items() if labels.get(matcher.name, "") in keep}
    if not selective:
        raise QueryError(EMPTY_MATCHERS)
    return found


def matched_values(matcher: ast.Matcher, values: set[str], cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """Those of `values` the matcher accepts."""
    is_plain = matcher.op in {"=", "!="}
    equal = values & {matcher.value} if is_plain else full_matches(cursor, matcher.value, values)
    return values - equal if matcher.op.startswith("!") else equal


@dataclass
class LineSelect:
    """Stages that DuckDB can decide become SQL; the others are left for Python, in their order."""

    streams: Streams
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    stages: list[ast.Stage] = field(default_factory=list)

    @classmethod
    def of(cls, query: ast.LogQuery, registry: Registry, cursor: duckdb.DuckDBPyConnection) -> "LineSelect":
        """The plan for a log query; raises QueryError for a bad pattern."""
        plan = cls(matching_streams(query.matchers, registry, cursor))
        plan.conditions.append(f"stream_no IN (SELECT unnest({plan._value(list(plan.streams))}::INTEGER[]))")
        parsed = reformatted = False
        for stage in query.stages:
            parsed |= isinstance(stage, ast.JsonParser | ast.LogfmtParser)
            reformatted |= isinstance(stage, ast.LineFormat)
            if isinstance(stage, ast.LineFilter) and not reformatted:
                plan.conditions.append(plan._line_filter(stage))
            elif isinstance(stage, ast.Matcher) and not parsed and plan._is_metadata(stage.name):
                plan.conditions.append(plan._matcher(stage))
            else:
                plan.stages.append(stage)
        check_patterns(cursor, plan.patterns)
        return plan

    @property
    def where(self) -> str:
        """The conditions, as SQL over `lines`."""
        return " AND ".join(self.conditions)

    def between(self, start: int, end: int, closed: str) -> "LineSelect":
        """Add the time window; `closed` is "[)" or "(]"."""
        first, last = (">=", "<") if closed == "[)" else (">", "<=")
        self.conditions.append(f"time {first} {self._value(start)} AND time {last} {self._value(end)}")
        return self

    def _value(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _is_metadata(self, name: str) -> bool:
        """Whether no stream has the label, so that it can only come from the line's metadata."""
        return not name.startswith("__") and not any(name in labels for labels in self.streams.values())

    def _line_filter(self, stage: ast.LineFilter) -> str:
        if stage.op in {"|=", "!="}:
            parts = [f"contains(body, {self._value(text)})" for text in stage.operands]
        else:
            self.patterns += stage.operands
            parts = [f"regexp_matches(body, {self._value(pattern)}, 's')" for pattern in stage.operands]
        either = f"({' OR '.join(parts)})"
        return f"NOT {either}" if stage.op.startswith("!") else either

    def _matcher(self, stage: ast.Matcher) -> str:
        if stage.name == "trace_id" and stage.op == "=" and (trace_id := _trace_id(stage.value)):
            return f"trace_id = {self._value(trace_id)}"
        if stage.op in {"=", "!="} and stage.value:
            # Metadata is compact JSON of strings, and quotes inside strings are escaped: this text is there exactly
            # where the pair is, and looking for it takes a tenth of the time of reading the JSON.
            pair = orjson.dumps({stage.name: stage.value}).decode()[1:-1]
            found = f"contains(metadata, {self._value(pair)})"
            return found if stage.op == "=" else f"NOT {found}"
        label = f"coalesce(json_extract_string(metadata, '$.\"{stage.name}\"'), '')"
        if stage.op in {"=", "!="}:
            return f"{label} {'=' if stage.op == '=' else '<>'} ''"
        self.patterns.append(stage.value)
        match = f"regexp_full_match({label}, {self._value(stage.value)}, 's')"
        return match if stage.op == "=~" else f"NOT {match}"


def _trace_id(text: str) -> uuid.UUID | None:
    if len(text) != 32 or text != text.lower() or set(text) - set("0123456789abcdef"):
        return None
    return uuid.UUID(hex=text)
