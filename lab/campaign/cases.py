"""Recorded cases as they lie in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.campaign.heldout import is_held_out
from lab.campaign.plan import Case
from lab.campaign.truth import Truth
from lab.diagnosis.recording import load_window
from lab.diagnosis.window import Window


@dataclass(frozen=True)
class Recorded:
    """One recorded case."""

    folder: Path
    case: Case
    truth: Truth
    injected_s: float

    @property
    def held_out(self) -> bool:
        kind = self.truth.kinds[0]
        return any(is_held_out(self.case, kind, place) for place in (self.case.at, *self.truth.services))

    def window(self) -> Window:
        return load_window(self.folder / "fault.json.gz", self.folder / "normal.json.gz")


def recorded(folder: Path) -> Iterator[Recorded]:
    """Every whole case of a campaign's folder, by name."""
    for path in sorted(folder.glob("*/truth.json")):
        row = json.loads(path.read_text())
        case = Case(row["id"], row["fault"], row["at"], row["intensity"])
        yield Recorded(path.parent, case, Truth.from_dict(row["truth"]), row["injected_s"])
