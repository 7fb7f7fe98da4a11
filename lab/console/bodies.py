"""What the changing calls take. Every body is checked whole; what is wrong with it is told field by field."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from starlette.requests import Request

from lab.console.problems import Problem

MOST_BYTES = 256_000
_MOST_PIN_BYTES = 16_000
_MOST_TEXT = 4_000
T = TypeVar("T")

Name = Annotated[str, Field(max_length=100)]
Text = Annotated[str, Field(max_length=_MOST_TEXT)]
TraceId = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{0,32}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """Nothing unknown, and no number in a string."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FaultAsk(Body):
    """A fault asked for; what it may be is the catalogue's to say."""

    fault: Name
    at: Name = ""
    instance: Name = ""
    intensity: Number = 1.0
    share: Number = 1.0
    segment: Name = ""
    seconds: Number = 60.0


class DrillAsk(Body):
    """A drill asked for."""

    level: int = Field(ge=1, le=5)
    seed: int | None = Field(None, ge=0, lt=1_000_000_000)
    count: int = Field(1, ge=1, le=20)
    patience: Number = Field(90.0, ge=0, le=90)


class AnswerAsk(Body):
    """What a player says of one cause."""

    kind: Annotated[Name, Field(min_length=1)]
    service: Name = ""
    operation: Name = ""
    trace_id: TraceId = ""
    text: Text = ""


class ActAsk(Body):
    """What a player does. ``rate`` for shed, ``replicas`` for scale."""

    act: Name
    target: Name = ""
    rate: Number = Field(4.0, ge=0.1, le=1_000)
    replicas: int = Field(2, ge=1, le=20)


class Pin(BaseModel):
    """Evidence that a player keeps; what else a page notes with it is kept as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    kind: Literal["trace", "span", "log", "chart"]
    title: Text = ""
    url: Annotated[Text, BeforeValidator(lambda value: _own_path(value))] = ""

    @model_validator(mode="after")
    def _is_small(self) -> Pin:
        if len(json.dumps(self.model_dump())) > _MOST_PIN_BYTES:
            raise ValueError(f"a pin is at most {_MOST_PIN_BYTES} bytes")
        return self


class Notebook(Body):
    """All pins of the running drill."""

    pins: list[Pin] = Field(max_length=200)


class GamedayAnswer(Body):
    """What a player says on a game day."""

    kind: Annotated[Name, Field(min_length=1)]
    service: Name = ""
    operation: Name = ""


class StepAsk(Body):
    """The alert's labels; those of the firing alert where they are left out."""

    labels: dict[Name, Text] | None = Field(None, max_length=50)


class Nothing(Body):
    """A body that says nothing."""


ONE_OR_MORE_ANSWERS: TypeAdapter[AnswerAsk | list[AnswerAsk]] = TypeAdapter(
    AnswerAsk | Annotated[list[AnswerAsk], Field(min_length=1, max_length=3)]
)


async def read(request: Request, model: type[T] | TypeAdapter[T]) -> T:
    """The request's body as ``model``; no body is an empty object. Raises Problem (413, 415, 422)."""
    raw = await _bytes(request)
    if raw and request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Problem(415, "The body is not declared as JSON.", "Send Content-Type: application/json.")
    return validated(raw or b"{}", model if isinstance(model, TypeAdapter) else TypeAdapter(model))


def validated(raw: bytes, adapter: TypeAdapter[T]) -> T:
    """JSON as what ``adapter`` takes. Raises Problem (422), field by field."""
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise Problem(422, "The body is not what this call takes.", errors=_told(error)) from error


async def _bytes(request: Request) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MOST_BYTES:
            raise Problem(413, f"A body is at most {MOST_BYTES} bytes.", headers={"Connection": "close"})
    return bytes(parts)


def _told(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(map(str, each["loc"])), "message": each["msg"]}
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ][:20]


def _own_path(value: Any) -> Any:
    """A pin opens one of the console's own pages."""
    if isinstance(value, str) and value and (not value.startswith("/") or value.startswith(("//", "/\\"))):
        raise ValueError("a path of the console")
    return value
