"""The waterfall shows every span, whatever is wrong with the trace, within the width it is given."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lab.cli.waterfall import print_waterfall, trace_json
from lab.clients.telemetry import Span
from lab.trace_tree import build_tree
from lab.waterfall import PATH, SPAN, bar_cells, duration_text, waterfall
from tests.unit.lab.spans import TRACE_ID, span

TRACE = [
    span("POST /v1/predictions", 0, 40),
    span("fan_out", 2, 30, "POST /v1/predictions", "orchestrator"),
    span("preprocess", 3, 10, "fan_out", "nlp_model"),
    span("decode_photo", 3, 28, "fan_out", "cv_model", "error"),
]


def printed(spans: list[Span], width: int, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    out = Console(file=io.TextIOWrapper(raw, encoding=encoding, errors="replace"), width=width, highlight=False)
    print_waterfall(spans, out)
    out.file.flush()
    return raw.getvalue().decode(encoding)


def test_a_line_for_each_span_in_the_order_of_the_tree() -> None:
    lines = waterfall(reversed(TRACE), 100).lines

    assert [line.operation.strip() for line in lines] == [
        "POST /v1/predictions",
        "fan_out",
        "decode_photo",
        "preprocess",
    ]
    assert [line.service for line in lines] == ["gateway", "orchestrator", "cv_model", "nlp_model"]


def test_the_critical_path_and_errors_are_marked() -> None:
    by_name = {line.operation.strip(): line for line in waterfall(TRACE, 100).lines}

    assert PATH in by_name["decode_photo"].bar
    assert by_name["decode_photo"].error
    assert set(by_name["preprocess"].bar) == {0, SPAN}
    assert not by_name["preprocess"].on_path


def test_orphans_show_under_no_parent() -> None:
    drawn = waterfall([*TRACE, span("lost", 5, 9, "never arrived", "cv_model")], 100)

    assert drawn.orphans == 1
    assert drawn.roots == 1
    assert [line.operation for line in drawn.lines if line.orphan] == ["lost"]
    assert "name a parent that is not in this trace" in printed([*TRACE, span("lost", 5, 9, "gone")], 100)


def test_a_trace_whose_root_is_missing_still_shows() -> None:
    drawn = waterfall(TRACE[1:], 100)

    assert (drawn.roots, drawn.orphans, len(drawn.lines)) == (0, 1, 3)


def test_spans_that_are_each_others_parents_still_show() -> None:
    circle = [span("a", 1, 5, "b"), span("b", 2, 4, "a")]
    tree = build_tree([*TRACE, *circle])

    assert len(list(tree.rows())) == len(TRACE) + 2
    assert len(tree.orphans) == 1


def test_a_span_that_came_twice_shows_once() -> None:
    assert len(waterfall([*TRACE, TRACE[2]], 100).lines) == len(TRACE)


def test_without_spans_there_is_no_waterfall() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        waterfall([], 100)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_lines_fit_the_width(width: int) -> None:
    spans = [*TRACE, span("a name that is longer than any column could be " * 3, 5, 6, "fan_out", "feature_store")]

    drawn_lines = printed(spans, width).splitlines()[1 : 1 + len(spans)]

    assert all(len(line) <= width for line in drawn_lines)


def test_a_trace_of_two_thousand_spans_is_drawn() -> None:
    wide = [TRACE[0], *(span(f"{n:05}", n / 100, n / 100 + 1, TRACE[0].name) for n in range(2000))]

    assert len(printed(wide, 120).splitlines()) >= 2002


def test_a_terminal_without_blocks_gets_plain_characters() -> None:
    text = printed(TRACE, 100, "ascii")

    assert "#" in text
    assert "█" not in text


def test_there_are_no_colours_where_there_is_no_terminal() -> None:
    assert "\x1b[" not in printed(TRACE, 100)


def test_json_holds_every_span_and_its_time_on_the_path() -> None:
    whole = trace_json(TRACE)

    assert whole["trace_id"] == TRACE_ID
    assert sum(each["critical_path_ns"] for each in whole["spans"]) == 40_000_000


@pytest.mark.parametrize(("start", "end", "cells"), [(0, 0, [0]), (9, 30, [9]), (40, 50, [9]), (2, 4, [2, 3])])
def test_a_bar_has_at_least_one_cell_and_stays_inside(start: int, end: int, cells: list[int]) -> None:
    assert list(bar_cells(start, end, 10)) == cells


@pytest.mark.parametrize(("nanoseconds", "text"), [(87_000, "87 µs"), (3_210_000, "3.2 ms"), (1_250_000_000, "1.25 s")])
def test_durations_read_well(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text
