"""A prediction's row opens when its trace is gone."""

from __future__ import annotations

import pytest
from redis import Redis

from lab.cli.prediction import read_row
from lab.place import LabError, Place
from tests.unit.watching.test_outcomes import row


def test_a_kept_row_is_read_back(redis_place: Place, admin: Redis) -> None:
    kept = row()
    admin.set(f"prediction:{kept.prediction_id}", kept.model_dump_json())
    assert read_row(redis_place, kept.prediction_id) == kept.model_dump()


@pytest.mark.parametrize("named", ["", "U000001", "0" * 20, "../secrets"])
def test_what_is_not_kept_is_told(redis_place: Place, admin: Redis, named: str) -> None:
    with pytest.raises(LabError):
        read_row(redis_place, named)
