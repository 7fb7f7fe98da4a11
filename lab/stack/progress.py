"""How a start tells how far it is, without knowing whether anyone watches."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about every step and every change of a program."""

    def step(self, text: str) -> None:
        """A step of the whole start."""

    def waiting(self, name: str, reason: str) -> None:
        """A program is not ready yet, and why; called when the reason changes."""

    def ready(self, name: str, seconds: float) -> None:
        """A program became ready so many seconds after the start."""


class Silent:
    """Nobody watches."""

    def step(self, text: str) -> None: ...

    def waiting(self, name: str, reason: str) -> None: ...

    def ready(self, name: str, seconds: float) -> None: ...
