"""Which traces can match, decided by DuckDB: the rest never reaches Python."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from telemetry_store.http import Query
from telemetry_store.storage.patterns import check_patterns
from telemetry_store.traceql import ast
from telemetry_store.traceql.sql import TRACES, SqlBuilder

MOST_AT_ONCE = 1000  # traces fetched at a time: what they hold has to fit into memory
_SQL_OPS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True)
class Window:
    """Nanoseconds since the epoch, both ends included; a trace counts where a matching span touches it."""

    start: int = 0
    end: int = 2**63 - 1


class Candidates:
    """The statement that finds candidate traces, newest first."""

    def __init__(self, pipeline: ast.Pipeline, window: Window, query: Query) -> None:
        """Raises QueryError for a pattern RE2 does not take."""
        self._query = query
        self._builder = SqlBuilder(query.database.columns)
        self._conditions: list[ast.Expression | None] = []
        matches = self._trace_matches(pipeline)
        masks = [self._builder.condition(condition) for condition in self._conditions]
        check_patterns(query.cursor, self._builder.patterns)
        times = f"s.start <= {self._builder.value(window.end)} AND s.start + s.duration >= "
        times += self._builder.value(window.start)
        self._sql = self._statement(masks, times, matches, pipeline)

    def chunks(self, first: int) -> Iterator[list[uuid.UUID]]:
        """Trace ids, newest first: `first` of them, then ever more, until there are none."""
        rows, size = self._builder.execute(self._query.scanner, self._sql), first
        while found := rows.fetchmany(size):
            yield [row[0] for row in found]
            size = min(size * 3, MOST_AT_ONCE)

    def _statement(self, masks: list[str], times: str, matches: str, pipeline: ast.Pipeline) -> str:
        # Of one condition alone, every row that is left meets it.
        shown = masks if len(masks) > 1 else ["true"]
        columns = "".join(f", {mask} AS m{number}" for number, mask in enumerate(shown))
        any_mask = " OR ".join(masks) or "true"
        traces = f"{TRACES}, " if self._builder.needs_traces else ""
        join = "JOIN t USING (trace_id)" if self._builder.needs_traces else ""
        origins = "JOIN origins o USING (origin_no)" if "o." in any_mask else ""
        rows = f"""SELECT s.trace_id AS id, s.span_id AS span_id, s.parent_id AS parent_id, s.start AS start,
            s.duration AS duration{columns} FROM spans s {origins} {join} WHERE {times} AND ({any_mask})"""
        if pair := self._parent_and_child(pipeline):
            return f"""WITH {traces}m AS MATERIALIZED ({rows}) SELECT c.id FROM m c JOIN m p
                ON c.id = p.id AND c.parent_id = p.span_id WHERE p.{pair[0]} AND c.{pair[1]}
                GROUP BY c.id ORDER BY max(c.start) DESC, c.id"""
        return f"""WITH {traces}m AS ({rows})
            SELECT id FROM m GROUP BY id HAVING {matches} ORDER BY max(start) DESC, id"""

    def _parent_and_child(self, pipeline: ast.Pipeline) -> tuple[str, str] | None:
        """The masks of parent and child where the query begins with one of `>` and `<` between two filters."""
        source = pipeline.source
        if not isinstance(source, ast.Combined) or source.op not in {">", "<"}:
            return None
        left, right = source.left, source.right
        if not isinstance(left, ast.Filter) or not isinstance(right, ast.Filter):
            return None
        masks = self._mask(left), self._mask(right)
        return masks if source.op == ">" else (masks[1], masks[0])

    def _trace_matches(self, part: ast.Spansets) -> str:
        """What must hold of a trace's rows for the trace to match: necessary, not always sufficient."""
        if isinstance(part, ast.Filter):
            return f"bool_or({self._mask(part)})"
        if isinstance(part, ast.Combined):
            left, right = self._trace_matches(part.left), self._trace_matches(part.right)
            if part.op.startswith("!"):
                return right
            return f"({left} {'OR' if part.op == '||' else 'AND'} {right})"
        return self._pipeline_matches(part)

    def _mask(self, part: ast.Filter) -> str:
        if part.condition not in self._conditions:
            self._conditions.append(part.condition)
        return f"m{self._conditions.index(part.condition)}"

    def _pipeline_matches(self, pipeline: ast.Pipeline) -> str:
        found = self._trace_matches(pipeline.source)
        first = pipeline.stages[0] if pipeline.stages else None
        if isinstance(pipeline.source, ast.Filter) and isinstance(first, ast.ScalarFilter):
            found += self._aggregate_matches(first, self._mask(pipeline.source))
        return found

    def _aggregate_matches(self, stage: ast.ScalarFilter, mask: str) -> str:
        """The commonest aggregates are decided here: how many spans, and their durations.

        A span stored twice counts twice here, so only what more rows cannot undo is asked.
        """
        operand, op = stage.aggregate.operand, stage.op
        value = self._builder.value(stage.value.value)
        if operand is None and op in {">", ">=", "="}:
            return f" AND count(*) FILTER ({mask}) {'>=' if op == '=' else op} {value}"
        if (
            isinstance(operand, ast.Intrinsic)
            and operand.name == "span:duration"
            and stage.aggregate.name in {"min", "max"}
        ):
            return f" AND {stage.aggregate.name}(duration) FILTER ({mask}) {_SQL_OPS[op]} {value}"
        return ""
