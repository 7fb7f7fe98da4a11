"""supervisord over its unix socket: start it, ask it, stop it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from supervisor.xmlrpc import Faults, SupervisorTransport

from lab.place import LabError, Place


@dataclass(frozen=True)
class ProcessInfo:
    """One program as supervisord sees it; times are Unix seconds, 0 where there is none."""

    name: str
    state: str
    pid: int
    started: int
    now: int
    exit_status: int
    description: str

    @property
    def uptime_s(self) -> int:
        return self.now - self.started if self.pid else 0


class Supervisor:
    """A running supervisord of one place."""

    def __init__(self, place: Place) -> None:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{place.supervisor_socket}")
        self._proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)

    def pid(self) -> int | None:
        """supervisord's process id, or None where none answers on this place's socket."""
        try:
            return _as_int(self._proxy.supervisor.getPID())
        except (OSError, http.client.HTTPException):
            return None
        except xmlrpc.client.Fault as fault:
            raise _going_down(fault) from None

    def processes(self) -> list[ProcessInfo]:
        """Every program. Raises LabError where supervisord is gone or about to go."""
        try:
            answer = self._proxy.supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"supervisord has gone away ({error}).", "Run `faultline up` again.") from error
        except xmlrpc.client.Fault as fault:
            raise _going_down(fault) from None
        return [_process(row) for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []

    def shutdown(self) -> None:
        self._proxy.supervisor.shutdown()

    def stop(self, name: str) -> None:
        """Stop one program and wait until it has ended. ``name`` is ``group:program``."""
        self._proxy.supervisor.stopProcess(name)

    def start(self, name: str) -> None:
        """Start one program without waiting. ``name`` is ``group:program``."""
        self._proxy.supervisor.startProcess(name, False)

    def restart(self, name: str) -> None:
        """Stop one program and start it, without waiting until it is ready. Raises LabError where that cannot be.

        One that crashes by itself may be down at that moment, and is started again in any case.
        """
        try:
            _unless(Faults.NOT_RUNNING, self.stop, name)
            _unless(Faults.ALREADY_STARTED, self.start, name)
        except (OSError, http.client.HTTPException, xmlrpc.client.Fault) as error:
            raise LabError(f"{name} could not be started again ({error}).", "`faultline status` says more.") from error


def launch(place: Place, environment: Mapping[str, str]) -> None:
    """Start supervisord as a daemon; every program inherits ``environment``. Raises LabError if it refuses."""
    place.supervisor_socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(place.supervisor_conf)]
    done = subprocess.run(command, env=dict(environment), cwd=place.root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(
            f"supervisord did not start: {said[-1] if said else f'exit code {done.returncode}'}",
            f"Look at {place.shown(place.logs_dir / 'supervisord.log')}.",
        )


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with ``environment`` on top.

    PYTHONDONTWRITEBYTECODE is left out: each restart would compile torch anew and take many times as long.
    """
    own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**own, **environment}


def _process(row: Mapping[object, object]) -> ProcessInfo:
    return ProcessInfo(
        name=str(row["name"]),
        state=str(row["statename"]),
        pid=_as_int(row["pid"]),
        started=_as_int(row["start"]),
        now=_as_int(row["now"]),
        exit_status=_as_int(row["exitstatus"]),
        description=str(row["description"]),
    )


def _unless(known: int, order: Callable[[str], None], name: str) -> None:
    """Give an order about a program; that it has been carried out already is as good."""
    try:
        order(name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != known:
            raise


def _going_down(fault: xmlrpc.client.Fault) -> LabError:
    return LabError(f"The stack is being stopped ({fault.faultString}).", "Try again in a moment.")


def _as_int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"supervisord answered {value!r} where a number was due")
    return value
