"""What an answer may name: the same list whatever is hidden."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lab.campaign.truth import NO_FAULT, Truth, plain, truth_of
from lab.drills.grading import Answer
from lab.faults.catalogue import ROWS
from lab.place import LabError
from services import topology

NOTHING = "nothing"
MODELS = ("nlp_model", "cv_model")
ACTIONS = ("rollback", "restart", "canary", "shed", "scale")
_NAMES = "`faultline drill names` lists what an answer may name."
_SHOWN = 40


def choices() -> dict[str, list[str]]:
    """``services``, ``operations`` and ``kinds`` of every fault at each of its places, and "nothing"."""
    truths = _truths()
    return {
        "services": _sorted([*topology.SERVICES, *(truth.services[0] for truth in truths)]),
        "operations": _sorted(operation for truth in truths for operation in truth.operations),
        "kinds": [*_sorted(truth.kinds[0] for truth in truths), NOTHING],
    }


class UnknownName(LabError):
    """An answer names what no fault has."""


def ensure_known(answers: Iterable[Answer]) -> None:
    """Raises UnknownName for a service or a kind that no fault has: a slip of the pen costs nothing.

    A service may be left open; every name and fair synonym of the whole catalogue counts, so a refusal tells nothing.
    """
    truths = _truths()
    for answer in answers:
        if answer.nothing:
            continue
        if not any(truth.kind_is(answer.kind) for truth in truths):
            raise _unknown("kind", answer.kind, [*(kind for truth in truths for kind in truth.kinds), *NO_FAULT.kinds])
        if plain(answer.service) and not any(truth.service_is(answer.service) for truth in truths):
            raise _unknown("service", answer.service, [name for truth in truths for name in truth.services])


def _unknown(what: str, said: str, known: Iterable[str]) -> UnknownName:
    near = get_close_matches(plain(said[:_SHOWN]), _sorted(known))
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    if what == "service" and any(truth.operation_is(said) for truth in _truths() if truth.operations):
        hint = "It is an operation here: name the service that does it. "
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    return UnknownName(f"Nothing here is of the {what} {shown!r}; it was not counted.", hint + _NAMES)


def _truths() -> list[Truth]:
    return [truth_of(row, at) for row in ROWS.values() for at in row.places]


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name})
