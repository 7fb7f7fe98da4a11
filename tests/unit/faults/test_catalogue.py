"""The catalogue is whole, agrees with what services can do, and refuses nonsense."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from chassis.faults.board import kinds
from chassis.faults.fault import make
from lab.faults import asking, wanted
from lab.faults.asking import Ask
from lab.faults.catalogue import ROWS
from lab.faults.row import Row, ServiceEffect
from lab.faults.shared import make as make_shared
from lab.faults.shared import redis_rights
from lab.faults.signals import Evidence, Prom, Traced
from lab.faults.wanted import Wanted
from lab.place import LabError, Place
from lab.tour.measures import MEASURES
from services import topology

EVERY = list(ROWS.values())


def test_there_are_48_faults_or_more_and_each_is_described() -> None:
    assert len(ROWS) >= 48
    for row in EVERY:
        assert row.evidence, row.id
        assert row.kind, row.id
        assert row.look_alikes, row.id
        assert {*row.look_alikes} <= {*ROWS} - {row.id}, row.id


@pytest.mark.parametrize("row", [row for row in EVERY if "narrow_pool" in str(row.effects)], ids=lambda row: row.id)
def test_a_pool_is_narrowed_only_where_there_is_one(row: Row) -> None:
    """A place without it would be offered, and the fault never come on."""
    (effect,) = [effect for effect in row.effects if isinstance(effect, ServiceEffect)]
    made = 'Pool("inference"' if effect.parameters.get("pool") == "inference" else "RedisStore("
    for place in row.places:
        sources = (Path(topology.__file__).parent / place).glob("*.py")
        assert any(made in path.read_text() for path in sources), place


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.id)
def test_every_effect_exists_with_its_parameters(row: Row) -> None:
    for effect in row.effects:
        if isinstance(effect, ServiceEffect):
            assert effect.service in {*topology.SERVICES, "PLACE"}
            make(kinds()[effect.kind], effect.parameters, 0.5)
        else:
            make_shared(effect, Wanted("k", row.id, "x", 1e10, intensity=0.5))


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.id)
def test_every_signal_can_be_read(row: Row) -> None:
    for each in row.evidence:
        if isinstance(each.signal, Traced):
            assert each.signal.measure in MEASURES
        if isinstance(each.signal, Prom):
            assert "[w]" in each.signal.query or "count(" in each.signal.query


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_parameter_of_every_fault_is_documented(name: str) -> None:
    kind = kinds()[name]
    assert kind.__doc__
    assert is_dataclass(kind)
    for each in fields(kind):
        assert each.metadata["doc"], f"{name}.{each.name}"


def test_every_kind_is_in_the_catalogue() -> None:
    used = {effect.kind for row in EVERY for effect in row.effects if isinstance(effect, ServiceEffect)}
    assert used == {*kinds()}


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (Ask("no-such"), "no fault"),
        (Ask("n-plus-one", at="gateway"), "acts at feature_store"),
        (Ask("redis-far", seconds=1e6), "lasts"),
        (Ask("redis-far", seconds=0), "lasts"),
        (Ask("redis-far", intensity=0), "above 0"),
        (Ask("redis-far", intensity=1.5), "above 0"),
        (Ask("n-plus-one", intensity=0.5), "no intensity"),
        (Ask("redis-far", share=2), "share"),
        (Ask("crash-loop", share=0.5), "whole process"),
        (Ask("big-hash", instance="here:1"), "no instance"),
        (Ask("redis-far", instance="a b"), "is a name"),
        (Ask("redis-far", segment="family"), "segment"),
        (Ask("concept-drift", segment="nobody"), "segments are"),
    ],
)
def test_nonsense_is_refused_with_the_reason(tmp_path: Path, ask: Ask, reason: str) -> None:
    place = Place(tmp_path, tmp_path / "run")
    with pytest.raises(LabError, match=reason):
        asking.order(place, ask)
    assert wanted.read(place) == []


def test_what_is_asked_for_is_wanted_until_it_is_cleared(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "run")
    made = asking.order(place, Ask("redis-far"))
    assert wanted.read(place) == [made]
    with pytest.raises(LabError, match="on already"):
        asking.order(place, Ask("redis-far"))
    assert asking.order(place, Ask("far-hop")).at == "nlp_model"
    assert [row.fault for row in asking.clear(place, "redis-far")] == ["redis-far"]
    assert [row.fault for row in wanted.read(place)] == ["far-hop"]
    with pytest.raises(LabError, match="wanted"):
        asking.clear(place, "redis-far")


def test_evidence_holds_where_the_signal_passes_its_bound_and_had_not() -> None:
    up = Evidence("x", Prom("x[w]"), 10, times=2)
    assert up.holds(4, 12)
    assert not up.holds(4, 9), "below the bound"
    assert not up.holds(11, 30), "past it before"
    assert not up.holds(7, 12), "less than twice as much"
    assert not up.holds(1, float("nan"))
    down = replace(up, way="down", times=1.0)
    assert down.holds(20, 5)
    assert not down.holds(5, 4)


def test_a_change_to_what_only_the_local_stack_has_is_refused_in_a_container(tmp_path: Path) -> None:
    inside = Place(tmp_path, tmp_path / "run", environment="compose")
    with pytest.raises(LabError, match="not here"):
        asking.order(inside, Ask("backend-refusing"))
    assert wanted.read(inside) == []
    assert asking.order(replace(inside, environment="local"), Ask("backend-refusing"))


def test_rights_are_remembered_as_redis_has_them_where_its_file_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = ["user default off", "user feature_store on #ab ~* +@read"]
    monkeypatch.setattr(redis_rights, "_lines", lambda place: held)
    change = redis_rights.RedisRights(Wanted("k", "redis-denied", "redis", 1e10))
    place = Place(tmp_path, tmp_path / "run")

    assert change.plan(place) == {"user": "feature_store", "rules": ["on", "#ab", "~*", "+@read"]}
    (place.run_dir / "redis").mkdir(parents=True)
    (place.run_dir / "redis" / "users.acl").write_text("user feature_store on #cd ~* +@all\n")
    assert change.plan(place)["rules"] == ["on", "#cd", "~*", "+@all"]
