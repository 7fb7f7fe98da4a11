"""A run's processes are found by the run's own id, and nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from lab.place import Place
from lab.stack import down
from lab.stack.options import Options
from lab.stack.run import RUN_ID, end_processes, new_run, processes_of, read_run, write_run

# Says that it runs, then sleeps.
SLEEPER = "import time; print('here', flush=True); time.sleep(60)"


@contextmanager
def sleeper(run_id: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, RUN_ID: run_id}
    process = subprocess.Popen([sys.executable, "-c", SLEEPER], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_record_of_a_run_is_read_back(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    options = Options(telemetry=False, traffic_rate=2.5, seed=7, time_scale=60)
    run = new_run(place, options, "compose")

    assert read_run(place) is None
    write_run(place, run)
    assert read_run(place) == run
    assert run.options == options


def test_a_record_of_another_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    place.state_file.write_text('{"run_id": "ab", "started": 1.5, "colour": "blue"}')

    run = read_run(place)
    assert run is not None
    assert (run.run_id, run.seed) == ("ab", 1)


def test_only_this_runs_processes_are_ended() -> None:
    ours, theirs = (new_run(Place.from_environment({}), Options()) for _ in range(2))
    with sleeper(ours.run_id) as mine, sleeper(theirs.run_id) as other:
        assert [process.pid for process in processes_of(ours)] == [mine.pid]
        end_processes(processes_of(ours))

        assert not psutil.pid_exists(mine.pid)
        assert other.poll() is None


def test_down_ends_what_outlived_its_supervisor(tmp_path: Path) -> None:
    place = replace(Place.from_environment({}), run_dir=tmp_path)
    run = new_run(place, Options())
    write_run(place, run)
    with sleeper(run.run_id) as orphan:
        assert down(place)
        assert not psutil.pid_exists(orphan.pid)
    assert not down(place)
