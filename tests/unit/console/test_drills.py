"""A round of practice through the API: begin, look, answer, act, and what is told when."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lab.drills import acts, play
from lab.drills.choose import Cause, Drill
from lab.drills.session import Session
from lab.place import LabError
from tests.unit.console.conftest import Console

pytestmark = pytest.mark.anyio

RIGHT = {"service": "cv_model", "operation": "decode_photo", "kind": "bad input"}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every drill hides the same."""
    causes = (Cause("corrupt-photo", "cv_model"),)
    monkeypatch.setattr(play, "choose", lambda rows, seed, level: Drill(seed, level, causes))


async def begun(console: Console, **asked: Any) -> dict[str, Any]:
    answer = await console.post("/api/drills", {"level": 1, "seed": 3, "patience": 0, **asked})
    assert answer.status_code == 202, answer.text
    return await console.eventually("running")


async def test_a_round_from_start_to_marks_and_solution(console: Console) -> None:
    told = await begun(console)
    assert (told["level"], told["seed"], told["player"], told["answered"]) == (1, 3, "player", False)
    assert told["opening"]
    assert told["marks"] is told["solution"] is None
    assert (await console.get(f"/api/drills/{told['id']}")).status_code == 409

    hint = (await console.post("/api/drills/now/hint")).json()
    assert (hint["number"], hint["of"]) == (1, 4)
    assert (await console.get("/api/drills/now")).json()["hints"] == [hint["text"]]

    for slip in ({"kind": "bad imput"}, {"service": "cvmodel"}, {"trace_id": "ab"}):
        assert (await console.post("/api/drills/now/answer", {**RIGHT, **slip})).status_code == 400
    answer = (await console.post("/api/drills/now/answer", {**RIGHT, "text": "photos"})).json()
    assert (answer["marks"]["service"], answer["marks"]["kind"], answer["marks"]["hints"]) == (30, 35, 8)
    assert answer["marks"]["total"] == 72
    assert answer["solution"]["causes"][0]["service"] == "cv_model"
    now = await console.eventually("answered")
    assert (now["marks"], now["solution"]) == (answer["marks"], answer["solution"])
    assert (await console.post("/api/drills/now/answer", RIGHT)).status_code == 409

    assert (await console.post("/api/drills/now/give-up")).json()["solution"] == answer["solution"]
    ended = await console.eventually("none")
    assert ended["last"] == told["id"]
    whole = (await console.get(f"/api/drills/{told['id']}")).json()
    assert (whole["state"], whole["kinds"], whole["marks"]) == ("answered", "bad input", 72)
    assert whole["answers"] == [{**RIGHT, "trace_id": "", "text": "photos"}]
    assert whole["hints_told"] == [hint["text"]]
    assert (await console.get("/api/drills")).json()["report"][0]["kind"] == "bad input"


async def test_who_gives_up_sees_the_solution_and_the_next_seed(console: Console) -> None:
    await begun(console, count=3)
    told = (await console.post("/api/drills/now/give-up")).json()
    assert told["solution"]["causes"][0]["kind"] == "bad input"
    now = await console.eventually("none")
    assert now["next"] == {"level": 1, "seed": 4, "count": 2}
    row = (await console.get("/api/drills")).json()["drills"][0]
    assert (row["state"], row["marks"]) == ("given up", 0.0)


async def test_acting_comes_after_the_answer_and_ends_the_drill(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "recovery", lambda *_: 17.5)
    told = await begun(console)
    act = {"act": "rollback"}
    assert (await console.post("/api/drills/now/act", act)).status_code == 409
    await console.post("/api/drills/now/answer", [RIGHT])
    for wrong in ({"act": "dance"}, {"act": "restart"}, {"act": "canary", "target": "gateway"}):
        assert (await console.post("/api/drills/now/act", wrong)).status_code == 400

    assert (await console.post("/api/drills/now/act", act)).status_code == 202
    assert (await console.eventually("none"))["problem"] is None
    whole = (await console.get(f"/api/drills/{told['id']}")).json()
    assert (whole["recovery"], whole["done"]) == (17.5, "The last release was rolled back. It removed no cause.")


