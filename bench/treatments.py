"""Which command of which runbook's Mitigation is for which fault, read from the text, so that text and test agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.campaign.truth import truth_of
from lab.drills.acts import cures
from lab.faults.catalogue import ROWS
from lab.faults.row import Row
from lab.runbooks import Runbook
from lab.runbooks.markdown import tokens_of
from services import topology

# What only looks, or starts the whole stack anew.
_LOOKS = frozenset({"runbook", "status", "up", "down"})
_ROLLBACK, _CLEAR = "faultline drill act rollback", "faultline faults clear"
_RESTART, _CANARY = "faultline drill act restart SERVICE", "faultline canary MODEL 0"

# Where a fault is aimed that its usual place would not show in an alert ("" for all of its alerts): calls are counted
# by their callers, the photo model has the more to compute, and only what is in front of the models fails predictions.
_AIMED = {
    ("dropped-spans", ""): "orchestrator",
    ("thread-fight", ""): "cv_model",
    ("crash-loop", "AvailabilityBudgetBurns"): "orchestrator",
}


@dataclass(frozen=True)
class Treatment:
    """A command as it is typed against a fault, and the alerts whose runbooks give it.

    ``ends``: the fault ends by it; any other has to help while the fault is still on.
    """

    fault: str
    at: str
    command: str
    alerts: tuple[str, ...]
    ends: bool

    @property
    def in_drill(self) -> bool:
        return self.command.startswith("faultline drill ")

    @property
    def release(self) -> bool:
        return self.command == _ROLLBACK


def commands_of(book: Runbook) -> list[str]:
    """The commands of its Mitigation that change something, in the order of the text."""
    text = next(section.source for section in book.sections if section.title == "Mitigation")
    written = [
        child.content for token in tokens_of(text) for child in token.children or () if child.type == "code_inline"
    ]
    found = [line for line in written if line.startswith("faultline ") and line.split()[1] not in _LOOKS]
    return list(dict.fromkeys(found))


def _aimed(row: Row, alert: str) -> str:
    return _AIMED.get((row.id, alert)) or _AIMED.get((row.id, "")) or row.places[0]


def treated(command: str, row: Row, alert: str = "") -> Treatment | None:
    """A command against a fault where it is aimed for an alert, its placeholder filled in; None where it is for other
    faults.

    A rollback and a restart are for what lives in a service, the end of a canary for a bad version. Raises ValueError
    for a command that nothing here can try: whoever writes one into a runbook says here what it is for.
    """
    at = _aimed(row, alert)
    truth = truth_of(row, at)
    place = truth.services[0]
    if command == _CLEAR:
        return Treatment(row.id, at, command, (), ends=True)
    if command == _ROLLBACK:
        return Treatment(row.id, at, command, (), ends=True) if place in topology.SERVICES else None
    if command == _RESTART:
        cured = place in topology.SERVICES and cures("restart", place, truth, release=False)
        return Treatment(row.id, at, command.replace("SERVICE", place), (), ends=True) if cured else None
    if command == _CANARY:
        cured = cures("canary", place, truth, release=False)
        return Treatment(row.id, at, command.replace("MODEL", place), (), ends=False) if cured else None
    raise ValueError(f"`{command}` of a Mitigation: nothing says for which faults it is.")


def treatments(books: Sequence[Runbook], rows: Mapping[str, Row] = ROWS) -> list[Treatment]:
    """Every command against every fault that it is for; first those that together serve each pair of alert and fault
    once, then what else the texts name for the same."""
    first, rest = list[Treatment](), list[Treatment]()
    for row in rows.values():
        open_pairs = {book.alert for book in books if row.id in book.causes}
        for each in sorted(_against(row, books), key=lambda each: (each.command == _CLEAR, -len(each.alerts))):
            (first if open_pairs & {*each.alerts} else rest).append(each)
            open_pairs -= {*each.alerts}
    return first + sorted(rest, key=lambda each: each.command == _CLEAR)


def without_command(books: Sequence[Runbook], rows: Mapping[str, Row] = ROWS) -> list[tuple[str, str]]:
    """Pairs of alert and causing fault whose runbook holds no command for that fault."""
    served = {(alert, each.fault) for each in treatments(books, rows) for alert in each.alerts}
    return [(book.alert, fault) for book in books for fault in book.causes if (book.alert, fault) not in served]


def _against(row: Row, books: Sequence[Runbook]) -> Iterator[Treatment]:
    found: dict[tuple[str, str], Treatment] = {}
    for book in books:
        if row.id not in book.causes:
            continue
        for command in commands_of(book):
            if treatment := treated(command, row, book.alert):
                key = treatment.command, treatment.at
                known = found.get(key, treatment)
                found[key] = replace(known, alerts=(*known.alerts, book.alert))
    yield from found.values()


def words_of(command: str) -> list[str]:
    """The command line's arguments after ``faultline``."""
    return re.split(r"\s+", command)[1:]
