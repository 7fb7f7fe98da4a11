"""Starting a service again, and giving it more replicas in Kubernetes.

Supervisord starts it here. In a container of the stack, where the lab has no say over others, a service ends itself
when it is told to, and what runs the containers starts it again.
"""

from __future__ import annotations

import shutil

from lab.clients.control import Control
from lab.place import LabError, Place, host_name
from lab.stack import modes, tools
from lab.stack.modes import Target
from lab.stack.overlay import NAMESPACE
from lab.stack.supervisor import Supervisor

MOST_REPLICAS = 5
_ROLLED_OUT_S = 90.0


def restart(place: Place, service: str) -> None:
    """Start it again. Raises LabError where that cannot be done from here."""
    if place.inside:
        Control.of(place, service).restart()
        return
    Supervisor(place).restart(f"services:{service}")


def scale(place: Place, service: str, replicas: int) -> int:
    """So many replicas, in Kubernetes; returns how many there were. Raises LabError elsewhere."""
    if _mode(place) is not Target.K8S:
        raise LabError(
            f"There is one {service} here: only Kubernetes has a second machine to put one on.",
            "Another action helps here: rollback, restart, canary or shed.",
        )
    if not 1 <= replicas <= MOST_REPLICAS:
        raise LabError(f"{replicas} replicas cannot be had.", f"From 1 to {MOST_REPLICAS}.")
    if place.inside and shutil.which("kubectl") is None:  # as in the lab's own pod, which may do nothing to others
        command = f"kubectl -n {NAMESPACE} scale {_deployment(service)} --replicas={replicas}"
        raise LabError("The lab's pod has no say over the cluster.", f"On the host: {command}")
    before = _kubectl(place, "get", _deployment(service), "-o", "jsonpath={.spec.replicas}")
    _kubectl(place, "scale", _deployment(service), f"--replicas={replicas}")
    _kubectl(place, "rollout", "status", _deployment(service), f"--timeout={_ROLLED_OUT_S:g}s")
    return int(before)


def _mode(place: Place) -> Target:
    """How this stack runs, also where this process is in one of its containers."""
    inside = {"compose": Target.COMPOSE, "kubernetes": Target.K8S}
    return inside.get(place.environment) or modes.recorded(place)


def _deployment(service: str) -> str:
    return f"deployment/{host_name(service)}"


def _kubectl(place: Place, *arguments: str) -> str:
    return tools.run("kubectl", "-n", NAMESPACE, *arguments, cwd=place.root, timeout_s=_ROLLED_OUT_S + 10)
