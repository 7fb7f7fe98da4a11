"""Too little CPU for the work: a process that fights with itself, a machine shared with a stranger, dear arithmetic.

USE method for CPUs: utilisation (process CPU seconds), saturation (run-queue wait, pressure stall information as in
the kernel's Documentation/accounting/psi.rst).
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, slowest_own
from lab.diagnosis.profile import Growth
from lab.diagnosis.window import Window

KIND = "CPU contention"
_MORE_THREADS = 5
_MORE_CPU = 0.15  # cores
_ANOTHER_TIME = 10.0
_COMPUTING = 0.9  # where it computes, on the loop or beside it, is told by others
_STRETCHED = 1.6
_NEVER_SURER = 0.88


def find(window: Window) -> list[Finding]:
    return _stranger(window) + [each for service in window.services if (each := _own(window, service))]


def _own(window: Window, service: str) -> Finding | None:
    """One service that computes more for the same requests, by itself."""
    growth = slowest_own(window, service, waits=False)
    threads, cpu = _change(window, "threads", service), _change(window, "cpu", service)
    if growth is None or (threads < _MORE_THREADS and cpu < _MORE_CPU):
        return None
    why = (
        f"{threads:.0f} more threads than before"
        if threads >= _MORE_THREADS
        else f"{cpu:.2f} more cores in use than before"
    )
    sentence = (
        f"{growth.key[1]} in {service} takes {growth.now_ms:.0f} ms of a request ({growth.before_ms:.1f} ms "
        f"before), with {why}."
    )
    explained = _explained(window, growth, cpu)
    numbers = {
        "own_ms": growth.now_ms, "own_before_ms": growth.before_ms, "more_threads": threads, "more_cores": cpu,
        "computing": explained,
    }  # fmt: skip
    evidence = Evidence(numbers, growth.traces, (), window.query("threads" if threads >= _MORE_THREADS else "cpu"))
    strength = max(
        graded(threads, _MORE_THREADS - 1, 15),
        graded(cpu, 0.1, 0.8) * 0.75,
        graded(min(explained, _COMPUTING), 0.3, 1.0),
    )
    return Finding(service, growth.key[1], KIND, strength, sentence, evidence)


def _explained(window: Window, growth: Growth, more_cores: float) -> float:
    """The part of an operation's gain that is computing: what a request burns more, over what it takes longer.

    Told only where the time became another (utilisation speaks of the service, not of the operation).
    """
    asked = window.now.total("predictions") / window.now.seconds if window.now.seconds else 0.0
    if not asked or growth.ratio < _ANOTHER_TIME:
        return 0.0
    return more_cores / asked * 1e3 / growth.gain_ms


def _stranger(window: Window) -> list[Finding]:
    """The machine is short of CPU though the services use no more of it: everything stretches alike."""
    run_now, run_before = sum(window.now.by("run_queue").values()), sum(window.before.by("run_queue").values())
    cpu_now, cpu_before = sum(window.now.by("cpu").values()), sum(window.before.by("cpu").values())
    stretch, waits = window.profile.stretch, run_now / max(run_before, 0.05)
    busier = any(_change(window, "threads", service) >= _MORE_THREADS for service in window.services)
    if stretch < _STRETCHED or waits < _STRETCHED or cpu_now > 1.35 * cpu_before + 0.1 or busier:
        return []
    sentence = (
        f"Everything takes {stretch:.1f} times as long, and threads wait {waits:.1f} times as long for a free core, "
        f"while the services use {cpu_now:.2f} cores ({cpu_before:.2f} before): something else takes them."
    )
    numbers = {"stretch": stretch, "run_queue": run_now, "run_queue_before": run_before, "cores": cpu_now}
    traces = tuple(trace.trace_id for trace in sorted(window.now.predictions, key=lambda t: -t.root.duration_ms)[:3])
    evidence = Evidence(numbers, traces, (), window.query("pressure"))
    # A mechanism that stands out against the stretch is the likelier cause, so this never is quite sure.
    return [Finding("host", "CPU", KIND, min(graded(min(stretch, waits), 1.3, 3), _NEVER_SURER), sentence, evidence)]


def _change(window: Window, name: str, service: str) -> float:
    now, before = (period.value(name, service_name=service) for period in (window.now, window.before))
    return now - before if now is not None and before is not None else 0.0
