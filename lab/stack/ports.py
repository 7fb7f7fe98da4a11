"""Ports: which are taken, and by whom."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import psutil

from lab.place import HOST, LabError
from lab.stack.programs import Program

_LONGEST_COMMAND = 80


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier stack in TIME_WAIT do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holders(ports: Iterable[int]) -> dict[int, str]:
    """Taken ports with who listens there, as far as this user may see."""
    taken = [port for port in ports if not is_free(port)]
    if not taken:
        return {}
    names = _listeners()
    return {port: names.get(port, "a process this user may not see") for port in taken}


def require_free(listed: Iterable[Program]) -> None:
    """Raises LabError that names every taken port, who needs it and who holds it."""
    wanted = {port: program.name for program in listed for port in program.ports}
    if taken := holders(wanted):
        lines = "\n".join(f"  {port} (for {wanted[port]}) is held by {holder}" for port, holder in taken.items())
        raise LabError(
            f"Ports are taken:\n{lines}",
            "Stop what holds them, or move the whole stack: FAULTLINE_PORT_OFFSET=20000 faultline up",
        )


def _listeners() -> dict[int, str]:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS shows other processes' sockets to root alone
        return {}
    return {
        connection.laddr.port: _described(connection.pid)
        for connection in connections
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.pid
    }


def _described(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()) or process.name()
        return f"pid {pid}: {command[:_LONGEST_COMMAND]}"
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return f"pid {pid}"
