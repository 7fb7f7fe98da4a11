"""Nothing a player looks at by accident tells the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import seal
from lab.campaign.truth import truth_of
from lab.diagnosis.names import QUERIES
from lab.drills.history import History
from lab.drills.words import complaint, hints
from lab.faults.catalogue import ROWS

KEY = b"k" * 32


def test_a_seal_opens_with_its_key_alone_and_all_are_of_one_length() -> None:
    short = seal.seal({"causes": [{"fault": "leak"}]}, KEY)
    long = seal.seal({"causes": [{"fault": "lost-thread-context", "at": "nlp_model"}], "keys": ["0a1b2c3d"]}, KEY)

    assert seal.unseal(short, KEY) == {"causes": [{"fault": "leak"}]}
    assert len(short) == len(long)
    assert "leak" not in short
    with pytest.raises(ValueError, match=r"codec|Expecting|Extra|control"):
        seal.unseal(short, b"x" * 32)


@pytest.mark.parametrize(("fault", "at"), [(row.id, at) for row in ROWS.values() for at in row.places])
def test_no_opening_and_no_hint_but_the_last_names_service_and_kind(fault: str, at: str) -> None:
    """Whatever the engine would type: every question it asks, and every query of the row's own evidence."""
    truth = truth_of(ROWS[fault], at)
    typed = [*QUERIES.values(), *(f'{query}{{service_name="{at}"}}' for query in QUERIES.values())]
    typed += [str(each.signal) for each in ROWS[fault].evidence]
    for query in typed:
        told = hints([truth], [query])
        for line in (*(complaint([truth], seed) for seed in range(6)), *told[:-1]):
            names_service = any(service.lower() in line.lower() for service in truth.services)
            assert not (names_service and any(kind.lower() in line.lower() for kind in truth.kinds)), line
        assert truth.kinds[0] in told[-1]
        assert truth.services[0] in told[-1]


def test_a_running_drills_row_tells_nothing_until_it_has_ended(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    for identity, fault in (("a", "leak"), ("b", "redis-down")):
        history.begin(identity, "me", 1, 1, 10.0, seal.seal({"causes": [{"fault": fault}]}, KEY))
    one, other = history.all()

    assert (one.kinds, one.marks, one.state) == (other.kinds, other.marks, other.state) == ("", None, "running")

    history.end("a", "answered", 70.0, "memory", 1, 80.0, 60.0)

    assert history.report() == [("memory", 1, 1, 80.0, 60.0)]
    history.recovered("a", 15.0)
    assert next(row for row in history.all() if row.id == "a").recovery == 15.0
