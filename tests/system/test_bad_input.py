"""Every bad input gets a 4xx with a problem document; nothing is logged as an error, and the services live on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from lab.clients.telemetry import LogLine, Span
from services import topology
from tests.system.harness import PREDICTIONS, System
from tests.unit.services import photos

Ask = Callable[[System], httpx.Response]
GOOD_TRACE = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"


def asking(**question: object) -> Ask:
    return lambda system: system.ask(**question)  # type: ignore[arg-type]


def posting(path: str, **body: object) -> Ask:
    return lambda system: system.post(path, **body)  # type: ignore[arg-type]


def chunked(system: System) -> httpx.Response:
    """A body of 3 MB whose length is not announced."""

    def parts() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
        for _ in range(48):
            yield b"x" * 65_536

    kind = {"content-type": "multipart/form-data; boundary=b"}
    return system.post(PREDICTIONS, content=parts(), headers=kind)


BAD: dict[str, tuple[int, Ask]] = {
    # fields
    "no user": (422, asking(without=("user_id",))),
    "no listing": (422, asking(without=("listing_id",))),
    "no description": (422, asking(without=("description",))),
    "no photo": (422, asking(without=("photo",))),
    "nothing at all": (422, asking(without=("user_id", "listing_id", "description", "photo"))),
    "a user that is none": (422, asking(user="admin'; --")),
    "an empty user": (422, asking(user="")),
    "a listing that is none": (422, asking(listing="L1")),
    "an unknown listing": (404, asking(listing="L999999")),
    "an empty description": (422, asking(description="")),
    "a description of blanks": (422, asking(description=" \t\n ")),
    "a description of 100 kB": (400, asking(description="nice house " * 9_100)),
    "a description somewhat too long": (422, asking(description="x" * 5_001)),
    # photos
    "an empty photo": (422, asking(photo=b"")),
    "a photo that is no image": (422, asking(photo=b"%PDF-1.7 not a picture")),
    "a photo cut short": (422, asking(photo=photos.cut_short())),
    "a PNG cut short": (422, asking(photo=photos.cut_short("PNG"), photo_type="image/png")),
    "a photo of 30 megapixels": (422, asking(photo=photos.thirty_megapixels())),
    "a decompression bomb": (422, asking(photo=photos.decompression_bomb(), photo_type="image/png")),
    "a photo of four pixels": (422, asking(photo=photos.photo(2, 2))),
    "a GIF": (415, asking(photo=photos.photo(kind="GIF", mode="L"), photo_type="image/gif")),
    "a photo of 2.05 MB": (413, asking(photo=b"\xff\xd8" + b"\0" * 2_050_000)),
    # the request itself
    "JSON where a form is due": (415, posting(PREDICTIONS, json={"user_id": "U000001"})),
    "a plain form": (415, posting(PREDICTIONS, data={"user_id": "U000001"})),
    "no content type": (415, posting(PREDICTIONS, content=b"x")),
    "a form without its boundary": (
        400,
        posting(PREDICTIONS, content=b"x", headers={"content-type": "multipart/form-data"}),
    ),
    "a form that breaks off": (
        422,
        posting(PREDICTIONS, content=b"--b\r\nContent-", headers={"content-type": "multipart/form-data; boundary=b"}),
    ),
    "a body over the limit": (413, posting(PREDICTIONS, files={"photo": ("x", b"\0" * 6_000_000, "image/jpeg")})),
    "a body over the limit, in chunks": (413, chunked),
    "a bad traceparent": (400, asking(headers={"traceparent": "not-a-trace"})),
    "a traceparent of zeros": (400, asking(headers={"traceparent": f"00-{'0' * 32}-{'0' * 16}-01"})),
    "a traceparent in capitals": (400, asking(headers={"traceparent": f"00-{GOOD_TRACE.upper()}-01"})),
    "a wrong key": (401, asking(headers={"x-api-key": "wrong"})),
    "an empty key": (401, asking(headers={"x-api-key": ""})),
    "a key that is not ASCII": (401, asking(headers={"x-api-key": "schlüssel".encode("latin-1")})),  # type: ignore[dict-item]
    "an unknown path": (404, posting("/v1/nothing")),
    "a wrong method": (
        405,
        lambda system: system.http.get(f"{system.gateway}{PREDICTIONS}", headers=system.credentials()),
    ),
    # visits and outcomes
    "no visits": (422, posting("/v1/events", json={"events": []})),
    "visits that are no JSON": (422, posting("/v1/events", content=b"{", headers={"content-type": "application/json"})),
    "an outcome of a prediction that is none": (
        422,
        posting("/v1/outcomes", json={"outcomes": [{"prediction_id": "../etc/passwd", "converted": True}]}),
    ),
}


@pytest.fixture(scope="module")
def pids_before(system: System) -> dict[str, int]:
    return system.pids()


@pytest.fixture(scope="module")
def answers(system: System, pids_before: dict[str, int]) -> dict[str, httpx.Response]:
    """The gateway's answer to each bad input."""
    return {name: ask(system) for name, (_, ask) in BAD.items()}


def assert_problem(answer: httpx.Response) -> None:
    """RFC 9457, with what a client needs to ask for help, and nothing of our insides."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert all(document[name] for name in ("type", "title", "detail", "request_id"))
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    assert not any(word in answer.text for word in ("Traceback", 'File "', ".py", "site-packages"))


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_problem_document(answers: dict[str, httpx.Response], name: str) -> None:
    assert answers[name].status_code == BAD[name][0], answers[name].text
    assert_problem(answers[name])


@pytest.fixture(scope="module")
def lines(system: System, answers: dict[str, httpx.Response]) -> dict[str, list[LogLine]]:
    """All log lines by request id, as soon as the last request's have come."""
    last = list(answers.values())[-1].headers["x-request-id"]

    def arrived() -> dict[str, list[LogLine]] | None:
        by_request: dict[str, list[LogLine]] = {}
        for line in system.logs():
            by_request.setdefault(line.labels.get("request_id", ""), []).append(line)
        return by_request if last in by_request else None

    return system.eventually(arrived, "the last refusal is in the log", within=20)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_at_most_a_warning_in_the_log(
    answers: dict[str, httpx.Response], lines: dict[str, list[LogLine]], name: str
) -> None:
    mine = lines[answers[name].headers["x-request-id"]]
    assert {line.level for line in mine} <= {"INFO", "WARNING"}
    assert not any("Traceback" in line.body for line in mine)


def from_all_services(trace: list[Span]) -> bool:
    return {span.service for span in trace} == set(topology.SERVICES)


def test_an_unknown_listing_is_no_error_in_any_trace(system: System) -> None:
    trace_id = "d" * 32
    system.ask(listing="L999999", headers={"traceparent": f"00-{trace_id}-{'e' * 16}-01"})
    spans = system.trace(trace_id, until=from_all_services)
    assert [(span.service, span.name) for span in spans if span.events] == []


def test_every_service_lives_on(
    system: System, pids_before: dict[str, int], answers: dict[str, httpx.Response]
) -> None:
    after = system.pids()
    assert {name: after[name] for name in topology.SERVICES} == {name: pids_before[name] for name in topology.SERVICES}
    assert system.healthy()


def test_a_key_that_asks_too_often_is_told_to_wait_and_another_is_not(system: System) -> None:
    greedy = system.credentials("learner")
    answers = [system.http.post(f"{system.gateway}{PREDICTIONS}", headers=greedy) for _ in range(80)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert_problem(limited[-1])
    assert int(limited[-1].headers["retry-after"]) >= 1
    assert system.healthy(), "the other key is not held back"
