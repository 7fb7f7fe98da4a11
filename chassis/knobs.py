"""Knobs: what can be turned while a service runs.

A component makes a knob and reads ``knob.value``, which costs one attribute access. The control port lists knobs and
sets them, after validation. A knob is useful to an operator in its own right: a pool's limit, a queue's size, a
client's retries. What is laid over a knob for a while leaves the set value untouched below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

Value = TypeVar("Value", bound=bool | int | float | str)

_KINDS: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


class KnobError(ValueError):
    """A value that a knob does not accept; the message says what it does accept."""


@dataclass(frozen=True, eq=False)
class Override:
    """A value laid over a knob's own; ``applies`` says for which requests, None for all of them."""

    value: Any
    applies: Callable[[], bool] | None = None


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
        self.own: Value = self.parse(default)
        self._overrides: list[Override] = []
        self.value: Value = self.own

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
        previous, self.own = self.own, value
        try:
            self._apply()
        except BaseException:
            self.own = previous
            self._apply()
            raise
        return value

    def lay_over(self, raw: object, applies: Callable[[], bool] | None = None) -> Override:
        """Let a value hold until ``take_back``; the latest of several wins. Raises KnobError."""
        if applies is not None and self._on_change is not None:
            raise KnobError(f"{self.name} holds for the whole process, not for a share of its requests")
        override = Override(self.parse(raw), applies)
        self._overrides.append(override)
        try:
            self._apply()
        except BaseException:
            self.take_back(override)
            raise
        return override

    def take_back(self, override: Override) -> None:
        """End one override; the others, and the knob's own value, hold on."""
        self._overrides.remove(override)
        self._apply()

    def _apply(self) -> None:
        """Make the value that holds the one that is read, and tell the component where it has changed."""
        partial = any(override.applies for override in self._overrides)
        self.__class__ = _PartlyOverridden if partial else Knob
        before, now = self.__dict__["value"], self._overrides[-1].value if self._overrides else self.own
        self.__dict__["value"] = now
        if self._on_change is not None and now != before:
            try:
                self._on_change(now)
            except BaseException:
                self.__dict__["value"] = before
                raise

    def reset(self) -> None:
        """Back to the default."""
        self.set(self.default)

    def as_dict(self) -> dict[str, Any]:
        """The knob as JSON: name, kind, value, default, doc, and bounds or choices where there are any."""
        described: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "value": self.__dict__["value"],
            "default": self.default,
            "doc": self.doc,
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


class _PartlyOverridden(Knob[Any]):
    """A knob while an override holds for some requests only: the price of asking is paid by it alone."""

    @property
    def value(self) -> Any:
        for override in reversed(self._overrides):
            if override.applies is None or override.applies():
                return override.value
        return self.own


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

    def share(self, name: str, default: Value, doc: str, **limits: Any) -> Knob[Value]:
        """The knob of this name, made where there is none yet: several of a kind may read one knob."""
        return self._knobs[name] if name in self._knobs else self.register(name, default, doc, **limits)

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

    def lay_over(self, name: str, raw: object, applies: Callable[[], bool] | None = None) -> Callable[[], None]:
        """Override one knob, and how to end that. Raises KeyError for an unknown name, KnobError for a bad value."""
        knob = self._knobs[name]
        with self._lock:
            override = knob.lay_over(raw, applies)

        def take_back() -> None:
            with self._lock:
                knob.take_back(override)

        return take_back

    def reset(self) -> None:
        """Every knob back to its default."""
        for knob in self:
            self.set(knob.name, knob.default)

    def as_list(self) -> list[dict[str, Any]]:
        """Every knob as JSON, sorted by name."""
        return [knob.as_dict() for knob in self]
