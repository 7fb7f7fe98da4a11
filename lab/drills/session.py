"""One drill from start to end. Its state is a file, so that a killed lab resumes or closes it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.campaign.truth import Truth, truth_of
from lab.drills import seal
from lab.drills.choose import Cause, Drill
from lab.drills.grading import Answer, Marks, grade
from lab.drills.history import History
from lab.faults import asking, wanted
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place

# Each fault also ends by its own timer: after this long a forgotten drill is over.
LONGEST_S = 1_500.0


@dataclass
class Current:
    """What is known of the running drill without breaking its seal."""

    id: str
    player: str
    seed: int
    level: int
    started: float
    sealed: str
    opening: str = ""
    hints: int = 0
    answered: bool = False
    usual_latency_s: float | None = None
    left: list[int] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.time() > self.started + LONGEST_S


@dataclass(frozen=True)
class Secret:
    """What the seal covers: the causes and the keys of their injections."""

    causes: tuple[Cause, ...]
    keys: tuple[str, ...]
    release: bool

    @property
    def truths(self) -> list[Truth]:
        return [truth_of(ROWS[cause.fault], cause.at) for cause in self.causes]


class Session:
    """The drills of one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.folder = place.run_dir / "drills"
        self.history = History(self.folder / "history.db")
        self._key = seal.key_of(self.folder / "key")

    @property
    def usual(self) -> Path:
        """The healthy window from before the drill."""
        return self.folder / "usual.json.gz"

    def current(self) -> Current:
        """The running drill. Raises LabError where none runs; one whose time is over is closed."""
        try:
            found = Current(**json.loads(self._file.read_text()))
        except FileNotFoundError:
            raise LabError("No drill is running.", "`faultline drill start` begins one.") from None
        if found.over:
            self.close(found, "answered" if found.answered else "expired")
            raise LabError("The drill's time is over; its fault has ended by itself.", "`faultline drill start`")
        return found

    def begin(self, drill: Drill, player: str, left: Sequence[int] = ()) -> Current:
        """Inject what the drill holds. Raises LabError where one runs already or a fault cannot be had."""
        if self._file.exists() and self._still_runs():
            raise LabError("A drill is running already.", "`faultline drill brief`, or `faultline drill give-up`.")
        keys = self._inject(drill)
        secret = {"causes": [asdict(cause) for cause in drill.causes], "keys": keys, "release": drill.release}
        current = Current(
            secrets.token_hex(4),
            player,
            drill.seed,
            drill.level,
            time.time(),
            seal.seal(secret, self._key),
            left=list(left),
        )
        self.history.begin(current.id, player, drill.seed, drill.level, current.started, current.sealed)
        self.save(current)
        return current

    def secret(self, current: Current) -> Secret:
        """Break the seal."""
        told = seal.unseal(current.sealed, self._key)
        return Secret(tuple(Cause(**cause) for cause in told["causes"]), tuple(told["keys"]), told["release"])

    def answer(self, current: Current, answers: Sequence[Answer], shown: Sequence[bool]) -> Marks:
        """Grade once; the fault stays on so that the player can act."""
        if current.answered:
            raise LabError(
                "You have answered already.", "`faultline drill act`, or `faultline drill give-up` to end it."
            )
        seconds = time.time() - current.started
        truths = self.secret(current).truths
        marks = grade(answers, truths, shown, current.hints, seconds / 60)
        current.answered = True
        self.save(current)
        self._end_row(current, "answered", marks.total, seconds)
        return marks

    def lift(self, current: Current) -> None:
        """End the drill's faults now."""
        keys = set(self.secret(current).keys)
        for row in wanted.read(self._place):
            if row.key in keys:
                asking.clear(self._place, row.key)

    def close(self, current: Current, state: str) -> None:
        """End faults and drill; an answered one keeps its marks."""
        self.lift(current)
        if not current.answered:
            self._end_row(current, state, 0.0, time.time() - current.started)
        self._file.unlink(missing_ok=True)
        self.usual.unlink(missing_ok=True)

    def save(self, current: Current) -> None:
        wanted.replace(self._file, json.dumps(asdict(current), indent=1))

    @property
    def _file(self) -> Path:
        return self.folder / "current.json"

    def _still_runs(self) -> bool:
        current = Current(**json.loads(self._file.read_text()))
        if current.over or current.answered:
            self.close(current, "answered" if current.answered else "expired")
            return False
        return True

    def _inject(self, drill: Drill) -> list[str]:
        keys: list[str] = []
        for cause in drill.causes:
            ask = asking.Ask(cause.fault, cause.at, intensity=cause.intensity, seconds=LONGEST_S)
            try:
                keys.append(asking.order(self._place, ask).key)
            except LabError:
                for key in keys:
                    asking.clear(self._place, key)
                # The reason names the fault, and the player may draw this seed again.
                raise LabError("This drill cannot begin now.", "Try another seed, or `faultline reset`.") from None
        return keys

    def _end_row(self, current: Current, state: str, marks: float, seconds: float) -> None:
        kinds = " + ".join(truth.kinds[0] for truth in self.secret(current).truths) or "no fault"
        self.history.end(current.id, state, time.time(), kinds, current.hints, marks, seconds)
