"""What may be moved in the world, by name: the causes behind drift, late labels and a unit mistake."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shifts:
    """Named changes to the generators. The defaults change nothing; every field can be used on its own.

    A shift changes what is *observed* (sessions, photos, units, labels) or how people *act* (a segment that no longer
    converts). It never redraws the world: listing L000001 stays the same house.
    """

    session_duration: float = 0.0
    """Added to the logarithm of each session's duration, in standard deviations between users."""
    items_viewed: float = 0.0
    """Added to the logarithm of each session's items viewed, in standard deviations between users."""
    dark_photos: float = 0.0
    """Share of listings (0 to 1) whose photo is a dark, noisy phone photo."""
    stopped_segment: str | None = None
    """A segment that stops converting; its features do not change."""
    label_delay: float = 1.0
    """Factor on the time until an outcome is known."""
    area_factor: float = 1.0
    """Factor on the areas served; 10.7639 serves square feet under a name that says square metres."""
    price_level: float = 1.0
    """Factor on what listings sell for; asking prices stay where they are."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.dark_photos <= 1.0:
            raise ValueError(f"dark_photos is a share from 0 to 1, not {self.dark_photos}")
        for name in ("label_delay", "area_factor", "price_level"):
            if getattr(self, name) <= 0.0:
                raise ValueError(f"{name} is a factor above 0, not {getattr(self, name)}")
