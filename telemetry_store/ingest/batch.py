"""Rows gathered by column, sparse columns included, handed to DuckDB as one Arrow table."""

import uuid
from typing import Any

import duckdb
import pyarrow as pa

from telemetry_store.storage.columns import AttributeColumns

_ARROW = {"s": pa.string(), "i": pa.int64(), "d": pa.float64(), "b": pa.bool_()}
_ARROW |= {"l" + kind: pa.list_(arrow) for kind, arrow in _ARROW.items()}


def _uuids(values: list[bytes | None]) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(values, pa.binary(16)))


class Batch:
    """Rows of one table: `fixed` columns are dense lists filled by the caller, attributes are sparse."""

    def __init__(self, table: str, fixed: dict[str, pa.DataType | None]) -> None:
        """`fixed` maps column to Arrow type; None stands for a 16-byte UUID."""
        self.table = table
        self.fixed: dict[str, list[Any]] = {name: [] for name in fixed}
        self._types = fixed
        self._sparse: dict[tuple[str, str, str], list[Any]] = {}
        self.rows = 0

    def set(self, scope: str, key: str, kind: str, value: Any) -> None:
        """Give the row now being added (number `rows`) an attribute; of two with one key the first counts."""
        column = self._sparse.setdefault((scope, key, kind), [])
        if len(column) <= self.rows:
            column.extend([None] * (self.rows - len(column)))
            column.append(value)

    def extend(self, scope: str, key: str, kind: str, values: list[Any]) -> None:
        """Append to the list the row now being added holds: for attributes of events and links."""
        column = self._sparse.setdefault((scope, key, kind), [])
        if len(column) <= self.rows:
            column.extend([None] * (self.rows - len(column)))
            column.append([])
        column[-1].extend(values)

    def insert(self, cursor: duckdb.DuckDBPyConnection, columns: AttributeColumns) -> int:
        """Write the rows in one transaction; returns how many attribute values found no column."""
        arrays = {name: self._dense(name) for name in self.fixed}
        left_out = 0
        for (scope, key, kind), values in self._sparse.items():
            name = columns.name(scope, key, kind) or columns.add(cursor, self.table, scope, key, kind)
            if name is None:
                left_out += sum(value is not None for value in values)
                continue
            values.extend([None] * (self.rows - len(values)))
            arrays[name] = pa.array(values, _ARROW[kind])
        cursor.register("incoming", pa.table(arrays))
        cursor.execute(f"INSERT INTO {self.table} BY NAME SELECT * FROM incoming")
        cursor.unregister("incoming")
        return left_out

    def _dense(self, name: str) -> pa.Array:
        arrow = self._types[name]
        return _uuids(self.fixed[name]) if arrow is None else pa.array(self.fixed[name], arrow)


def as_hex(value: uuid.UUID) -> str:
    """A UUID column's value as the 32 hex digits of a trace id."""
    return value.hex
