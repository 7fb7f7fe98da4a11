"""The local stack: five services, Redis, Prometheus, Alertmanager, the store and the traffic, under supervisord.

From Python::

    place = Place.from_environment({"FAULTLINE_PORT_OFFSET": "20000"})
    up(place, Options(traffic_rate=0))
    ...
    down(place)
"""

from lab.place import LabError, Place
from lab.stack.lifecycle import READY_TIMEOUT_S, down, is_up, recorded_options, require_up, reset, restart, up
from lab.stack.options import Options
from lab.stack.progress import Progress, Silent
from lab.stack.status import ProgramStatus, leftovers, memory_mb, pids, status

__all__ = [
    "READY_TIMEOUT_S",
    "LabError",
    "Options",
    "Place",
    "ProgramStatus",
    "Progress",
    "Silent",
    "down",
    "is_up",
    "leftovers",
    "memory_mb",
    "pids",
    "recorded_options",
    "require_up",
    "reset",
    "restart",
    "status",
    "up",
]
