"""A Grafana login for each player of a team: their name, and their token as the password."""

from __future__ import annotations

import httpx

from lab.place import LabError, Place
from lab.players import read_players

_TIMEOUT_S = 10.0


def give_accounts(place: Place, grafana_url: str, http: httpx.Client | None = None) -> list[str]:
    """Make an account for each player of the secret ``players``; who has one keeps it, with today's token.

    Returns the players' names. Raises LabError where Grafana refuses.
    """
    players = read_players(place.secrets_dir / "players")
    password = place.secret("grafana_admin_password")
    client = http or httpx.Client(timeout=_TIMEOUT_S, trust_env=False)
    with client:
        client.auth = httpx.BasicAuth("admin", password)
        for name, token in players.items():
            _account(client, grafana_url, name, token)
    return list(players)


def _account(client: httpx.Client, url: str, name: str, token: str) -> None:
    made = _ask(client, "POST", f"{url}/api/admin/users", {"name": name, "login": name, "password": token})
    if made.status_code == httpx.codes.PRECONDITION_FAILED:  # there is one of that name
        found = _ask(client, "GET", f"{url}/api/users/lookup?{httpx.QueryParams(loginOrEmail=name)}")
        made = _ask(client, "PUT", f"{url}/api/admin/users/{found.json()['id']}/password", {"password": token})
    if made.status_code != httpx.codes.OK:
        raise LabError(f"Grafana gives {name} no account: {made.text[:200]}", "A token is at least four characters.")


def _ask(client: httpx.Client, method: str, url: str, body: dict[str, str] | None = None) -> httpx.Response:
    try:
        return client.request(method, url, json=body)
    except httpx.HTTPError as error:
        raise LabError(f"Grafana at {url} cannot be reached: {type(error).__name__}.", "See its log.") from error
