"""The critical path follows what the caller waited for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.clients.telemetry import Span
from lab.critical_path import critical_path, time_by_service, time_by_span
from lab.trace_tree import build_tree
from tests.unit.lab.spans import span, span_id


def path_of(*spans: Span) -> list[tuple[str, float, float]]:
    return [(s.span.name, s.start_ns / 1e6, s.end_ns / 1e6) for s in critical_path(build_tree(spans))]


def test_a_span_alone_is_its_own_path() -> None:
    assert path_of(span("root", 0, 10)) == [("root", 0, 10)]


def test_time_before_between_and_after_children_is_the_parents_own() -> None:
    path = path_of(span("root", 0, 10), span("a", 1, 4, "root"), span("b", 5, 9, "root"))

    assert path == [("root", 0, 1), ("a", 1, 4), ("root", 4, 5), ("b", 5, 9), ("root", 9, 10)]


def test_of_a_fan_out_only_the_branch_that_finished_last_counts() -> None:
    path = path_of(
        span("root", 0, 10), span("text", 1, 5, "root"), span("photo", 1, 8, "root"), span("x", 1, 2, "root")
    )

    assert path == [("root", 0, 1), ("photo", 1, 8), ("root", 8, 10)]


def test_a_sibling_that_still_ran_when_the_chosen_one_started_is_off_the_path() -> None:
    path = path_of(span("root", 0, 22), span("a", 0, 10, "root"), span("b", 5, 20, "root"))

    assert path == [("root", 0, 5), ("b", 5, 20), ("root", 20, 22)]


def test_what_an_asynchronous_child_does_after_its_parent_held_nobody_up() -> None:
    path = path_of(span("root", 0, 10), span("publish", 8, 30, "root"), span("late", 12, 14, "root"))

    assert path == [("root", 0, 8), ("publish", 8, 10)]


def test_a_grandchild_is_clipped_to_what_is_left_of_its_parent() -> None:
    path = path_of(span("root", 0, 10), span("a", 2, 12, "root"), span("b", 3, 12, "a"))

    assert path == [("root", 0, 2), ("a", 2, 3), ("b", 3, 10)]


def test_a_child_without_duration_takes_no_time() -> None:
    assert path_of(span("root", 0, 10), span("event", 5, 5, "root")) == [("root", 0, 10)]


def test_times_add_up_by_span_and_by_service() -> None:
    tree = build_tree([span("root", 0, 10), span("a", 2, 4, "root", "nlp_model"), span("b", 6, 7, "root", "nlp_model")])
    path = critical_path(tree)

    assert time_by_span(path) == {span_id("root"): 7_000_000, span_id("a"): 2_000_000, span_id("b"): 1_000_000}
    assert time_by_service(path) == {"gateway": 7_000_000, "nlp_model": 3_000_000}


def test_a_chain_of_two_thousand_spans_needs_no_recursion() -> None:
    chain = [span(f"{0:04}", 0, 5000)]
    chain += [span(f"{n:04}", n, 5000 - n, f"{n - 1:04}") for n in range(1, 2000)]

    path = critical_path(build_tree(chain))

    assert sum(segment.duration_ns for segment in path) == 5_000_000_000
    assert len(path) == 2 * 2000 - 1


@st.composite
def traces(draw: st.DrawFn) -> list[Span]:
    """Any tree: children may overlap, lie outside their parents or end before they start nothing."""
    count = draw(st.integers(1, 12))
    spans = []
    for number in range(count):
        start = draw(st.integers(0, 50))
        parent = f"s{draw(st.integers(0, number - 1))}" if number else ""
        spans.append(span(f"s{number}", start, start + draw(st.integers(0, 50)), parent))
    return spans


@given(traces())
def test_segments_cover_the_root_exactly(spans: list[Span]) -> None:
    root = spans[0]
    path = critical_path(build_tree(spans))

    edges = [root.start_ns, *(segment.end_ns for segment in path)]
    assert [segment.start_ns for segment in path] == edges[:-1]
    assert edges[-1] == root.end_ns


@given(traces())
def test_no_segment_leaves_its_own_span(spans: list[Span]) -> None:
    for segment in critical_path(build_tree(spans)):
        assert segment.span.start_ns <= segment.start_ns < segment.end_ns <= segment.span.end_ns
