"""The players of a team, from the file that FAULTLINE_PLAYERS names."""

from __future__ import annotations

from pathlib import Path

from lab.place import LabError

_NEXT = "A line NAME:TOKEN for each player; every name and every token once."


def read_players(path: Path) -> dict[str, str]:
    """Token by name, from lines ``NAME:TOKEN``. Raises LabError for a file that is none."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise LabError(f"FAULTLINE_PLAYERS cannot be read: {error}", _NEXT) from error
    pairs = [line.partition(":") for line in lines if line and not line.startswith("#")]
    players = {name.strip(): token.strip() for name, _, token in pairs}
    if not all(name and token for name, token in players.items()):
        raise LabError(f"{path} does not hold a line NAME:TOKEN for each player.", _NEXT)
    if not len(pairs) == len(players) == len({*players.values()}):
        raise LabError(f"{path} has a name or a token twice: players could not be told apart.", _NEXT)
    return players
