"""A version of the photo model computes in half precision, which overflows on some photos."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class HalfPrecision:
    """A version of the photo model computes in half precision, which overflows on some photos."""

    version: str = fixed("v2", "Which version.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"cv_model.{self.version}.precision": "float16"})
