"""The marketplace's clock: it may run faster than ours, so that a day of labels fits a lesson."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.world import intensity

_MONDAY = datetime(2026, 1, 5)
_WEEK_S = 7 * 86_400.0
# Full swing would take the default 5/s to 12/s of an evening, which two cores cannot serve in time.
_SWING = 0.25
_QUIETEST, _BUSIEST = 0.05, 3.0  # bounds of `intensity` over the week, with room


@dataclass(frozen=True)
class MarketTime:
    """``scale``: marketplace seconds that pass in one of ours (FAULTLINE_TIME_SCALE)."""

    scale: float = 1.0

    def at(self, now: float) -> datetime:
        """Weekday and hour at ``now`` (Unix seconds). It depends on nothing else, so every process agrees."""
        return _MONDAY + timedelta(seconds=(now * self.scale) % _WEEK_S)

    def ours(self, delay: timedelta) -> float:
        """A delay of the marketplace's in our seconds."""
        return delay.total_seconds() / self.scale

    @property
    def busiest(self) -> float:
        """No ``rhythm`` is above this."""
        return 1.0 if self.scale == 1.0 else 1.0 + _SWING * (_BUSIEST - 1.0)

    def rhythm(self, now: float) -> float:
        """Visits relative to the mean, by hour and weekday.

        A clock that is not scaled keeps the rate steady: a benchmark at noon and one at night measure the same.
        """
        if self.scale == 1.0:
            return 1.0
        return 1.0 + _SWING * (min(_BUSIEST, max(_QUIETEST, intensity(self.at(now)))) - 1.0)
