"""What a fault is: a dataclass whose fields are its parameters, with one method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Protocol, TypeVar, runtime_checkable

from chassis.knobs import KnobError, Knobs

Number = TypeVar("Number", int, float)
_KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


class FaultRefused(ValueError):
    """A fault that cannot be had here or with these parameters; the message says why."""


@dataclass(frozen=True)
class Where:
    """The process a fault is to act in, and for which of its requests (``applies``; None: all of them)."""

    knobs: Knobs
    applies: Callable[[], bool] | None = None

    @contextmanager
    def turned(self, values: Mapping[str, object]) -> Iterator[None]:
        """These knobs turned for the length of the block: all of them, or none. Raises FaultRefused."""
        with ExitStack() as stack:
            for name, value in values.items():
                try:
                    stack.callback(self.knobs.lay_over(name, value, self.applies))
                except KeyError:
                    raise FaultRefused(f"this service has no {name}") from None
                except KnobError as error:
                    raise FaultRefused(str(error)) from error
            yield

    def whole(self) -> None:
        """Raises FaultRefused where only a share of the requests is meant: this acts on the process."""
        if self.applies is not None:
            raise FaultRefused("this acts on the whole process, not on a share of its requests")


@runtime_checkable
class Fault(Protocol):
    """One method; the block is the fault's life. Entering raises FaultRefused where it cannot be."""

    def active(self, where: Where) -> AbstractContextManager[object]: ...


def dial(least: Number, most: Number, doc: str) -> Any:
    """A parameter that intensity moves: ``least`` close to 0, ``most`` at 1, which is also its default."""
    return field(default=most, metadata={"doc": doc, "least": least})


def fixed(default: Any, doc: str) -> Any:
    """A parameter that intensity leaves alone."""
    return field(default=default, metadata={"doc": doc})


def make(kind: type[Any], parameters: Mapping[str, object], intensity: float) -> Fault:
    """The fault of that class: given parameters as they are, the others by intensity. Raises FaultRefused."""
    known = {each.name: each for each in fields(kind)}
    for name in parameters.keys() - known.keys():
        raise FaultRefused(f"there is no parameter {name[:50]!r}; there are {', '.join(known) or 'none'}")
    values = {name: _dialled(each, intensity) for name, each in known.items() if name not in parameters}
    values |= {name: _checked(known[name], value) for name, value in parameters.items()}
    fault = kind(**values)
    assert isinstance(fault, Fault)
    return fault


def describe(kind: type[Any]) -> dict[str, Any]:
    """A fault's class as JSON: what it does, and its parameters."""
    return {
        "does": (kind.__doc__ or "").strip().splitlines()[0],
        "parameters": {
            each.name: {
                "kind": str(each.type),
                "default": _default(each),
                "doc": each.metadata.get("doc", ""),
                **({"least": each.metadata["least"]} if "least" in each.metadata else {}),
            }
            for each in fields(kind)
        },
    }


def _default(each: Field[Any]) -> object:
    return None if each.default is MISSING else each.default


def _dialled(each: Field[Any], intensity: float) -> Any:
    if each.default is MISSING:
        raise FaultRefused(f"the parameter {each.name} is needed: {each.metadata.get('doc', '')}")
    if "least" not in each.metadata:
        return each.default
    least, most = each.metadata["least"], each.default
    value = least + (most - least) * intensity
    return round(value) if isinstance(most, int) else value


def _checked(each: Field[Any], value: object) -> object:
    wanted = _KINDS.get(str(each.type))
    if wanted is float and type(value) is int:
        value = float(value)
    if (wanted is not None and type(value) is not wanted) or (isinstance(value, float) and not math.isfinite(value)):
        raise FaultRefused(f"{each.name} is a {each.type}")
    return value
