"""The worked solution leads from a metric over the player's own trace to the cause, found by the engine or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.campaign.truth import truth_of
from lab.clients.telemetry import LogLine, Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.window import Window
from lab.drills.signs import sign_of
from lab.drills.solution import Own, Way, work_out
from lab.faults.catalogue import ROWS
from tests.unit.diagnosis.traces import period, prediction, predictions, window

WAITING = truth_of(ROWS["batch-wait"])
PLACES = [(row.id, at) for row in ROWS.values() for at in row.places]


def line(spans: list[Span], level: str, body: str) -> LogLine:
    labels = {"service_name": "nlp_model", "severity_text": level, "trace_id": spans[0].trace_id}
    return LogLine(spans[0].start_ns, body, labels)


def test_it_walks_through_the_players_own_trace() -> None:
    own = prediction(5, wait=90)
    now = period(0, [*predictions(1, 4), *own], [line(own, "INFO", "scored"), line(own, "WARN", "slow\nstack")])
    told = work_out(Window(now, period(-60, predictions(1000))), [WAITING], Own((tuple(own),)))

    (cause,) = told.causes
    trace_id = own[0].trace_id
    assert cause.traces[0] == trace_id
    assert "90.0 ms" in cause.path
    assert cause.log_query.endswith(f'trace_id="{trace_id}"')
    assert cause.logs == ("nlp_model WARN slow",)
    begins = [each.split(".")[0] for each in told.lines if each[:1].isdigit()]
    assert begins == ["1", "2", "3", "4", "5"]
    assert f"Your own shows it, {trace_id}" in "\n".join(told.lines)


def test_a_trace_that_shows_nothing_gives_way_to_an_exemplars() -> None:
    usual, slow, slower = prediction(1), prediction(5, wait=90), prediction(6, wait=190)
    seen = window([*usual, *slow, *slower])
    told = work_out(seen, [WAITING], Own((tuple(usual),), {usual[0].trace_id: None, slow[0].trace_id: None}))

    assert told.causes[0].traces == (slow[0].trace_id, slower[0].trace_id)
    assert told.causes[0].how.startswith("An exemplar")
    assert any(each.startswith("In your trace") for each in told.lines)


def test_what_fails_is_shown_by_the_engines_own_trace_before_an_exemplars() -> None:
    door = prediction(20)[0]
    shed = replace(door, attributes={**door.attributes, "http.response.status_code": 429})
    late = [replace(each, status="error") for each in prediction(5, wait=900)]
    finding = Finding("gateway", "admission", "rate limit", 1.0, "It refuses.", Evidence(traces=(shed.trace_id,)))
    way = Way(window([*late, shed]), Own(exemplars={late[0].trace_id: None}))

    assert way.to(truth_of(ROWS["over-shedding"]), finding).traces == (shed.trace_id, late[0].trace_id)


def test_a_trace_from_before_the_drill_is_nobodys_evidence() -> None:
    slow = prediction(5, wait=90)
    told = work_out(window(predictions(10, 4)), [WAITING], Own((tuple(slow),), since_s=8.0))

    assert slow[0].trace_id not in told.causes[0].traces


@pytest.mark.parametrize(("fault", "at"), PLACES)
def test_where_the_engine_finds_nothing_the_catalogues_sign_is_about_the_place(fault: str, at: str) -> None:
    row = ROWS[fault]
    says, query = sign_of(row, truth_of(row, at))
    (cause,) = work_out(window(predictions(1)), [truth_of(row, at)], Own()).causes

    assert all((says, query, cause.query, cause.sentence))
    assert at == row.places[0] or row.places[0] not in query


def test_of_a_healthy_system_it_says_so_and_reads_the_players_trace() -> None:
    own = [replace(each) for each in prediction(3)]
    told = work_out(window(predictions(1)), [], Own((tuple(own),)))

    assert told.lines[0].startswith("Nothing was wrong")
    assert own[0].trace_id in told.lines[1]
