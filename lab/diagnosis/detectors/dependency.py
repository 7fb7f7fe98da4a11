"""Redis answers late: is it busy, or far away?

Told apart from the outside, as with the two halves of a round trip: a busy server is slow for every client and in its
own books (slow log, seconds a command); a long way is slow for one client while the server's books stay clean.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, ratio, slowed
from lab.diagnosis.profile import Growth
from lab.diagnosis.window import Window

_SLOW_COMMAND_S = 0.005


def find(window: Window) -> list[Finding]:
    slow = [growth for growth in window.profile.growths if growth.key[1] == "Redis" and slowed(growth, 3.0)]
    if not slow or _reads_more(window, slow[0].key[0]):
        return []
    busy, reasons = _busy(window)
    return [_finding(window, growth, busy, reasons) for growth in slow]


def _finding(window: Window, growth: Growth, busy: bool, reasons: str) -> Finding:
    service = growth.key[0]
    kind = "blocked dependency" if busy else "network latency"
    told = reasons if busy else "Redis's own slow log and timings are clean, and no more bytes travel"
    sentence = (
        f"Redis takes {growth.now_ms:.0f} ms of a request in {service} ({growth.before_ms:.1f} ms before): {told}."
    )
    evidence = Evidence(
        {"redis_ms": growth.now_ms, "redis_before_ms": growth.before_ms}, growth.traces, (), window.query("redis_time")
    )
    return Finding(service, "Redis", kind, graded(growth.gain_ms, 2, 30), sentence, evidence)


def _busy(window: Window) -> tuple[bool, str]:
    """Whether the server itself says that it is busy, and in what words."""
    new_slow = window.now.total("redis_slow")
    each_now = _seconds_a_command(window.now.by("redis_time", "cmd"), window.now.by("redis_commands", "cmd"))
    each_before = _seconds_a_command(window.before.by("redis_time", "cmd"), window.before.by("redis_commands", "cmd"))
    worst = max(each_now, key=lambda cmd: each_now[cmd] - each_before.get(cmd, 0.0), default="")
    heavy = (
        bool(worst)
        and each_now[worst] > _SLOW_COMMAND_S
        and ratio(each_now[worst], each_before.get(worst, 0), 1e-4) > 5
    )
    if heavy:
        return True, f"its command {worst!r} takes {each_now[worst] * 1e3:.0f} ms each and everyone waits behind it"
    if new_slow >= 3 and window.now.total("redis_slow_last") > _SLOW_COMMAND_S:
        return True, f"its slow log grew by {new_slow:.0f} entries"
    return False, ""


def _seconds_a_command(seconds: dict[str, float], calls: dict[str, float]) -> dict[str, float]:
    return {cmd: total / calls[cmd] for cmd, total in seconds.items() if calls.get(cmd, 0) >= 1}


def _reads_more(window: Window, service: str) -> bool:
    """Far more bytes a call or calls a request are another cause."""
    (bytes_now, bytes_before), (calls_now, calls_before) = (
        window.rise(name, service_name=service, peer="redis") for name in ("received_bytes", "client_requests")
    )
    return ratio(bytes_now / max(calls_now, 1), bytes_before / max(calls_before, 1), 100) > 4
