"""Time and calls lost between two services: a long hop, connections made anew, answers cut off.

A client span less its server span is the hop: queueing in the kernel, the wire, the callee's accept. What makes the hop
long is told by what else changed at its ends.
"""

from __future__ import annotations

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines, slowed
from lab.diagnosis.trace import operation
from lab.diagnosis.window import Window

_RESETS = (
    "reset by peer",
    "connectionreset",
    "readerror",
    "remoteprotocolerror",
    "peer closed",
    "incomplete",
    "closed by server",
)
_LAG_S = 0.02


def find(window: Window) -> list[Finding]:
    return [*_hops(window), *_churn(window), *_resets(window)]


def _hops(window: Window) -> list[Finding]:
    """Client spans that outlast their server spans."""
    found = []
    for growth in window.profile.growths:
        peer = growth.key[1].removeprefix("call ")
        if peer == growth.key[1] or not slowed(growth) or _other_reason(window, growth.key[0], peer):
            continue
        sentence = (
            f"{growth.now_ms:.0f} ms of a request pass between {growth.key[0]} and {peer} ({growth.before_ms:.1f} ms "
            f"before), outside {peer}'s own span: the way is long."
        )
        numbers = {"hop_ms": growth.now_ms, "hop_before_ms": growth.before_ms}
        evidence = Evidence(numbers, growth.traces, (), "traces_service_graph_request_client_seconds_bucket")
        strength = graded(growth.gain_ms, 3, 30) * (0.6 + 0.4 * window.profile.share(growth))
        found.append(Finding(growth.key[0], growth.key[1], "network latency", strength, sentence, evidence))
    return found


def _other_reason(window: Window, caller: str, peer: str) -> bool:
    """A blocked loop or a dead callee, new connections or long bodies make a hop long as well."""
    lag, lag_before = (_lag(window, service_period) for service_period in ((peer, True), (peer, False)))
    own, own_before = (_lag(window, service_period) for service_period in ((caller, True), (caller, False)))
    blocked = max(lag - lag_before, own - own_before) > _LAG_S
    return blocked or _restarted(window, peer) or _per_call(window, "connections", caller, peer) > 0.5


def _lag(window: Window, asked: tuple[str, bool]) -> float:
    period = window.now if asked[1] else window.before
    return period.value("loop_lag", service_name=asked[0]) or 0.0


def _per_call(window: Window, name: str, caller: str, peer: str) -> float:
    calls = window.now.total("client_requests", service_name=caller, peer=peer)
    return window.now.total(name, service_name=caller, peer=peer) / max(calls, 1.0)


def _churn(window: Window) -> list[Finding]:
    """A new connection for nearly each call, where there was one for many."""
    found = []
    for labels in [sample.labels for sample in window.now.select("connections")]:
        caller, peer = labels.get("service_name", ""), labels.get("peer", "")
        now, before = window.rise("connections", service_name=caller, peer=peer)
        calls, calls_before = window.rise("client_requests", service_name=caller, peer=peer)
        share, share_before = now / max(calls, 1), before / max(calls_before, 1)
        failed = calls - window.now.total("client_requests", service_name=caller, peer=peer, result="ok")
        if calls < 20 or share < 0.6 or share_before > 0.3 or failed > 0.2 * calls:
            continue
        sentence = f"{caller} opens {share:.2f} connections a call to {peer} ({share_before:.2f} before)."
        observed = window.profile.now.get((caller, f"call {peer}"))
        evidence = Evidence(
            {"connections_a_call": share, "before": share_before},
            observed.slowest() if observed else (),
            (),
            window.query("connections"),
        )
        strength = graded(share, 0.4, 0.9)
        found.append(Finding(caller, f"call {peer}", "connection handling", strength, sentence, evidence))
    return found


def _resets(window: Window) -> list[Finding]:
    """Connections that break part-way, while the callee lives."""
    found = []
    for key, growth_spans in _reset_spans(window).items():
        before = len(_reset_spans(window, False).get(key, ()))
        if len(growth_spans) < 4 or len(growth_spans) < 4 * before or _restarted(window, key[1].removeprefix("call ")):
            continue
        sentence = (
            f"{len(growth_spans)} calls of {key[0]} were cut off part-way ({key[1]}), though the other side is up: "
            "connections are lost on the way."
        )
        logs = lines(window.now.logs, services=[key[0]], having=_RESETS)
        evidence = Evidence(
            {"cut_off": len(growth_spans), "before": before},
            examples(growth_spans),
            logs,
            window.query("client_requests"),
        )
        found.append(Finding(*key, "network loss", graded(len(growth_spans), 3, 15), sentence, evidence))
    return found


def _reset_spans(window: Window, now: bool = True) -> dict[tuple[str, str], list[Span]]:
    table: dict[tuple[str, str], list[Span]] = {}
    for span in (window.now if now else window.before).spans:
        said = f"{span.status_message} {span.attributes.get('error.type', '')}".lower()
        if span.kind == "client" and span.status == "error" and any(word in said for word in _RESETS):
            table.setdefault((span.service, operation(span)), []).append(span)
    return table


def _restarted(window: Window, peer: str) -> bool:
    """Whether a callee was down for some of the window, or for all of it."""
    up = window.now.value("up", service_name=peer)
    return window.now.total("starts", service_name=peer) > 0 or (up is not None and up < 0.9)
