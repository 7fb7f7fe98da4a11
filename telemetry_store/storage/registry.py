"""Small tables of things that repeat (resources with their scope, label sets), each known by a number."""

import duckdb


class Registry:
    """Numbers of the distinct rows of `table` over `columns`. Written by the writer's thread only, read by all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]) -> None:
        self._number = table.removesuffix("s") + "_no"
        self._table, self._columns = table, columns
        rows = connection.execute(f"SELECT {self._number}, {', '.join(columns)} FROM {table}").fetchall()
        self._numbers = {tuple(values): number for number, *values in rows}
        self._values = {number: values for values, number in self._numbers.items()}
        self._next = max(self._values, default=0) + 1

    def find(self, *values: bytes) -> int | None:
        """The number of a row, or None."""
        return self._numbers.get(values)

    def values(self, number: int) -> tuple[bytes, ...]:
        """The row with this number; raises KeyError where there is none."""
        return self._values[number]

    def all(self) -> list[tuple[int, tuple[bytes, ...]]]:
        """Every row with its number."""
        return list(self._values.items())

    def add(self, connection: duckdb.DuckDBPyConnection, values: tuple[bytes, ...], more: dict[str, object]) -> int:
        """Insert a row, with further columns `more`, and return its number. Only the writer calls this."""
        number, self._next = self._next, self._next + 1
        row = {self._number: number, **dict(zip(self._columns, values, strict=True)), **more}
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {self._table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        self._values[number] = values
        self._numbers[values] = number
        return number
