"""What a player may do after the diagnosis, and what it does to the fault; the recovery is measured, not assumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.campaign.truth import Truth
from lab.clients.control import Control
from lab.clients.prometheus import Prometheus
from lab.drills import machines
from lab.drills.choices import ACTIONS, MODELS
from lab.drills.grading import RECOVERY
from lab.place import LabError, Place
from services import topology

USUAL_RATE = 4.0
USUAL_REPLICAS = 2
# A restart ends what lives in a process and came without a release.
_CURED_BY_RESTART = frozenset(
    {"memory", "crash", "blocked event loop", "CPU contention", "clock skew", "telemetry loss"}
)
_WHOLE = 0.95
_SLOWER = 2.0
_POLL_S = 2.0
WITHIN_S = 75.0
_COMPLETE = (
    'sum(increase(predictions_total{service_name="gateway",outcome="complete"}[20s])) '
    '/ sum(increase(http_requests_total{service_name="gateway",route="/v1/predictions"}[20s]))'
)
_LATENCY = (
    "histogram_quantile(0.9, sum by (le) "
    '(rate(http_request_duration_seconds_bucket{service_name="gateway",route="/v1/predictions"}[20s])))'
)


@dataclass(frozen=True)
class Done:
    """What was done, in words, and how to put back what it leaves behind."""

    said: str
    put_back: Callable[[], None] = lambda: None


def cures(action: str, target: str, truth: Truth, *, release: bool) -> bool:
    """Whether an action removes a cause: a rollback what came with a release, a restart what lives in that process,
    the end of the canary a bad version of that model."""
    if action == "rollback":
        return release
    if target not in truth.services:
        return False
    kind = truth.kinds[0]
    return (action == "restart" and kind in _CURED_BY_RESTART) or (action == "canary" and kind == "bad model version")


def perform(place: Place, action: str, target: str = "", amount: float = 0.0) -> Done:
    """Do it. ``amount``: requests a second for shed, replicas for scale. Raises LabError where that cannot be."""
    if action not in ACTIONS:
        raise LabError(f"There is no action {action!r} here.", f"There are {', '.join(ACTIONS)}.")
    known = {"canary": MODELS, "restart": tuple(topology.SERVICES), "scale": tuple(topology.SERVICES)}.get(action)
    if known and target not in known:
        raise LabError(f"{action} needs one of {', '.join(known)}.", f"`faultline drill act {action} {known[0]}`")
    if action == "rollback":
        return Done("The last release was rolled back.")
    if action == "restart":
        machines.restart(place, target)
        return Done(f"{target} was started again.")
    if action == "scale":
        replicas = int(amount) or USUAL_REPLICAS
        before = machines.scale(place, target, replicas)
        return Done(f"{target} has {replicas} replicas.", lambda: _scale_back(place, target, before))
    if action == "canary":
        return _turn(place, "orchestrator", f"canary.{target}", 0.0, f"Nobody gets {target} v2 any more.")
    rate = amount or USUAL_RATE
    return _turn(place, "gateway", "admission.limit", rate, f"The gateway lets {rate:g} requests a second in.")


def _turn(place: Place, service: str, knob: str, value: float, said: str) -> Done:
    """Turn a knob, which is put back to where it stood."""
    control = Control.of(place, service)
    before = control.knobs()[knob]
    control.set_knob(knob, value)
    return Done(said, lambda: control.set_knob(knob, before))


def _scale_back(place: Place, service: str, replicas: int) -> None:
    machines.scale(place, service, replicas)


def latency(prometheus: Prometheus, at_s: float | None = None) -> float | None:
    """The ninth decile of the time to answer a prediction, in seconds, then (now if None); None without traffic."""
    found = [sample.value for sample in prometheus.query(_LATENCY, at_s)]
    return found[0] if found and found[0] == found[0] else None


def harmed(prometheus: Prometheus, usual_latency_s: float | None) -> bool:
    """Whether answers are not whole or not in time now."""
    return not _well(prometheus, usual_latency_s)


def remark(causes: int, left: int) -> str:
    """What an action came to, in a sentence; the player has the solution by then."""
    if not causes:
        return "Nothing had been wrong."
    gone = causes - left
    if not gone:
        return "It removed no cause."
    return "The cause is gone." if not left else f"{gone} of {causes} causes is gone."


def recovery(
    prometheus: Prometheus, usual_latency_s: float | None, left: Sequence[Truth], within_s: float = WITHIN_S
) -> float:
    """Marks for the SLI's recovery: all of them once answers are whole and in time again, fewer the later.

    A silent cause that is ``left`` harms none of that and is still there: nothing has recovered from it.
    """
    if any(truth.silent for truth in left):
        return 0.0
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < within_s:
        if spent > _POLL_S and _well(prometheus, usual_latency_s):
            return round(RECOVERY * (1 - spent / within_s / 2), 1)
        time.sleep(_POLL_S)
    return 0.0


def _well(prometheus: Prometheus, usual_s: float | None) -> bool:
    whole = [sample.value for sample in prometheus.query(_COMPLETE)]
    now = latency(prometheus)
    in_time = now is not None and (usual_s is None or now <= max(_SLOWER * usual_s, 0.1))
    return bool(whole) and whole[0] >= _WHOLE and in_time
