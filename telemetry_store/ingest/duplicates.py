"""Spans sent again: OTLP retries what it is unsure about, and a span must count once."""


class RecentKeys:
    """The last `size` to 2 × `size` keys seen, in two generations, by their 64-bit hash."""

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._young: set[int] = set()
        self._old: set[int] = set()

    def seen(self, *key: object) -> bool:
        """Whether `key` was asked about before; it is remembered from now on."""
        mark = hash(key)
        if mark in self._young or mark in self._old:
            return True
        self._young.add(mark)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()
        return False
