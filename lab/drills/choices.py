"""What an answer may name: the same list whatever is hidden."""

from __future__ import annotations

from collections.abc import Iterable

from lab.campaign.truth import truth_of
from lab.faults.catalogue import ROWS
from services import topology

NOTHING = "nothing"
MODELS = ("nlp_model", "cv_model")
ACTIONS = ("rollback", "restart", "canary", "shed", "scale")


def choices() -> dict[str, list[str]]:
    """``services``, ``operations`` and ``kinds`` of every fault at each of its places, and "nothing"."""
    truths = [truth_of(row, at) for row in ROWS.values() for at in row.places]
    return {
        "services": _sorted([*topology.SERVICES, *(truth.services[0] for truth in truths)]),
        "operations": _sorted(operation for truth in truths for operation in truth.operations),
        "kinds": [*_sorted(truth.kinds[0] for truth in truths), NOTHING],
    }


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name})
