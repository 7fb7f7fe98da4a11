"""OTLP attribute values as Python values with their kind of column."""

import base64
from decimal import Decimal
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_SCALARS = {"string_value": "s", "int_value": "i", "double_value": "d", "bool_value": "b"}


def typed(value: AnyValue) -> tuple[str, Any] | None:
    """(kind, Python value) of a scalar or of an array of one scalar type; None for what has no column."""
    which = value.WhichOneof("value")
    if which in _SCALARS:
        return _SCALARS[which], getattr(value, which)
    if which == "array_value":
        return _typed_array(value)
    return None


def _typed_array(value: AnyValue) -> tuple[str, Any] | None:
    parts = [typed(part) for part in value.array_value.values]
    kinds = {part[0] if part else "" for part in parts}
    if len(kinds) != 1 or not kinds <= set("sidb"):
        return None
    return "l" + kinds.pop(), [part[1] for part in parts if part]


def plain(value: AnyValue) -> Any:
    """The value as what JSON would hold; bytes as base64."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return [plain(part) for part in value.array_value.values]
    if which == "kvlist_value":
        return {part.key: plain(part.value) for part in value.kvlist_value.values}
    if which == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, which) if which else None


def text(value: AnyValue) -> str:
    """The value as Loki's structured metadata writes it: JSON for arrays and maps, Go's words for booleans."""
    found = plain(value)
    if isinstance(found, str):
        return found
    if isinstance(found, float):
        return format_float(found)
    return "" if found is None else orjson.dumps(found).decode()


def format_float(number: float) -> str:
    """Shortest decimal without exponent, as Go's FormatFloat(x, 'f', -1, 64) writes it."""
    if number != number or number in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(number)]
    shortest = repr(float(number))
    if "e" in shortest:
        shortest = format(Decimal(shortest), "f")
    return shortest.removesuffix(".0")
