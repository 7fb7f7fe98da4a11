"""One drill from start to end. Its state is on disk before anything breaks: a killed lab resumes or closes it."""

from __future__ import annotations

import fcntl
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import atomic, seal
from lab.campaign.truth import NO_FAULT, Truth
from lab.drills import decoys
from lab.drills.choose import Cause, Drill
from lab.drills.grading import Answer, Marks, grade
from lab.drills.history import History
from lab.drills.open import LONGEST_S, game_day_runs
from lab.faults import asking, wanted
from lab.place import LabError, Place

_BEGINS_WITHIN_S = 10.0


@dataclass
class Current:
    """What is known of the running drill without breaking its seal; ``begun`` once its faults are asked for."""

    id: str
    player: str
    seed: int
    level: int
    started: float
    sealed: str
    opening: str = ""
    hints: int = 0
    begun: bool = False
    answered: bool = False
    usual_latency_s: float | None = None
    left: list[int] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.time() > self.started + LONGEST_S

    @property
    def beginning(self) -> bool:
        """Whether another process is about to ask for its faults; one that was killed meanwhile is not."""
        return not self.begun and time.time() < self.started + _BEGINS_WITHIN_S

    @property
    def end(self) -> str:
        """How it ended, where it is closed without another word of the player."""
        if self.answered:
            return "answered"
        return "expired" if self.begun else "broken off"


@dataclass(frozen=True)
class Secret:
    """What the seal covers."""

    causes: tuple[Cause, ...]
    release: bool
    decoy: str = ""
    usual_share: float = 0.0

    @property
    def truths(self) -> list[Truth]:
        return [cause.truth for cause in self.causes]


class Session:
    """The drills of one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.folder = place.run_dir / "drills"
        self.history = History.of(place)
        self._key = seal.key_of(place)

    @property
    def usual(self) -> Path:
        """The healthy window from before the drill."""
        return self.folder / "usual.json.gz"

    def current(self) -> Current:
        """The running drill; one that never began, or is over, is closed. Raises LabError where none runs."""
        try:
            found = Current(**json.loads(self._file.read_text()))
        except FileNotFoundError:
            raise LabError("No drill is running.", "`faultline drill start` begins one.") from None
        if found.beginning:
            raise LabError("The drill is just beginning.", "Ask again in a moment.")
        if not found.begun:
            self.close(found, found.end)
            raise LabError("The drill was cut off while it began; nothing of it is on.", "`faultline drill start`")
        if found.over:
            self.close(found, found.end)
            raise LabError("The drill's time is over; its fault has ended by itself.", "`faultline drill start`")
        return found

    def ensure_free(self) -> None:
        """Raises LabError where a drill runs or a fault is on; what is left of an answered drill is closed."""
        if self._file.exists() and self._still_runs():
            raise LabError("A drill is running already.", "`faultline drill brief`, or `faultline drill give-up`.")
        if game_day_runs(self._place):
            raise LabError("A game day is being played.", "A drill can begin when it has ended.")
        if any(row.ends_at > time.time() for row in wanted.read(self._place)):
            raise LabError("A fault is on already: a drill begins on a healthy system.", "`faultline faults clear`")

    def begin(
        self, drill: Drill, player: str, left: Sequence[int] = (), usual_latency_s: float | None = None
    ) -> Current:
        """Inject what the drill holds. Raises LabError where one runs already or a fault cannot be had."""
        with self._alone():
            self.ensure_free()
            with _unnamed():
                usual_share = decoys.usual(self._place, drill.decoy)
            secret = asdict(Secret(drill.causes, drill.release, drill.decoy, usual_share))
            current = Current(
                secrets.token_hex(4),
                player,
                drill.seed,
                drill.level,
                time.time(),
                seal.seal(secret, self._key),
                usual_latency_s=usual_latency_s,
                left=list(left),
            )
            self.save(current)
        self.history.begin(current.id, player, drill.seed, drill.level, current.started, current.sealed)
        self._inject(current, drill, usual_share)
        current.begun = True
        self.save(current)
        return current

    def secret(self, current: Current) -> Secret:
        """Break the seal."""
        told = seal.unseal(current.sealed, self._key)
        return Secret(**{**told, "causes": tuple(Cause(**cause) for cause in told["causes"])})

    def answer(
        self, current: Current, answers: Sequence[Answer], shown: Sequence[Sequence[bool]], given_s: float
    ) -> Marks:
        """Grade once, by the time at which it was given; the fault stays on so that the player can act."""
        seconds = given_s - current.started
        truths = self.secret(current).truths
        marks = grade(answers, truths, shown, current.hints, seconds / 60)
        self._end_row(current, "answered", marks.total, seconds)
        current.answered = True
        self.save(current)
        return marks

    def lift(self, causes: Iterable[Cause]) -> None:
        """End these faults now; one whose own timer was quicker has ended."""
        meant = {(cause.fault, cause.at) for cause in causes}
        for row in wanted.read(self._place):
            if (row.fault, row.at) in meant:
                asking.clear(self._place, row.key)

    def close(self, current: Current, state: str) -> None:
        """End faults and drill; an answered one keeps its marks."""
        secret = self.secret(current)
        self.lift(secret.causes)
        decoys.put_back(self._place, secret.decoy, secret.usual_share)
        if not current.answered:
            self._end_row(current, state, 0.0, time.time() - current.started)
        self._file.unlink(missing_ok=True)
        self.usual.unlink(missing_ok=True)

    def break_off(self) -> None:
        """End whatever drill there is, without a solution."""
        if self._file.exists():
            current = Current(**json.loads(self._file.read_text()))
            self.close(current, current.end if current.answered or current.over else "broken off")

    def save(self, current: Current) -> None:
        atomic.write(self._file, json.dumps(asdict(current), indent=1))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start at a time, whatever process makes it: nobody else finds the lab free until this one is written."""
        with (self.folder / "begin.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def _file(self) -> Path:
        return self.folder / "current.json"

    def _still_runs(self) -> bool:
        current = Current(**json.loads(self._file.read_text()))
        if current.beginning or not (current.over or current.answered or not current.begun):
            return True
        self.close(current, current.end)
        return False

    def _inject(self, current: Current, drill: Drill, usual_share: float) -> None:
        left_s = current.started + LONGEST_S - time.time()
        with _unnamed():
            try:
                for cause in drill.causes:
                    ask = asking.Ask(cause.fault, cause.at, intensity=cause.intensity, seconds=left_s)
                    asking.order(self._place, ask)
                decoys.play(self._place, drill.decoy, usual_share)
            except LabError:
                self.close(current, "broken off")
                raise

    def _end_row(self, current: Current, state: str, marks: float, seconds: float) -> None:
        kinds = " + ".join(truth.kinds[0] for truth in self.secret(current).truths or [NO_FAULT])
        self.history.end(current.id, state, time.time(), kinds, current.hints, marks, seconds)


@contextmanager
def _unnamed() -> Iterator[None]:
    """A reason names the fault or the decoy, and the player may draw this seed again: all fail in the same words."""
    try:
        yield
    except LabError:
        raise LabError("This drill cannot begin now.", "Try another seed, or `faultline reset`.") from None
