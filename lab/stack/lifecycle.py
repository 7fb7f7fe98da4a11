"""Start and stop a whole stack."""

from __future__ import annotations

import shutil
import time

import psutil

from lab.place import LabError, Place
from lab.stack import alerting, files, ports, run, secrets, supervisor
from lab.stack.options import Options
from lab.stack.programs import Program, common_environment, programs
from lab.stack.progress import Progress, Silent
from lab.stack.readiness import wait_ready
from lab.traffic.shifts import write_shifts
from marketplace.world import Shifts

READY_TIMEOUT_S = 150.0
# supervisord stops the services, then the backends, each within its stopwaitsecs.
_STOP_TIMEOUT_S = 40.0
# What a reset wipes; keys and logs stay.
_STATE_FOLDERS = ("redis", "prometheus/data", "alertmanager", "telemetry_store")


def is_up(place: Place) -> bool:
    """Whether this place's supervisord runs (ready or not). In a container of the stack something is."""
    return place.inside or (place.supervisor_socket.exists() and supervisor.Supervisor(place).pid() is not None)


def require_up(place: Place) -> None:
    """Raises LabError where nothing runs."""
    if not is_up(place):
        raise LabError("Nothing is running.", "`faultline up` starts it.")


def up(
    place: Place,
    options: Options | None = None,
    progress: Progress | None = None,
    timeout_s: float = READY_TIMEOUT_S,
) -> bool:
    """Start the stack and wait until each program is ready; False if it was up already (and is ready).

    Raises LabError when a package is missing, a port is taken or a program does not become ready. What was started
    before the failure keeps running, so that one can look at it; ``down`` stops it.
    """
    told = progress or Silent()
    chosen = options or Options()
    if is_up(place):
        wait_ready(place, running_programs(place), told, timeout_s)
        return False
    _end_leftovers(place, told)
    listed = programs(place, chosen)
    ports.require_free(listed)
    told.step(f"Starting {len(listed)} programs")
    _launch(place, chosen, listed)
    wait_ready(place, listed, told, timeout_s)
    return True


def down(place: Place, progress: Progress | None = None) -> bool:
    """Stop what this place's ``up`` started, and nothing else; False if nothing ran."""
    told = progress or Silent()
    stopped = _stop_supervisor(place, told)
    return _end_leftovers(place, told) or stopped


def restart(place: Place, options: Options | None = None, progress: Progress | None = None) -> None:
    down(place, progress)
    up(place, options, progress)


def reset(place: Place, progress: Progress | None = None) -> None:
    """Stop the stack and wipe Redis's, Prometheus's, Alertmanager's and the store's data; keys and logs stay."""
    told = progress or Silent()
    down(place, told)
    for name in _STATE_FOLDERS:
        folder = place.run_dir / name
        if folder.exists():
            told.step(f"Wiping {place.shown(folder)}")
            shutil.rmtree(folder)


def recorded_options(place: Place) -> Options:
    """The choices of the last start. Raises LabError where there was none."""
    recorded = run.read_run(place)
    if recorded is None:
        raise LabError(f"There is no record of a start in {place.shown(place.run_dir)}.", "Run `faultline up`.")
    if recorded.offset != place.offset:
        raise LabError(
            f"The stack of {place.shown(place.run_dir)} has port offset {recorded.offset}, not {place.offset}.",
            f"Set FAULTLINE_PORT_OFFSET={recorded.offset}, or another FAULTLINE_RUN_DIR.",
        )
    return recorded.options


def running_programs(place: Place) -> list[Program]:
    """The programs of the run that is up, by its recorded choices. Raises LabError where there is no record."""
    return programs(place, recorded_options(place))


def _launch(place: Place, options: Options, listed: list[Program]) -> None:
    place.run_dir.mkdir(parents=True, exist_ok=True)
    secrets.ensure_secrets(place)
    secrets.write_acl(place)
    (place.run_dir / "telemetry_store").mkdir(exist_ok=True)
    alerting.write_alertmanager_config(place)
    write_shifts(place, Shifts())  # a start begins in the world as it is
    files.write_prometheus_folder(place, options.time_scale)
    files.write_supervisor_conf(place, listed)
    this_run = run.new_run(place, options)
    run.write_run(place, this_run)
    environment = {**common_environment(place, options), run.RUN_ID: this_run.run_id}
    supervisor.launch(place, supervisor.inherited(environment))


def _stop_supervisor(place: Place, told: Progress) -> bool:
    client = supervisor.Supervisor(place)
    pid = client.pid() if place.supervisor_socket.exists() else None
    if pid is None:
        return False
    told.step("Stopping the services, then the backends")
    process = psutil.Process(pid)
    client.shutdown()
    try:
        process.wait(timeout=_STOP_TIMEOUT_S)
    except psutil.TimeoutExpired:
        told.step("supervisord did not end in time; ending its processes one by one")
    return True


def _end_leftovers(place: Place, told: Progress) -> bool:
    """End processes of the last run that outlived their supervisord (it was killed, say)."""
    recorded = run.read_run(place)
    processes = run.processes_of(recorded) if recorded else []
    if not processes:
        return False
    told.step(f"Ending {len(processes)} processes that outlived their supervisor")
    began = time.monotonic()
    run.end_processes(processes)
    told.step(f"Ended after {time.monotonic() - began:.1f} s")
    return True
