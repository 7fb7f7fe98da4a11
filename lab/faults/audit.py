"""The lab's own record of who asked for what and what was done; it is in no telemetry, and sealed line by line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lab import seal
from lab.faults.wanted import folder
from lab.place import Place

_FILE = "audit.sealed"


def note(place: Place, action: str, **facts: Any) -> None:
    """Append one line."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "action": action, **facts}
    with (folder(place) / _FILE).open("a") as file:
        file.write(seal.seal(line, seal.key_of(place)) + "\n")


def entries(place: Place) -> list[dict[str, Any]]:
    """Every line, the oldest first. Whoever shows them asks ``lab.drills.open`` first."""
    path, key = folder(place) / _FILE, seal.key_of(place)
    return [seal.unseal(line, key) for line in path.read_text().splitlines()] if path.exists() else []