async def test_an_act_that_cannot_be_done_is_told_and_the_drill_goes_on(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LabError("There is one gateway here.", "Another action helps.")

    monkeypatch.setattr(acts, "perform", refuse)
    await begun(console)
    await console.post("/api/drills/now/answer", RIGHT)
    await console.post("/api/drills/now/act", {"act": "scale", "target": "gateway"})
    now = await console.eventually("answered")
    assert now["problem"]["detail"] == "There is one gateway here."
    assert now["problem"]["next_step"] == "Another action helps."


async def test_one_drill_at_a_time_and_none_to_play_where_none_runs(console: Console) -> None:
    for move in ("hint", "give-up"):
        assert (await console.post(f"/api/drills/now/{move}")).status_code == 409
    assert (await console.post("/api/drills/now/answer", RIGHT)).status_code == 409
    assert (await console.ask("PUT", "/api/notebook", {"pins": []})).status_code == 409
    await begun(console)
    assert (await console.post("/api/drills", {"level": 2})).status_code == 409


async def test_a_players_drill_is_played_by_that_player_or_by_the_labs_owner(console: Console) -> None:
    await console.post("/api/drills", {"level": 1, "seed": 3, "patience": 0}, "anns-token")
    assert (await console.eventually("running"))["player"] == "ann"

    assert (await console.post("/api/drills/now/hint", None, "bobs-token")).status_code == 403
    assert (await console.post("/api/drills/now/answer", RIGHT, "bobs-token")).status_code == 403
    assert (await console.ask("PUT", "/api/notebook", {"pins": []}, "bobs-token")).status_code == 403
    assert (await console.post("/api/drills/now/hint", None, "anns-token")).status_code == 200
    assert (await console.post("/api/drills/now/give-up")).status_code == 200


async def test_pins_stay_with_their_drill(console: Console) -> None:
    assert (await console.get("/api/notebook")).json() == {"drill": None, "pins": []}
    told = await begun(console)
    pin = {"kind": "span", "title": "<b>slow</b>", "url": "/trace/ab?span=cd", "trace_id": "ab", "at": 12.5}
    assert (await console.ask("PUT", "/api/notebook", {"pins": [pin]})).json()["pins"] == [pin]
    assert (await console.get("/api/notebook")).json() == {"drill": told["id"], "pins": [pin]}

    await console.post("/api/drills/now/give-up")
    assert (await console.get("/api/notebook")).json() == {"drill": None, "pins": []}
    assert (await console.get(f"/api/drills/{told['id']}")).json()["pins"] == [pin]


async def test_a_drill_that_another_process_began_is_seen_and_gets_its_opening(console: Console) -> None:
    session = Session(console.place)
    session.begin(Drill(5, 2, ()), "terminal")
    path = console.place.run_dir / "drills" / "current.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps({**old, "started": old["started"] - 100}))

    told = await console.eventually("running")
    assert (told["seed"], told["player"]) == (5, "terminal")
    assert told["opening"]


async def test_a_start_that_fails_is_told(console: Console) -> None:
    console.place.hosts.urls["tempo"] = "http://127.0.0.1:1"  # type: ignore[index]
    await console.post("/api/drills", {"level": 1, "patience": 0})
    told = await console.eventually("none")
    assert "cannot be reached" in told["problem"]["detail"]


async def test_choices_name_every_kind_and_place_and_nothing(console: Console) -> None:
    found = (await console.get("/api/drills/choices")).json()
    assert {"cv_model", "gateway", "telemetry pipeline"} <= {*found["services"]}
    assert "bad input" in found["kinds"]
    assert found["nothing"] in found["kinds"]
    assert found["by_service"]["cv_model"]
    assert found["actions"]["canary"] == ["nlp_model", "cv_model"]
    assert [each["level"] for each in found["levels"]] == [1, 2, 3, 4, 5]


async def test_who_ends_a_drill_before_it_has_an_opening_is_told_of_no_problem(console: Console) -> None:
    await console.post("/api/drills", {"level": 1, "seed": 3, "patience": 90})
    await console.eventually("waiting")
    assert (await console.post("/api/drills/now/give-up")).status_code == 200
    assert (await console.eventually("none"))["problem"] is None
    await begun(console)


async def test_of_two_starts_at_once_one_is_refused(console: Console) -> None:
    asked = [console.post("/api/drills", {"level": 1, "seed": 3, "patience": 0}) for _ in range(3)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [202, 409, 409]
    await console.eventually("running")
