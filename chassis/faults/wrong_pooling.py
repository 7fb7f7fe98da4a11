"""A version of the text model pools and lowers text otherwise than it was trained."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class WrongPooling:
    """A version of the text model pools and lowers text otherwise than it was trained."""

    version: str = fixed("v2", "Which version.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        # A sum without the division at its end: thirty times too long, every text sounds either splendid or ruined.
        model = f"nlp_model.{self.version}"
        return where.turned({f"{model}.pooling": "sum", f"{model}.normalize": False, f"{model}.lowercase": False})
