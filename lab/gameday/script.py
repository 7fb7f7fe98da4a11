"""A game day's file: what comes when. Read with every mistake told at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.faults import asking
from lab.place import LabError


@dataclass(frozen=True)
class Step:
    """A fault ``at_s`` seconds after the start, for ``seconds``."""

    at_s: float
    fault: str
    place: str = ""
    intensity: float = 1.0
    seconds: float = 120.0

    @property
    def ends_s(self) -> float:
        return self.at_s + self.seconds


@dataclass(frozen=True)
class Script:
    """A whole game day."""

    title: str
    players: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        return max((step.ends_s for step in self.steps), default=0.0)


def read(path: Path) -> Any:
    """The file's document, as ``parse`` takes it. Raises LabError that lists what is wrong in it."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LabError(f"{path} cannot be read: {error}") from error
    parse(document)
    return document


def parse(document: Any) -> Script:
    """``{title, players: [NAME], faults: [{at, fault, place?, intensity?, for?}]}``. Raises LabError."""
    wrong = list(_mistakes(document))
    if wrong:
        raise LabError("This is no game day: " + "; ".join(wrong), "docs/drills.md shows one.")
    steps = sorted((_step(row) for row in document["faults"]), key=lambda step: step.at_s)
    return Script(str(document.get("title", "Game day")), tuple(map(str, document["players"])), tuple(steps))


def _mistakes(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["it is no mapping"]
    wrong = [f"{key} is missing" for key in ("players", "faults") if not isinstance(document.get(key), list)]
    if wrong:
        return wrong
    players = document["players"]
    named = [name for name in players if isinstance(name, str) and name.strip()]
    if not named or len({*named}) != len(players):
        wrong.append("every player needs a name of their own")
    if not isinstance(document.get("title", ""), str):
        wrong.append("the title is no text")
    if not document["faults"]:
        wrong.append("no fault comes")
    for number, row in enumerate(document["faults"], 1):
        wrong += [f"fault {number}: {reason}" for reason in _against(row)]
    return wrong


def _against(row: Any) -> list[str]:
    if not isinstance(row, dict) or not {"at", "fault"} <= row.keys():
        return ["it needs at and fault"]
    if unknown := row.keys() - {"at", "fault", "place", "intensity", "for"}:
        return [f"{sorted(unknown)[0]} is not known"]
    try:
        step = _step(row)
        if not 0 <= step.at_s < math.inf:
            return [f"it begins some seconds after the start, not {step.at_s:g}"]
        return asking.reasons_against(
            asking.find(step.fault), asking.Ask(step.fault, step.place, intensity=step.intensity, seconds=step.seconds)
        )
    except (LabError, TypeError, ValueError) as error:
        return [str(error)]


def _step(row: Mapping[str, Any]) -> Step:
    return Step(
        float(row["at"]), str(row["fault"]), str(row.get("place", "")), float(row.get("intensity", 1.0)),
        float(row.get("for", 120.0)),
    )  # fmt: skip
