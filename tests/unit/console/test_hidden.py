"""During a drill the lab's answers are the same whatever is hidden, but for times and the symptoms in words."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.console.app import api_routes
from lab.drills import play
from lab.drills.choose import Cause, Drill
from lab.faults import asking, wanted
from tests.unit.console.conftest import TOKEN, Backends, Console, standing

pytestmark = pytest.mark.anyio

# Two of the same complaint's class, one silent, one of the telemetry, two at once, and none.
HIDDEN = {
    "crash": (Cause("crash-loop", "cv_model"),),
    "bad input": (Cause("corrupt-photo", "cv_model"),),
    "silent": (Cause("stale-features", "feature_store"),),
    "telemetry": (Cause("clock-skew", "nlp_model", 0.7),),
    "two": (Cause("n-plus-one", "feature_store"), Cause("blocked-loop", "nlp_model")),
    "none": (),
}
READ = (
    "/api/state",
    "/api/faults",
    "/api/drills",
    "/api/drills/choices",
    "/api/drills/now",
    "/api/drills/{id}",
    "/api/notebook",
    "/api/gameday",
    "/api/slo",
    "/api/alerts",
    "/api/deployments",
    "/api/runbooks",
    "/api/runbooks/CrashLoop",
    "/api/none",
    "/",
    "/faults",
    "/practice",
    "/dashboards/drift",
    "/control/key",
    "/healthz",
)
CHANGED: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/api/faults", {"fault": "leak"}),
    ("POST", "/api/faults", {"fault": "corrupt-photo"}),
    ("POST", "/api/faults", {"fault": "no-such"}),
    ("DELETE", "/api/faults", None),
    ("DELETE", "/api/faults/corrupt-photo", None),
    ("DELETE", "/api/faults/no-such", None),
    ("POST", "/api/drills", {"level": 1, "seed": 7}),
    ("POST", "/api/drills/now/act", {"act": "rollback"}),
    ("POST", "/api/drills/now/answer", {"kind": "memry"}),
    ("POST", "/api/drills/now/answer", {"kind": "memory", "service": "nowhere"}),
    ("POST", "/api/drills/now/answer", {"kind": "memory", "trace_id": "ab"}),
    ("PUT", "/api/notebook", {"pins": [{"kind": "trace", "title": "slow", "url": "/trace/ab"}]}),
    ("POST", "/api/gameday/answer", {"kind": "memory"}),
)
# A length says how many digits a time has; bodies are compared themselves.
_TIMES = frozenset({"started", "started_at", "seconds", "ends_at", "date", "content-length"})


def test_every_call_that_ends_no_drill_is_compared() -> None:
    """A new call has to be named above; the backends' are telemetry, and these move the drill by what is hidden."""
    moves = {"/api/drills/now/hint", "/api/drills/now/give-up"}
    asked = {("GET", path) for path in READ} | {(method, path) for method, path, _ in CHANGED}
    for route in api_routes():
        own = not route.path.endswith("{path:path}") and route.path not in moves and "runbooks" not in route.path
        methods = (route.methods or set()) - {"HEAD"}
        assert not own or any(
            method in methods and re.fullmatch(route.path_regex, path.format(id="1")) for method, path in asked
        ), route.path


async def everything(folder: Path, monkeypatch: pytest.MonkeyPatch, causes: tuple[Cause, ...]) -> list[Any]:
    """All that the console answers in a drill with these causes, masked: status, headers and body by call."""
    monkeypatch.setattr(play, "choose", lambda rows, seed, level: Drill(seed, level, causes))
    async with standing(folder, Backends(), {}) as console:
        began = await console.post("/api/drills", {"level": 3, "seed": 4, "patience": 0})
        told = await console.eventually("running")
        calls = [("GET", path.format(id=told["id"]), None) for path in READ] + list(CHANGED)
        answers = [began, *[await console.ask(method, path, body) for method, path, body in calls]]
        assert len(wanted.read(console.place)) == len(causes), "the drill is on while it is asked about"
    own = {told["id"]: "ID", str(folder): "FOLDER"}
    found = [(each.status_code, masked(dict(each.headers), own), masked(_body(each), own)) for each in answers]
    names = ["start", *(f"{method} {path}".replace(told["id"], "ID") for method, path, _ in calls)]
    return [{"call": name, "answer": each} for name, each in zip(names, found, strict=True)]


