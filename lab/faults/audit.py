"""The lab's own record of who asked for what and what was done; it is in no telemetry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lab.faults.wanted import folder
from lab.place import Place


def note(place: Place, action: str, **facts: Any) -> None:
    """Append one line."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "action": action, **facts}
    with (folder(place) / "audit.jsonl").open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")
