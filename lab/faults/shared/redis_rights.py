"""Rights of a Redis user withdrawn."""

from __future__ import annotations

from typing import Any

from lab.faults.redis_admin import connect
from lab.faults.wanted import Wanted
from lab.place import Place


class RedisRights:
    """The user may no longer read: below half intensity neighbourhoods alone, from there on anything."""

    def __init__(self, row: Wanted, user: str = "feature_store") -> None:
        self._user, self._taken = user, "-@read" if row.intensity >= 0.5 else "-hvals"

    def plan(self, place: Place) -> dict[str, Any]:
        """The user's line of the file that Redis itself starts from; where that lies elsewhere, as Redis has it now."""
        file = place.run_dir / "redis" / "users.acl"
        lines = file.read_text().splitlines() if file.exists() else _lines(place)
        rules = next(line.split()[2:] for line in lines if line.split()[:2] == ["user", self._user])
        return {"user": self._user, "rules": rules}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        with connect(place) as redis:
            redis.execute_command("ACL", "SETUSER", plan["user"], self._taken)

    def go_on(self, place: Place) -> None:
        """A Redis that restarted has read its file again."""
        self.apply(place, {"user": self._user})

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        with connect(place) as redis:
            redis.execute_command("ACL", "SETUSER", plan["user"], "reset", *plan["rules"])


def _lines(place: Place) -> list[str]:
    with connect(place) as redis:
        return [str(line) for line in redis.execute_command("ACL", "LIST")]
