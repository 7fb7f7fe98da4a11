"""io.prometheus.client's messages, as far as native histograms need them, built from a declared schema.

No kept package on PyPI holds them. Numbers and types are those of prometheus/client_model's metrics.proto.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_PACKAGE = "io.prometheus.client"
_TYPES = {
    "string": 9, "double": 1, "uint64": 4, "uint32": 13, "sint32": 17, "sint64": 18, "enum": 14, "message": 11,
}  # fmt: skip
HISTOGRAM = 4  # MetricType

# message: {field: (number, type, "*" where repeated)}; a type with a capital letter is another message.
_SCHEMA: dict[str, dict[str, tuple[int, str, str]]] = {
    "LabelPair": {"name": (1, "string", ""), "value": (2, "string", "")},
    "Exemplar": {
        "label": (1, "LabelPair", "*"), "value": (2, "double", ""), "timestamp": (3, "google.protobuf.Timestamp", ""),
    },
    "Bucket": {
        "cumulative_count": (1, "uint64", ""), "upper_bound": (2, "double", ""), "exemplar": (3, "Exemplar", ""),
    },
    "BucketSpan": {"offset": (1, "sint32", ""), "length": (2, "uint32", "")},
    "Histogram": {
        "sample_count": (1, "uint64", ""), "sample_sum": (2, "double", ""), "bucket": (3, "Bucket", "*"),
        "schema": (5, "sint32", ""), "zero_threshold": (6, "double", ""), "zero_count": (7, "uint64", ""),
        "negative_span": (9, "BucketSpan", "*"), "negative_delta": (10, "sint64", "*"),
        "positive_span": (12, "BucketSpan", "*"), "positive_delta": (13, "sint64", "*"),
    },
    "Metric": {"label": (1, "LabelPair", "*"), "histogram": (7, "Histogram", "")},
    "MetricFamily": {
        "name": (1, "string", ""), "help": (2, "string", ""),
        "type": (3, "MetricType", ""), "metric": (4, "Metric", "*"),
    },
}  # fmt: skip


@cache
def message_class(name: str) -> Any:
    """The class of message `name`, e.g. "MetricFamily"."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """A pool of its own, so that a generated module of the same package could live beside it."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(_file().SerializeToString())
    return pool


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="io/prometheus/client/metrics.proto", package=_PACKAGE, syntax="proto2",
        dependency=["google/protobuf/timestamp.proto"],
    )  # fmt: skip
    kinds = file.enum_type.add(name="MetricType")
    for number, name in enumerate(("COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM")):
        kinds.value.add(name=name, number=number)
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            _add_field(message, field, number, kind, 3 if repeated else 1)
    return file


def _add_field(message: Any, name: str, number: int, kind: str, label: int) -> None:
    field = message.field.add(name=name, number=number, label=label)
    if kind in _TYPES:
        field.type = _TYPES[kind]
        return
    field.type = _TYPES["enum"] if kind == "MetricType" else _TYPES["message"]
    field.type_name = f".{kind}" if "." in kind else f".{_PACKAGE}.{kind}"