def _body(answer: Any) -> Any:
    return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text


def masked(value: Any, own: Mapping[str, str]) -> Any:
    """Without times, and without what is another in every run: the drill's random id, the stack's folder."""
    if isinstance(value, Mapping):
        return {name: "masked" if name in _TIMES else masked(each, own) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each, own) for each in value]
    if isinstance(value, str):
        for text, name in own.items():
            value = value.replace(text, name)
    return value


def without_symptoms(value: Any) -> Any:
    """The opening is what users notice: it is the drill's question, and may be of one class or another."""
    if isinstance(value, dict):
        return {name: without_symptoms(each) for name, each in value.items() if name != "opening"}
    return [without_symptoms(each) for each in value] if isinstance(value, list | tuple) else value


async def test_two_hidden_faults_that_users_complain_of_alike_give_the_same_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await everything(tmp_path / "one", monkeypatch, HIDDEN["crash"])
    other = await everything(tmp_path / "other", monkeypatch, HIDDEN["bad input"])

    for first, second in zip(one, other, strict=True):
        assert first == second
    refused = [each["answer"][0] for each in one if "/api/faults" in each["call"]]
    assert len(refused) == 7
    assert set(refused) == {409}


@pytest.mark.parametrize("hidden", ["silent", "telemetry", "two", "none"])
async def test_whatever_is_hidden_only_the_symptoms_words_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    one = await everything(tmp_path / "one", monkeypatch, HIDDEN["crash"])
    other = await everything(tmp_path / "other", monkeypatch, HIDDEN[hidden])

    for first, second in zip(one, other, strict=True):
        assert without_symptoms(first) == without_symptoms(second)


async def test_no_answer_holds_what_only_the_lab_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue's names stand in what is always the same (the form's choices, runbooks) and nowhere else."""
    told = await everything(tmp_path, monkeypatch, HIDDEN["crash"])
    always = ("choices", "runbooks", "/api/slo")
    said = " ".join(str(each) for each in told[1:] if not any(part in each["call"] for part in always))
    for word in ("crash-loop", "sudden_death", "sealed", "wanted", "cv_model", "bad input"):
        assert word not in said.replace("/api/faults/corrupt-photo", ""), word


async def test_the_board_closes_when_a_drill_is_asked_for_and_opens_when_it_has_ended(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(play, "choose", lambda *_: _wait_for(go, HIDDEN["crash"]))
    assert (await console.get("/api/state")).json()["faults_open"] is True

    assert (await console.post("/api/drills", {"level": 1, "seed": 2, "patience": 0})).json()["state"] == "starting"
    state = (await console.get("/api/state")).json()
    assert (state["faults_open"], state["drill"]["state"]) == (False, "starting")
    assert (await console.get("/api/faults")).status_code == 409
    assert (await console.post("/api/faults", {"fault": "leak"})).status_code == 409
    assert wanted.read(console.place) == []

    go.set()
    await console.eventually("running")
    assert (await console.get("/api/faults")).status_code == 409
    assert (await console.post("/api/drills/now/give-up")).status_code == 200
    assert (await console.get("/api/state")).json()["faults_open"] is True


def _wait_for(go: threading.Event, causes: tuple[Cause, ...]) -> Drill:
    assert go.wait(20)
    return Drill(2, 1, causes)


async def test_a_fault_that_is_on_keeps_a_drill_from_beginning(console: Console) -> None:
    asking.order(console.place, asking.Ask("leak"))
    answer = await console.post("/api/drills", {"level": 1}, TOKEN)
    assert answer.status_code == 409
    assert "healthy" in answer.json()["detail"]
