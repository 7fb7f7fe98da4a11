"""High-cardinality values before they become a label: the most frequent keep their names, the rest are ``other``."""

from __future__ import annotations

OTHER = "other"
_PLACES = 10  # counted values for each one that is named
_RANK_EVERY = 1_000


class TopK:
    """Names for at most ``k`` values at a time.

    The first k that come are named at once. Once in a thousand values they are ranked by how often they came, and
    those that have fallen behind give their names up. Each value that was ever named leaves a series behind, so no
    more than ``lifetime`` (default 2 k) are named in the life of a process: that, and ``other``, bounds the label.

    Counting is Space-Saving (Metwally, Agrawal and El Abbadi, 2005) in 10 k places: a value that makes up more than
    one in 10 k of all is never missed, however many others there are. Not thread-safe.
    """

    def __init__(self, k: int, lifetime: int = 0) -> None:
        if k < 1:
            raise ValueError(f"k is at least 1, not {k}")
        self.k, self.lifetime = k, max(k, lifetime or 2 * k)
        self._counts: dict[str, int] = {}
        self._named: set[str] = set()
        self._ever: set[str] = set()
        self._seen = 0

    def label(self, value: str) -> str:
        """The value where it is among the named, else ``other``; counts it."""
        self._count(value)
        if value not in self._named and len(self._named) < self.k:
            self._name(value)
        return value if value in self._named else OTHER

    def _count(self, value: str) -> None:
        self._seen += 1
        if value in self._counts or len(self._counts) < _PLACES * self.k:
            self._counts[value] = self._counts.get(value, 0) + 1
        else:
            least = min(self._counts, key=self._counts.__getitem__)
            self._counts[value] = self._counts.pop(least) + 1
        if self._seen % _RANK_EVERY == 0:
            self._rank()

    def _rank(self) -> None:
        first = sorted(self._counts, key=self._counts.__getitem__, reverse=True)[: self.k]
        self._named.intersection_update(first)
        for value in first:
            self._name(value)

    def _name(self, value: str) -> None:
        if value in self._ever or len(self._ever) < self.lifetime:
            self._named.add(value)
            self._ever.add(value)
