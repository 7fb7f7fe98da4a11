"""Regular expressions run in DuckDB's RE2: the engine Tempo and Loki use, linear in time whatever the pattern."""

from collections.abc import Iterable

import duckdb

from telemetry_store.errors import QueryError


def check_patterns(cursor: duckdb.DuckDBPyConnection, patterns: Iterable[str]) -> None:
    """Raises QueryError for the first pattern that RE2 does not take."""
    for pattern in patterns:
        try:
            cursor.execute("SELECT regexp_full_match('', $1, 's')", [pattern]).fetchall()
        except (duckdb.InvalidInputException, duckdb.BinderException) as error:
            raise QueryError(f"error parsing regexp: {error}: `{pattern}`") from error


def full_matches(cursor: duckdb.DuckDBPyConnection, pattern: str, values: Iterable[str]) -> set[str]:
    """Those of `values` that `pattern` matches as a whole."""
    return _matching(cursor, "regexp_full_match(v, $2, 's')", pattern, values)


def partial_matches(cursor: duckdb.DuckDBPyConnection, pattern: str, values: Iterable[str]) -> set[str]:
    """Those of `values` in which `pattern` matches somewhere."""
    return _matching(cursor, "regexp_matches(v, $2, 's')", pattern, values)


def _matching(cursor: duckdb.DuckDBPyConnection, condition: str, pattern: str, values: Iterable[str]) -> set[str]:
    check_patterns(cursor, [pattern])
    sql = f"SELECT v FROM (SELECT unnest($1::VARCHAR[]) AS v) WHERE {condition}"
    return {row[0] for row in cursor.execute(sql, [sorted(set(values)), pattern]).fetchall()}
