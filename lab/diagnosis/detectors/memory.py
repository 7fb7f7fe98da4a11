"""Memory: a leak that climbs until something ends the process, and a collector that stops the world."""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, lines, slowest_own
from lab.diagnosis.window import Window

KIND = "memory"
_LEAST_CLIMB_BYTES = 120e6
_LEAST_GC = 0.02  # seconds of pause a second
_FEW_PAUSES = 3  # a single long one may be the machine's


def find(window: Window) -> list[Finding]:
    return [
        each for service in window.services
        for look in (_climb, _collector) if (each := look(window, service))
    ]  # fmt: skip


def _climb(window: Window, service: str) -> Finding | None:
    """Resident memory that climbs within the window, far above anything the baseline showed, or a saw-tooth as high.

    What a process was given before the window, and kept, is no leak.

    (Software ageing: the trend of a resource that nobody gives back; Garg et al., ISSRE 1998.)
    """
    high, low = (window.now.value(name, service_name=service) or 0.0 for name in ("memory", "memory_low"))
    usual = window.before.value("memory", service_name=service) or 0.0
    restarts = window.now.total("starts", service_name=service)
    begun = low if restarts else window.now.value("memory_start", service_name=service) or usual
    climb = high - max(begun, usual)
    if not usual or climb < _LEAST_CLIMB_BYTES or high < 1.25 * usual:
        return None
    ended = f", and it was started again {restarts:.0f} times" if restarts else ""
    sentence = f"The memory of {service} rose to {high / 1e6:.0f} MB (at most {usual / 1e6:.0f} MB before){ended}."
    growth = slowest_own(window, service)
    numbers = {"megabytes": high / 1e6, "megabytes_before": usual / 1e6, "lowest": low / 1e6, "restarts": restarts}
    logs = lines(window.now.logs, services=[service], having=("memory",))
    evidence = Evidence(numbers, growth.traces if growth else (), logs, window.query("memory"))
    return Finding(service, "process", KIND, graded(climb, 80e6, 350e6), sentence, evidence)


def _collector(window: Window, service: str) -> Finding | None:
    now = window.now.value("gc_pause", service_name=service) or 0.0
    before = window.before.value("gc_pause", service_name=service) or 0.0
    slow = window.now.value("gc_slow", service_name=service) or 0.0
    if now < _LEAST_GC or now < 5 * before or slow < _FEW_PAUSES:
        return None
    sentence = (
        f"The garbage collector stops {service} for {now * 1e3:.0f} ms of each second ({before * 1e3:.1f} ms before), "
        f"{slow:.0f} pauses above 100 ms."
    )
    growth = slowest_own(window, service)
    numbers = {"pause_a_second": now, "before": before, "long_pauses": slow}
    evidence = Evidence(numbers, growth.traces if growth else (), (), window.query("gc_pause"))
    return Finding(service, "process", KIND, graded(now, 0.01, 0.15), sentence, evidence)
