"""A running game day: a folder that the runner and the players' commands share."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import atomic, seal
from lab.drills.grading import Answer
from lab.drills.open import ensure_open, game_day_runs
from lab.faults import asking, wanted
from lab.gameday.board import Said, report
from lab.gameday.script import Script, Step, parse
from lab.place import LabError, Place

_POLL_S = 1.0
_COMMANDS = ("pause", "resume", "abort")


@dataclass
class Clock:
    """Seconds of play: what was paused does not count."""

    started_s: float
    paused_s: float = 0.0
    paused_at_s: float = 0.0

    def now(self) -> float:
        at = self.paused_at_s or time.time()
        return at - self.started_s - self.paused_s


class Day:
    """One game day of one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.folder = place.run_dir / "gameday"

    def begin(self, document: object) -> str:
        """Lay the folder out anew; returns the instructor's token, which is kept as a digest alone.

        Raises LabError while a drill runs or another game day is played.
        """
        ensure_open(self._place)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        token = secrets.token_urlsafe(12)
        (self.folder / "token").write_text(_digest(token))
        (self.folder / "script").write_text(seal.seal(document, self._key()))
        self._save(Clock(time.time()))
        return token

    def run(self, script: Script, say: Callable[[str], None]) -> str:
        """Play until the last fault has ended or the instructor aborts; returns the report's path."""
        with self._lease():
            return self._play(script, say)

    def _play(self, script: Script, say: Callable[[str], None]) -> str:
        left = list(script.steps)
        on: list[str] = []
        ended = "ended as planned"
        try:
            while self.clock().now() < script.seconds:
                if self._command() == "abort":
                    ended = "aborted by the instructor"
                    break
                while left and not self.clock().paused_at_s and left[0].at_s <= self.clock().now():
                    on.append(self._inject(left.pop(0)))
                    say("Something may have changed.")
                time.sleep(_POLL_S)
        finally:
            self._lift(set(on))
        path = self.folder / "report.md"
        path.write_text(report(script, self.clock().started_s, self.answers(), ended))
        return str(path)

    def command(self, word: str, token: str) -> None:
        """Pause, resume or abort. Raises LabError for another token or word."""
        self.require(token)
        if word not in _COMMANDS:
            raise LabError(f"There is no {word!r}.", f"There are {', '.join(_COMMANDS)}.")
        clock = self.clock()
        if word == "pause" and not clock.paused_at_s:
            clock.paused_at_s = time.time()
        elif word == "resume" and clock.paused_at_s:
            clock.paused_s += time.time() - clock.paused_at_s
            clock.paused_at_s = 0.0
        self._save(clock)
        (self.folder / "command").write_text(word)

    def answer(self, player: str, answer: Answer) -> None:
        """Keep a player's answer. Raises LabError for who does not play, and after the end: the report tells."""
        players = self.script().players
        if player not in players:
            raise LabError(f"{player!r} does not play.", f"Players are {', '.join(players)}.")
        if not game_day_runs(self._place):
            raise LabError("No game day is being played.", "`faultline gameday run FILE.yaml` begins one.")
        line = json.dumps({"player": player, "at_s": self.clock().now(), "answer": asdict(answer)})
        with (self.folder / "answers.jsonl").open("a") as file:
            file.write(line + "\n")

    def answers(self) -> list[Said]:
        path = self.folder / "answers.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [Said(row["player"], row["at_s"], Answer(**row["answer"])) for row in rows]

    def script(self) -> Script:
        """What is played, unsealed. Raises LabError where no game day was begun."""
        try:
            return parse(seal.unseal((self.folder / "script").read_text(), self._key()))
        except FileNotFoundError:
            raise LabError("There is no game day.", "`faultline gameday run FILE.yaml` begins one.") from None

    def require(self, token: str) -> None:
        """Raises LabError unless it is the instructor's token."""
        path = self.folder / "token"
        if not path.exists() or not hmac.compare_digest(path.read_text(), _digest(token)):
            raise LabError("This is for the instructor.", "`faultline gameday run` printed the token.")

    def scored_until(self) -> float:
        """Seconds of play up to which marks may be seen: all of them once nobody plays any longer."""
        return self.clock().now() if game_day_runs(self._place) else float("inf")

    def clock(self) -> Clock:
        return Clock(**json.loads((self.folder / "clock.json").read_text()))

    def _key(self) -> bytes:
        return seal.key_of(self._place)

    @contextmanager
    def _lease(self) -> Iterator[None]:
        """Held while somebody plays, and gone with this process whatever ends it."""
        with (self.folder / "lease").open("w") as lease:
            fcntl.flock(lease, fcntl.LOCK_EX)
            yield

    def _save(self, clock: Clock) -> None:
        atomic.write(self.folder / "clock.json", json.dumps(asdict(clock)))

    def _command(self) -> str:
        path: Path = self.folder / "command"
        return path.read_text() if path.exists() else ""

    def _inject(self, step: Step) -> str:
        ask = asking.Ask(step.fault, step.place, intensity=step.intensity, seconds=step.seconds)
        return asking.order(self._place, ask).key

    def _lift(self, keys: set[str]) -> None:
        for row in wanted.read(self._place):
            if row.key in keys:
                asking.clear(self._place, row.key)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
