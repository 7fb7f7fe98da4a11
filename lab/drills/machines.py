"""Starting a service again and giving it more replicas: by supervisord here, by kubectl in Kubernetes."""

from __future__ import annotations

from lab.place import LabError, Place
from lab.stack import modes, tools
from lab.stack.modes import Target
from lab.stack.overlay import NAMESPACE
from lab.stack.supervisor import Supervisor

MOST_REPLICAS = 5
_ROLLED_OUT_S = 90.0


def restart(place: Place, service: str) -> None:
    """Start it again. Raises LabError where that cannot be done from here."""
    mode = _mode(place)
    if mode is Target.LOCAL:
        supervisor = Supervisor(place)
        supervisor.stop(f"services:{service}")
        supervisor.start(f"services:{service}")
    elif mode is Target.K8S:
        _kubectl(place, "rollout", "restart", _deployment(service))
        _kubectl(place, "rollout", "status", _deployment(service), f"--timeout={_ROLLED_OUT_S:g}s")
    else:
        raise LabError(
            "Containers are not started again from here.", f"`docker compose restart {_host(service)}` does it."
        )


def scale(place: Place, service: str, replicas: int) -> int:
    """So many replicas, in Kubernetes; returns how many there were. Raises LabError elsewhere."""
    if _mode(place) is not Target.K8S:
        raise LabError(
            f"There is one {service} here: only Kubernetes has a second machine to put one on.",
            "Another action helps here: rollback, restart, canary or shed.",
        )
    if not 1 <= replicas <= MOST_REPLICAS:
        raise LabError(f"{replicas} replicas cannot be had.", f"From 1 to {MOST_REPLICAS}.")
    before = _kubectl(place, "get", _deployment(service), "-o", "jsonpath={.spec.replicas}")
    _kubectl(place, "scale", _deployment(service), f"--replicas={replicas}")
    _kubectl(place, "rollout", "status", _deployment(service), f"--timeout={_ROLLED_OUT_S:g}s")
    return int(before)


def _mode(place: Place) -> Target:
    """How this stack runs, also where this process is in one of its containers."""
    inside = {"compose": Target.COMPOSE, "kubernetes": Target.K8S}
    return inside.get(place.environment) or modes.recorded(place)


def _deployment(service: str) -> str:
    return f"deployment/{_host(service)}"


def _host(service: str) -> str:
    return service.replace("_", "-")


def _kubectl(place: Place, *arguments: str) -> str:
    return tools.run("kubectl", "-n", NAMESPACE, *arguments, cwd=place.root, timeout_s=_ROLLED_OUT_S + 10)
