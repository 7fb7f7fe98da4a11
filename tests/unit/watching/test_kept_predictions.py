"""What a data set needs is kept with a prediction: what it was made of, and the label when it has come."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from redis import Redis

from chassis.telemetry import Telemetry
from lab.campaign import predictions
from lab.place import Place
from services.orchestrator.ledger import SERVED_KEPT_S, Ledger
from services.orchestrator.outcomes import Joiner
from tests.unit.watching.conftest import StoreFor
from tests.unit.watching.test_outcomes import row, told

pytestmark = pytest.mark.anyio


async def test_what_a_prediction_was_made_of_and_its_label_are_kept(
    store_for: StoreFor, telemetry: Telemetry, admin: Redis
) -> None:
    ledger = Ledger(store_for("orchestrator", telemetry), telemetry)
    each = row(served={"area": 120.0, "segment": "family"})
    ledger.remember(each)
    await Joiner(ledger, telemetry, time_scale=1440).join([told(each, price=310_000.4), told(each, converted=False)])

    redis: Any = admin
    served = f"prediction:{each.prediction_id}:served"
    assert json.loads(redis.get(served)) == {"area": 120.0, "segment": "family"}
    assert 0 < redis.ttl(served) <= SERVED_KEPT_S, "for as long as a data set may want it"
    assert "area" not in redis.get(f"prediction:{each.prediction_id}")
    label = predictions.label_of(redis.get(f"outcome:{each.prediction_id}"))
    assert label is not None
    assert (label["converted"], label["sale_price"]) == (True, 310_000.0), "the first outcome counts"
    assert abs(label["at"] - time.time()) < 60


async def test_predictions_are_read_back_and_labelled_when_labels_have_come(redis_place: Place, admin: Redis) -> None:
    at = time.time()
    for number in range(3):
        kept = row(prediction_id=f"{number:020x}", predicted_at=at + number)
        admin.set(f"prediction:{kept.prediction_id}", kept.model_dump_json())
        admin.zadd("prediction:index", {kept.prediction_id: kept.predicted_at})
    admin.set(f"prediction:{0:020x}:served", json.dumps({"area": 90.0}))

    rows = predictions.read(redis_place, at - 1, at + 1.5)
    assert [each["served"] for each in rows] == [{"area": 90.0}, {}]
    assert [each["label"] for each in rows] == [None, None]

    admin.set(f"outcome:{1:020x}", "0 12.500 250000")
    labelled = predictions.with_labels(redis_place, rows)
    assert [each["label"] for each in labelled] == [None, {"converted": False, "at": 12.5, "sale_price": 250000.0}]
