"""The memory guard ends a process at its limit, having said why."""

from __future__ import annotations

import json
import subprocess
import sys
from threading import Event

import psutil

from chassis.memory_guard import MEGABYTE, MemoryGuard
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.unit.chassis.collector import Collector, collecting
from tests.unit.signals import Signals

HUNGRY = """
import sys, time
from chassis.memory_guard import MEGABYTE, MemoryGuard
from chassis.settings import Settings
from chassis.telemetry import Telemetry
import psutil
telemetry = Telemetry("nlp_model", Settings(otlp_endpoint=sys.argv[1]))
telemetry.start()
limit = psutil.Process().memory_info().rss // MEGABYTE + 40
MemoryGuard(telemetry, limit, interval_s=0.05).start()
kept = []
while True:
    kept.append(bytearray(4 * 2**20))
    time.sleep(0.005)
"""


def test_a_process_over_its_limit_ends_with_137_and_its_last_line_is_exported() -> None:
    with collecting(Collector()) as collector:
        command = [sys.executable, "-c", HUNGRY, collector.url]
        ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
        assert ended.returncode == 137, ended.stderr
        last = json.loads(ended.stdout.splitlines()[-1])
        assert last["level"] == "CRITICAL"
        assert last["resident_mb"] > last["limit_mb"]
        assert ["out of memory" in record.body.string_value for record in collector.logs()] == [True]


def test_it_counts_in_millions_of_bytes_so_that_a_containers_mebibytes_lie_above(telemetry: Telemetry) -> None:
    resident, ended = psutil.Process().memory_info().rss, Event()
    limit = resident // MEGABYTE - 2
    assert resident < limit * 2**20, "else a guard that counted in MiB would end it, too"
    MemoryGuard(telemetry, limit, interval_s=0.01, end=lambda _: ended.set()).start()
    assert ended.wait(10)


def test_the_limit_is_a_knob(telemetry: Telemetry, signals: Signals) -> None:
    ended, codes = Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    guard = MemoryGuard(telemetry, 1_000_000, interval_s=0.01, end=end)
    guard.start()
    assert not ended.wait(0.1)
    resident = psutil.Process().memory_info().rss // MEGABYTE
    telemetry.knobs.set("memory.limit_mb", resident - 10)
    assert ended.wait(10)
    assert codes == [137]
    assert signals.logs("CRITICAL")[0].fields["limit_mb"] == resident - 10


def test_without_a_limit_it_only_watches(settings: Settings) -> None:
    ended = Event()
    guard = MemoryGuard(Telemetry("x", settings), interval_s=0.01, end=lambda _: ended.set())
    guard.start()
    assert not ended.wait(0.1)
    guard.stop()
