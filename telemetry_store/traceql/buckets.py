"""Quantiles from power-of-two buckets, as Tempo computes them.

Tempo counts each value in the bucket whose upper edge is the next power of two (of nanoseconds, for durations)
and interpolates exponentially between its edges: coarse, but it adds up over any number of machines. As the lower
edge it takes the upper one of the bucket before that holds any value, however far below that is.
"""

import math

HIGHEST = 1023  # exponent of the largest power of two that a float holds


def bucket_of(value: float) -> int:
    """The exponent of the smallest power of two that is not below a finite `value`; -1 for what is below 1 (counted
    as 0)."""
    return min(HIGHEST, math.ceil(math.log2(value))) if value >= 1 else -1


def quantile(p: float, buckets: dict[int, int]) -> float:
    """The value below which a share `p` lies, given counts by bucket exponent; 0.0 without any."""
    total = sum(buckets.values())
    if not total:
        return 0.0
    wanted = max(1, math.ceil(p * total))
    before, low = 0, -1
    for exponent, count in sorted(buckets.items()):
        if before + count >= wanted:
            return _within(low if low >= 0 else exponent - 1, exponent, (wanted - before) / count)
        before, low = before + count, exponent
    raise AssertionError("the counts add up to the total")


def _within(low: int, high: int, share: float) -> float:
    return 2.0 ** (low + (high - low) * share) if high >= 0 else 0.0
