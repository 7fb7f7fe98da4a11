"""Record cases on the running system, one after another; what is recorded is not recorded again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from redis.exceptions import RedisError

from lab.campaign import predictions
from lab.campaign.plan import Case
from lab.campaign.truth import NO_FAULT, Truth, truth_of
from lab.clients.backends import Backends
from lab.diagnosis.collect import read_period
from lab.diagnosis.recording import load_period, save_period
from lab.diagnosis.window import Period
from lab.drills import decoys
from lab.faults import asking, state, wanted
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import recorded_options, restart

HEALTHY_SHARE = 0.9
_COMPLETE = 'sum(increase(predictions_total{outcome="complete"}[15s])) / sum(increase(predictions_total[15s]))'
_RECOVERY_S = 60.0
_POLL_S = 2.0
# Beyond a fault's window, for reading it on a busy machine; its own timer ends it at the latest then.
_SPARE_S = 240.0
# Prometheus scrapes every 5 s: what happened last is in its series only then.
_SETTLE_S = 4.0


@dataclass(frozen=True)
class Times:
    """Seconds of a case: the fault's window, the normal one, and how many cases share a normal one.

    A fault whose signals come late (drift, labels, memory) is given ``slow_s`` before its window, and again after it.
    """

    fault_s: float = 40.0
    normal_s: float = 60.0
    shared_by: int = 8
    slow_s: float = 45.0


@dataclass
class Recorder:
    """Records into ``folder``; ``say`` is told of progress."""

    place: Place
    backends: Backends
    folder: Path
    times: Times
    say: Callable[[str], None]

    def run(self, cases: Iterable[Case]) -> int:
        """Record what is missing; returns how many cases were recorded. One that fails is told, and left for later."""
        cases = list(cases)
        missing = [case for case in cases if not (self.folder / case.id / "truth.json").exists()]
        normal: Path | None = None
        done = 0
        for number, case in enumerate(missing):
            try:
                self._recover()
                if normal is None or number % self.times.shared_by == 0:
                    normal = self._normal()
                self._case(case, normal)
            except LabError as error:
                self.say(f"{case.id} could not be recorded: {error}")
                continue
            done += 1
            self.say(f"{number + 1} of {len(missing)}: {case.id}")
        self._label()
        return done

    def _label(self) -> None:
        """Labels come later than predictions: fill in those that have come by now, also for cases of earlier runs."""
        try:
            for path in self.folder.glob(f"*/{predictions.FILE}"):
                predictions.save(path, predictions.with_labels(self.place, predictions.load(path)))
        except RedisError as error:
            self.say(f"Labels cannot be read now: {error}")

    def _keep_predictions(self, folder: Path, normal: Path, period: Period) -> None:
        """What both windows predicted; a Redis that is still out of order leaves the case without."""
        usual = load_period(normal)
        try:
            rows = [row for each in (usual, period) for row in predictions.read(self.place, each.start_s, each.end_s)]
        except RedisError as error:
            self.say(f"{folder.name}: its predictions cannot be read: {error}")
            return
        predictions.save(folder / predictions.FILE, rows)

    def _normal(self) -> Path:
        """A healthy window that the next cases share."""
        begun = time.time()
        _until(begun + self.times.normal_s)
        path = self.folder / "normal" / f"{int(begun)}.json.gz"
        save_period(path, read_period(self.backends, begun, time.time() - 1))
        return path

    def _case(self, case: Case, normal: Path) -> None:
        usual_share = decoys.usual(self.place, case.at)
        key, truth = self._inject(case, usual_share)
        slow = bool(case.fault) and ROWS[case.fault].back == "w"
        begun = time.time() + (self.times.slow_s if slow else 0.0)
        try:
            _until(begun + self.times.fault_s)
            period = read_period(self.backends, begun + 1, begun + self.times.fault_s)
        finally:
            self._lift(key)
            if not case.fault:
                decoys.put_back(self.place, case.at, usual_share)
        if slow:
            _until(time.time() + self.times.slow_s)
        folder = self.folder / case.id
        save_period(folder / "fault.json.gz", period)
        self._keep_predictions(folder, normal, period)
        (folder / "normal.json.gz").unlink(missing_ok=True)
        os.link(normal, folder / "normal.json.gz")
        about = {**asdict(case), "injected_s": begun, "truth": truth.as_dict()}
        (folder / "truth.json").write_text(json.dumps(about, indent=1))

    def _inject(self, case: Case, usual_share: float) -> tuple[str, Truth]:
        if not case.fault:
            decoys.play(self.place, case.at, usual_share)
            return "", NO_FAULT
        row = ROWS[case.fault]
        ask = asking.Ask(case.fault, case.at, intensity=case.intensity, seconds=self.times.fault_s + _SPARE_S)
        made = asking.order(self.place, ask)
        try:
            state.wait_on(self.place, made.key)
        except LabError:
            asking.clear(self.place, made.key)
            raise
        return made.key, truth_of(row, case.at)

    def _lift(self, key: str) -> None:
        """End the fault, unless its own timer was quicker."""
        if any(row.key == key for row in wanted.read(self.place)):
            asking.clear(self.place, key)

    def _recover(self) -> None:
        """Wait until predictions are whole again. A system that does not recover is started again, once a case.

        Raises LabError where that does not help either.
        """
        if not self._recovers():
            self.say("The system does not recover by itself; starting it again.")
            restart(self.place, recorded_options(self.place))
            if not self._recovers():
                raise LabError("the system does not recover, though it was started again.")
        _until(time.time() + _SETTLE_S)

    def _recovers(self) -> bool:
        deadline = time.monotonic() + _RECOVERY_S
        while not self._healthy():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _healthy(self) -> bool:
        found = self.backends.prometheus.query(_COMPLETE)
        return bool(found) and found[0].value >= HEALTHY_SHARE


def _until(moment_s: float) -> None:
    while (left := moment_s - time.time()) > 0:
        time.sleep(min(left, _POLL_S))
