"""What holds for every tree of spans."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.clients.telemetry import Span
from lab.critical_path import critical_path
from lab.diagnosis.engine import diagnose
from lab.diagnosis.trace import aligned, exclusive_ns
from lab.diagnosis.window import Window
from lab.trace_tree import build_tree
from tests.unit.diagnosis.traces import period, predictions, shifted

SERVICES = ("gateway", "orchestrator", "feature_store", "nlp_model")


@st.composite
def trees(draw: st.DrawFn) -> list[Span]:
    """Up to 12 spans; each but the first has an earlier one as its parent, and any times."""
    spans = []
    for number in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, 50))
        parent = spans[draw(st.integers(0, number - 1))].span_id if number else ""
        end = start + draw(st.integers(0, 50))
        service = draw(st.sampled_from(SERVICES))
        spans.append(Span("t", f"{number + 1:016x}", parent, service, f"op{number % 3}", "internal", start, end))
    return spans


@settings(deadline=None)  # a busy machine is no failure
@given(trees())
def test_exclusive_time_is_the_duration_less_the_union_of_the_children_clipped(spans: list[Span]) -> None:
    tree = build_tree(spans)
    for span in spans:
        children = tree.children.get(span.span_id, [])
        covered = {
            instant for child in children for instant in range(child.start_ns, child.end_ns)
            if span.start_ns <= instant < span.end_ns
        }  # fmt: skip
        assert exclusive_ns(span, children) == span.end_ns - span.start_ns - len(covered)


@settings(deadline=None)  # a busy machine is no failure
@given(trees())
def test_critical_path_segments_sum_to_the_roots_duration_also_after_alignment(spans: list[Span]) -> None:
    for tree in (build_tree(spans), aligned(spans).tree):
        path = critical_path(tree)
        assert sum(segment.duration_ns for segment in path) == tree.root.end_ns - tree.root.start_ns


@settings(deadline=None)  # a busy machine is no failure
@given(trees(), st.sampled_from(SERVICES), st.integers(-(10**10), 10**10))
def test_a_clock_offset_leaves_every_exclusive_time_and_the_critical_path(
    spans: list[Span], service: str, offset: int
) -> None:
    one, other = aligned(spans), aligned(shifted_to(spans, service, offset))
    # The root's own clock is the reference; siblings of several clocks may change their order in the list alone.
    assert one.exclusive == other.exclusive
    assert one.path == other.path


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SERVICES), st.integers(-5000, 5000))
def test_a_clock_offset_of_any_service_leaves_the_ranking_unchanged(service: str, milliseconds: int) -> None:
    slow, healthy = predictions(1, inference=90), predictions(1000)
    straight = Window(period(0, slow), period(-60, healthy))
    skewed = Window(
        period(0, shifted(slow, service, milliseconds * 10**6)),
        period(-60, shifted(healthy, service, milliseconds * 10**6)),
    )
    assert causes(straight) == causes(skewed)
    only_now = Window(period(0, shifted(slow, service, milliseconds * 10**6)), period(-60, healthy))
    assert [cause for cause in causes(only_now) if cause[2] != "clock skew"] == causes(straight)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(SERVICES), st.integers(-5000, 5000),
    st.fixed_dictionaries({name: st.integers(5, 150) for name in ("inference", "wait", "lookup")}),
)  # fmt: skip
def test_a_clock_offset_leaves_the_ranking_of_any_window_unchanged(
    service: str, milliseconds: int, shape: dict[str, int]
) -> None:
    now, healthy = predictions(1, **shape), predictions(1000)
    by = milliseconds * 10**6
    straight = Window(period(0, now), period(-60, healthy))
    skewed = Window(period(0, shifted(now, service, by)), period(-60, shifted(healthy, service, by)))
    assert ranking(straight) == ranking(skewed)


def ranking(window: Window) -> list[tuple[tuple[str, str, str], float]]:
    """Causes in their order, with confidences."""
    return [(ranked.finding.cause, round(ranked.confidence, 6)) for ranked in diagnose(window).ranking]


def causes(window: Window) -> list[tuple[str, str, str]]:
    return [ranked.finding.cause for ranked in diagnose(window).ranking]


def shifted_to(spans: list[Span], service: str, offset: int) -> list[Span]:
    return shifted(spans, service, offset)
