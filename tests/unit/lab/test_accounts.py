"""A team's players get into Grafana with their token, also the second time."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from lab.place import LabError, Place
from lab.stack.accounts import give_accounts


class Grafana:
    """Accounts as Grafana's admin API keeps them: password by login."""

    def __init__(self) -> None:
        self.passwords = {"grace": "old"}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != httpx.BasicAuth("admin", "secret")._auth_header:
            return httpx.Response(401)
        body = json.loads(request.content) if request.content else {}
        if request.url.path == "/api/users/lookup":
            return httpx.Response(200, json={"id": sorted(self.passwords).index(request.url.params["loginOrEmail"])})
        if request.method == "PUT":
            self.passwords[sorted(self.passwords)[int(request.url.path.split("/")[4])]] = body["password"]
            return httpx.Response(200)
        if body["login"] in self.passwords:
            return httpx.Response(412, json={"message": "user already exists"})
        if len(body["password"]) < 4:
            return httpx.Response(400, json={"message": "password is missing or too short"})
        self.passwords[body["login"]] = body["password"]
        return httpx.Response(200, json={"id": 9})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/grafana_admin_password").write_text("secret\n")
    return Place(tmp_path, tmp_path)


def given(place: Place, players: str, grafana: Grafana) -> list[str]:
    (place.secrets_dir / "players").write_text(players)
    return give_accounts(place, "http://grafana", httpx.Client(transport=httpx.MockTransport(grafana)))


def test_each_player_gets_in_with_their_token(place: Place) -> None:
    grafana = Grafana()
    assert given(place, "ada:first\ngrace: second\n", grafana) == ["ada", "grace"]
    assert grafana.passwords == {"ada": "first", "grace": "second"}


def test_without_a_team_nobody_is_asked(place: Place) -> None:
    assert given(place, "", Grafana()) == []


def test_a_refusal_names_whom_it_concerns(place: Place) -> None:
    with pytest.raises(LabError, match=r"ada no account.*too short"):
        given(place, "ada:abc\n", Grafana())
