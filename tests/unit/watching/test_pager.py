"""The pager takes what PagerDuty takes, refuses what it refuses, and remembers incidents by their key."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import httpx
import pytest

from lab.pager.__main__ import serve
from lab.pager.inbox import KEPT, Inbox, Invalid


def event(action: str = "trigger", key: str = "k1", **changes: Any) -> dict[str, Any]:
    payload = {"summary": "FeatureDrift", "source": "prometheus", "severity": "critical"}
    told = {"routing_key": "secret", "event_action": action, "dedup_key": key, "payload": payload}
    return {**told, **changes}


def test_an_incident_is_triggered_acknowledged_and_resolved() -> None:
    inbox = Inbox()
    seen = []
    for action in ("trigger", "trigger", "acknowledge", "resolve"):
        inbox.enqueue(event(action))
        seen.append(inbox.incidents()[0]["status"])
    assert seen == ["triggered", "triggered", "acknowledged", "resolved"]
    assert len(inbox.incidents()) == 1
    assert inbox.incidents()[0]["resolved_at"] is not None


def test_a_resolved_incident_that_comes_back_is_a_new_one() -> None:
    inbox = Inbox()
    for action in ("trigger", "resolve", "trigger"):
        inbox.enqueue(event(action))
    assert [incident["status"] for incident in inbox.incidents()] == ["triggered"]


def test_the_runbook_link_is_kept() -> None:
    inbox = Inbox()
    inbox.enqueue(event(links=[{"href": "http://x/runbooks/FeatureDrift", "text": "Runbook"}]))
    assert inbox.incidents()[0]["links"][0]["href"].endswith("/runbooks/FeatureDrift")


@pytest.mark.parametrize(
    "bad",
    [
        event(routing_key=""),
        event("close"),
        event(event_action=["trigger"]),
        event("resolve", key=""),
        event(payload=None),
        event(payload={"summary": "x", "source": "y", "severity": "loud"}),
        event(payload={"source": "y", "severity": "info"}),
        {},
    ],
)
def test_what_pagerduty_would_refuse_is_refused(bad: dict[str, Any]) -> None:
    inbox = Inbox()
    with pytest.raises(Invalid):
        inbox.enqueue(bad)
    assert inbox.incidents() == []


def test_memory_is_bounded() -> None:
    inbox = Inbox()
    for number in range(KEPT + 10):
        inbox.enqueue(event(key=str(number)))
        inbox.ticket({"status": "firing"})
    assert (len(inbox.incidents()), len(inbox.events()), len(inbox.tickets())) == (KEPT, KEPT, KEPT)
    assert inbox.incidents()[0]["key"] == str(KEPT + 9)


@pytest.fixture
def pager() -> Iterator[httpx.Client]:
    server = serve("127.0.0.1", 0, Inbox())
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}", trust_env=False) as client:
        yield client
    server.shutdown()
    server.server_close()


def test_it_speaks_the_events_api(pager: httpx.Client) -> None:
    taken = pager.post("/v2/enqueue", json=event())
    assert (taken.status_code, taken.json()["status"], taken.json()["dedup_key"]) == (202, "success", "k1")
    refused = pager.post("/v2/enqueue", json=event("close"))
    assert (refused.status_code, refused.json()["status"]) == (400, "invalid event")
    assert [row["action"] for row in pager.get("/v1/events").json()] == ["trigger"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"x" * 600_000], ids=["empty", "cut", "list", "huge"])
def test_nonsense_is_a_400(pager: httpx.Client, body: bytes) -> None:
    assert pager.post("/v2/enqueue", content=body).status_code == 400
    assert pager.get("/healthz").status_code == 200


def test_a_body_of_no_known_length_is_a_400(pager: httpx.Client) -> None:
    connection = HTTPConnection(pager.base_url.host, pager.base_url.port or 0, timeout=5)
    connection.putrequest("POST", "/v2/enqueue")
    connection.putheader("Content-Length", "long")
    connection.endheaders(b"{}")
    refused = connection.getresponse()
    # Told, or a client would send its next request on a connection that is being closed.
    assert (refused.status, refused.getheader("Connection")) == (400, "close")
    connection.close()


def test_tickets_and_unknown_pages(pager: httpx.Client) -> None:
    assert pager.post("/v1/tickets", json={"status": "firing"}).status_code == 202
    assert pager.get("/v1/tickets").json()[0]["status"] == "firing"
    assert pager.get("/elsewhere").status_code == 404
