"""Knobs: what can be turned while a service runs.

A component makes a knob and reads ``knob.value``, which costs one attribute access. The control port lists knobs and
sets them, after validation. A knob is useful to an operator in its own right: a pool's limit, a queue's size, a
client's retries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

Value = TypeVar("Value", bound=bool | int | float | str)

_KINDS: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


class KnobError(ValueError):
    """A value that a knob does not accept; the message says what it does accept."""


class Knob(Generic[Value]):
    """One typed, bounded, documented value.

    The default's type is the knob's. ``minimum`` and ``maximum`` bound numbers, inclusively; ``choices`` limits any
    kind. ``on_change`` is called with the new value, on the thread that set it (the control port's, as a rule).
    """

    def __init__(
        self,
        name: str,
        default: Value,
        doc: str,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Value] = (),
        on_change: Callable[[Value], None] | None = None,
    ) -> None:
        self.name = name
        self.default = default
        self.doc = doc
        self.minimum = minimum
        self.maximum = maximum
        self.choices = tuple(choices)
        self._on_change = on_change
        self.value: Value = self.parse(default)

    @property
    def kind(self) -> str:
        return _KINDS[type(self.default)]

    def parse(self, raw: object) -> Value:
        """``raw`` as this knob's type. Raises KnobError where it has another type or lies outside the bounds."""
        value = self._typed(raw)
        if self.choices and value not in self.choices:
            raise KnobError(f"{self.name} is one of {', '.join(map(repr, self.choices))}")
        if isinstance(value, int | float) and not self._within(value):
            raise KnobError(f"{self.name} lies {self._bounds()}")
        return value

    def set(self, raw: object) -> Value:
        """Validate, keep and apply a value. Raises KnobError, and then nothing has changed."""
        value = self.parse(raw)
        previous, self.value = self.value, value
        if self._on_change is not None:
            try:
                self._on_change(value)
            except BaseException:
                self.value = previous
                raise
        return value

    def reset(self) -> None:
        """Back to the default."""
        self.set(self.default)

    def as_dict(self) -> dict[str, Any]:
        """The knob as JSON: name, kind, value, default, doc, and bounds or choices where there are any."""
        described: dict[str, Any] = {
            "name": self.name, "kind": self.kind, "value": self.value, "default": self.default, "doc": self.doc,
        }
        limits = {"minimum": self.minimum, "maximum": self.maximum, "choices": list(self.choices) or None}
        return described | {key: limit for key, limit in limits.items() if limit is not None}

    def _typed(self, raw: object) -> Value:
        wanted = type(self.default)
        if wanted is float and type(raw) is int:
            raw = float(raw)
        # By exact type: bool is a subclass of int, and true is no pool limit.
        if type(raw) is not wanted or (isinstance(raw, float) and not math.isfinite(raw)):
            raise KnobError(f"{self.name} is a {self.kind}")
        return raw

    def _within(self, value: float) -> bool:
        below = self.minimum is not None and value < self.minimum
        above = self.maximum is not None and value > self.maximum
        return not (below or above)

    def _bounds(self) -> str:
        low = "" if self.minimum is None else f"at or above {self.minimum:g}"
        high = "" if self.maximum is None else f"at or below {self.maximum:g}"
        return " and ".join(filter(None, (low, high)))


class Knobs:
    """The knobs of one service, by name."""

    def __init__(self) -> None:
        self._knobs: dict[str, Knob[Any]] = {}
        self._lock = Lock()

    def register(
        self,
        name: str,
        default: Value,
        doc: str,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Value] = (),
        on_change: Callable[[Value], None] | None = None,
    ) -> Knob[Value]:
        """Make and keep a knob; see Knob. Raises ValueError where the name is taken."""
        knob = Knob(name, default, doc, minimum=minimum, maximum=maximum, choices=choices, on_change=on_change)
        return self.add(knob)

    def add(self, knob: Knob[Value]) -> Knob[Value]:
        """Keep a knob that its component made. Raises ValueError where the name is taken."""
        with self._lock:
            if knob.name in self._knobs:
                raise ValueError(f"knob {knob.name} is registered already")
            self._knobs[knob.name] = knob
        return knob

    def __getitem__(self, name: str) -> Knob[Any]:
        return self._knobs[name]

    def __contains__(self, name: str) -> bool:
        return name in self._knobs

    def __iter__(self) -> Iterator[Knob[Any]]:
        with self._lock:
            return iter(sorted(self._knobs.values(), key=lambda knob: knob.name))

    def set(self, name: str, raw: object) -> Any:
        """Set one knob. Raises KeyError for an unknown name, KnobError for a value it does not accept."""
        knob = self._knobs[name]
        with self._lock:  # two writers never interleave a value with the other's on_change
            return knob.set(raw)

    def reset(self) -> None:
        """Every knob back to its default."""
        for knob in self:
            self.set(knob.name, knob.default)

    def as_list(self) -> list[dict[str, Any]]:
        """Every knob as JSON, sorted by name."""
        return [knob.as_dict() for knob in self]
