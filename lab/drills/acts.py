"""What a player may do after the diagnosis, and what it does to the fault; the recovery is measured, not assumed."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab.clients.control import Control
from lab.clients.prometheus import Prometheus
from lab.drills.grading import RECOVERY
from lab.place import LabError, Place
from lab.stack.supervisor import Supervisor
from services import topology

MODELS = ("nlp_model", "cv_model")
ACTIONS = ("rollback", "restart", "canary", "shed")
USUAL_SHARE = 20.0
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


def cures(action: str, target: str, kind: str, services: tuple[str, ...], *, release: bool) -> bool:
    """Whether an action removes a cause: a rollback what came with a release, a restart what lives in that process."""
    if action == "rollback":
        return release
    return action == "restart" and target in services and kind in _CURED_BY_RESTART


def perform(place: Place, action: str, target: str, rate: float) -> str:
    """Do it for real; returns what was done. Raises LabError for what cannot be done."""
    known = {"restart": tuple(topology.SERVICES), "canary": MODELS}.get(action, (target,))
    if target not in known:
        raise LabError(f"{action} needs one of {', '.join(known)}.", f"faultline drill act {action} {known[0]}")
    if action == "restart":
        supervisor = Supervisor(place)
        supervisor.stop(f"services:{target}")
        supervisor.start(f"services:{target}")
        return f"{target} was started again."
    if action == "canary":
        _canary(place, target, 0.0)
        return f"Nobody gets {target} v2 any more."
    if action == "shed":
        Control.of(place, "gateway").set_knob("admission.limit", rate)
        return f"The gateway lets {rate:g} requests a second in."
    if action == "rollback":
        return "The last release was rolled back."
    raise LabError(f"There is no action {action!r} here.", f"There are {', '.join(ACTIONS)}.")


def put_back(place: Place) -> None:
    """Undo what actions leave behind."""
    Control.of(place, "gateway").set_knob("admission.limit", 0.0)
    for model in MODELS:
        _canary(place, model, USUAL_SHARE)


def _canary(place: Place, model: str, share: float) -> None:
    Control.of(place, "orchestrator").set_knob(f"canary.{model}", share)


def latency(prometheus: Prometheus) -> float | None:
    """The ninth decile of the time to answer a prediction, in seconds; None without traffic."""
    found = [sample.value for sample in prometheus.query(_LATENCY)]
    return found[0] if found and found[0] == found[0] else None


def recovery(
    prometheus: Prometheus,
    usual_latency_s: float | None,
    within_s: float = WITHIN_S,
    say: Callable[[str], None] = print,
) -> float:
    """Marks for the SLI's recovery: all of them once answers are whole and in time again, fewer the later."""
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < within_s:
        if spent > _POLL_S and _well(prometheus, usual_latency_s):
            say(f"Answers are whole and in time again after {spent:.0f} s.")
            return round(RECOVERY * (1 - spent / within_s / 2), 1)
        time.sleep(_POLL_S)
    return 0.0


def _well(prometheus: Prometheus, usual_s: float | None) -> bool:
    whole = [sample.value for sample in prometheus.query(_COMPLETE)]
    now = latency(prometheus)
    in_time = now is not None and (usual_s is None or now <= max(_SLOWER * usual_s, 0.1))
    return bool(whole) and whole[0] >= _WHOLE and in_time
