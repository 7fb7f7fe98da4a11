"""Asking for a fault: what makes sense is written down as wanted, nonsense is refused with the reason."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass

from lab.faults import audit, wanted
from lab.faults.catalogue import ROWS
from lab.faults.row import Row, ServiceEffect
from lab.faults.wanted import Wanted
from lab.place import LabError, Place

LONGEST_S = 3_600.0
SHORTEST_S = 2.0
# Changes to programs that only the local stack has.
_LOCAL = frozenset({"tiny_queue"})
SEGMENTS = ("first_home", "family", "investor", "downsizer")
_INSTANCE = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True)
class Ask:
    """What a person asks for; empty means as the catalogue has it."""

    fault: str
    at: str = ""
    instance: str = ""
    intensity: float = 1.0
    share: float = 1.0
    segment: str = ""
    seconds: float = 60.0


def find(fault: str) -> Row:
    """Raises LabError for an unknown id."""
    if fault not in ROWS:
        near = [known for known in ROWS if fault and (fault in known or known in fault)]
        hint = f"Did you mean {', '.join(near)}?" if near else "`faultline faults list` shows all of them."
        raise LabError(f"There is no fault {fault!r}.", hint)
    return ROWS[fault]


def order(place: Place, ask: Ask) -> Wanted:
    """Write it down as wanted. Raises LabError that says what makes no sense."""
    row = find(ask.fault)
    if place.inside and any(effect.kind in _LOCAL for effect in row.effects):
        raise LabError(f"{row.id} changes the local telemetry store, which is not here.", "Try another fault.")
    for reason in reasons_against(row, ask):
        raise LabError(reason, f"`faultline faults describe {row.id}` says what it takes.")
    made = Wanted(
        secrets.token_hex(4),
        row.id,
        ask.at or row.places[0],
        round(time.time() + ask.seconds, 3),
        ask.intensity,
        ask.share,
        ask.instance,
        ask.segment,
    )
    with wanted.changed(place) as rows:
        if any(other.fault == made.fault and other.at == made.at for other in rows if other.ends_at > time.time()):
            raise LabError(f"{row.id} is on already at {made.at}.", f"`faultline faults clear {row.id}` ends it.")
        rows.append(made)
    audit.note(
        place,
        "asked",
        key=made.key,
        fault=row.id,
        at=made.at,
        ends_at=made.ends_at,
        intensity=ask.intensity,
        share=ask.share,
        instance=ask.instance,
        segment=ask.segment,
    )
    return made


def reasons_against(row: Row, ask: Ask) -> list[str]:
    """Everything about it that makes no sense, in words."""
    here = [effect for effect in row.effects if isinstance(effect, ServiceEffect)]
    checks = (
        (bool(ask.at) and ask.at not in row.places, f"{row.id} acts at {', '.join(row.places)}, not at {ask.at}."),
        (not SHORTEST_S <= ask.seconds <= LONGEST_S, f"It lasts {SHORTEST_S:g} to {LONGEST_S:g} seconds."),
        (not 0 < ask.intensity <= 1, "Intensity is above 0 and at most 1."),
        (ask.intensity != 1 and not row.dialled, f"{row.id} is on or off: it has no intensity."),
        (not 0 < ask.share <= 1, "The share of the requests is above 0 and at most 1."),
        (ask.share != 1 and not row.shared_out, f"{row.id} acts on a whole process, not on a share of its requests."),
        (bool(ask.instance) and not here, f"{row.id} acts on what all share: it has no instance."),
        (bool(ask.instance) and not _INSTANCE.fullmatch(ask.instance), "An instance is a name such as host:8003."),
        (bool(ask.segment) and not row.segment, f"{row.id} does not choose its users by segment."),
        (bool(ask.segment) and ask.segment not in SEGMENTS, f"The segments are {', '.join(SEGMENTS)}."),
    )
    return [reason for wrong, reason in checks if wrong]


def clear(place: Place, which: str) -> list[Wanted]:
    """Take a fault (by id or key; empty: all of them) out of what is wanted. Raises LabError where it is not there."""
    with wanted.changed(place) as rows:
        gone = [row for row in rows if not which or which in (row.fault, row.key)]
        if which and not gone:
            raise LabError(f"No fault {which!r} is wanted.", "`faultline faults status` shows what is.")
        for row in gone:
            rows.remove(row)
            audit.note(place, "cleared", key=row.key, fault=row.fault)
    return gone
