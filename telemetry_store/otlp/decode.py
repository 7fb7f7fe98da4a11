"""OTLP messages from protobuf and from OTLP's JSON, which writes ids in hex."""

import base64
from collections.abc import Iterator
from typing import Any, TypeVar

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from telemetry_store.otlp.body import BodyError

AnyMessage = TypeVar("AnyMessage", bound=Message)
# Where OTLP's JSON mapping departs from protobuf's: these bytes fields hold hex, not base64.
_HEX_FIELDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def decode(body: bytes, content_type: str, message: AnyMessage) -> AnyMessage:
    """Fill `message` from `body`; raises BodyError where it does not parse or the type is unknown."""
    if content_type == "application/x-protobuf":
        return _from_protobuf(body, message)
    if content_type == "application/json":
        return _from_json(body, message)
    raise BodyError(415, f"content type {content_type!r} is not supported")


def _from_protobuf(body: bytes, message: AnyMessage) -> AnyMessage:
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise BodyError(400, f"the body is no {message.DESCRIPTOR.name}: {error}") from error
    return message


def _from_json(body: bytes, message: AnyMessage) -> AnyMessage:
    try:
        content = orjson.loads(body)
        if not isinstance(content, dict):
            raise ValueError("it has to be an object")
        _convert_ids(content)
        return ParseDict(content, message, ignore_unknown_fields=True)
    except (ValueError, ParseError, RecursionError, TypeError, AttributeError) as error:
        raise BodyError(400, f"the body is no {message.DESCRIPTOR.name} in JSON: {error}") from error


def _objects(root: Any) -> Iterator[dict[str, Any]]:
    """Every object inside `root`, without recursion, so that deep nesting cannot exhaust the stack."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _convert_ids(content: Any) -> None:
    for node in _objects(content):
        for name in _HEX_FIELDS:
            if isinstance(value := node.get(name), str):
                node[name] = base64.b64encode(bytes.fromhex(value)).decode()
