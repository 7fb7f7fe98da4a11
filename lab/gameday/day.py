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
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import atomic, seal
from lab.clients.http import open_client
from lab.clients.prometheus import Prometheus
from lab.drills.choices import ensure_known
from lab.drills.grading import Answer
from lab.drills.open import ensure_open, game_day_runs
from lab.faults import asking, wanted
from lab.faults.wanted import Wanted
from lab.gameday.board import Said
from lab.gameday.report import Log, report
from lab.gameday.script import Script, Step, parse
from lab.place import LabError, Place

_POLL_S = 1.0
_ALERT_STEP_S = 5.0
_COMMANDS = ("pause", "resume", "abort")


@dataclass
class Clock:
    """Seconds of play: what was paused does not count. ``changes``: when it was paused (True) and went on."""

    started_s: float
    paused_s: float = 0.0
    paused_at_s: float = 0.0
    changes: list[tuple[float, bool]] = field(default_factory=list)

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
        left, on, log = list(script.steps), dict[Step, Wanted](), Log()
        ended = "ended as planned"
        try:
            while (clock := self.clock()).now() < script.seconds:
                if self._command() == "abort":
                    ended = "aborted by the instructor"
                    break
                while left and not clock.paused_at_s and left[0].at_s <= clock.now():
                    self._begin(left.pop(0), on, log)
                    say("Something may have changed.")
                time.sleep(_POLL_S)
        except KeyboardInterrupt:
            ended = "broken off where it was run"
        finally:
            self._lift({made.key for made in on.values()})
        log.ended = {step: min(made.ends_at, time.time()) for step, made in on.items()}
        return self._report(script, log, ended)

    def _begin(self, step: Step, on: dict[Step, Wanted], log: Log) -> None:
        """A fault that cannot be had spoils no day: the report says why it did not come."""
        try:
            on[step] = self._inject(step)
            log.began[step] = time.time()
        except LabError as error:
            log.events.append((time.time(), f"{step.fault} did not begin: {error}"))

    def _report(self, script: Script, log: Log, ended: str) -> str:
        clock, path = self.clock(), self.folder / "report.md"
        log.events += [(at, "paused" if pausing else "resumed") for at, pausing in clock.changes]
        log.events.append((time.time(), ended))
        told = report(script, clock.started_s, log, self.answers(), self._alerts(clock.started_s), ended)
        path.write_text(told)
        return str(path)

    def _alerts(self, since_s: float) -> dict[str, float] | None:
        """When each alert first fired since then; None where Prometheus does not answer."""
        with open_client() as http:
            prometheus = Prometheus(self._place.url("prometheus"), http)
            try:
                found = prometheus.query_range('ALERTS{alertstate="firing"}', since_s, time.time(), _ALERT_STEP_S)
            except LabError:
                return None
        first: dict[str, float] = {}
        for sample in found:
            name, at = sample.labels["alertname"], sample.points[0][0]
            first[name] = min(at, first.get(name, at))
        return first

    def command(self, word: str, token: str) -> None:
        """Pause, resume or abort. Raises LabError for another token or word, and where it changes nothing."""
        self.require(token)
        if word not in _COMMANDS:
            raise LabError(f"There is no {word!r}.", f"There are {', '.join(_COMMANDS)}.")
        self._ensure_played()
        clock, now = self.clock(), time.time()
        if word == "abort":
            (self.folder / "command").write_text(word)
            return
        if (word == "pause") == bool(clock.paused_at_s):
            raise LabError(f"It is {'paused already' if clock.paused_at_s else 'not paused'}.")
        if word == "resume":
            clock.paused_s += now - clock.paused_at_s
        clock.paused_at_s = now if word == "pause" else 0.0
        clock.changes.append((now, word == "pause"))
        self._save(clock)

    def answer(self, player: str, answer: Answer) -> None:
        """Keep a player's answer. Raises LabError for who does not play, and after the end: the report tells."""
        players = self.script().players
        if player not in players:
            raise LabError(f"{player!r} does not play.", f"Players are {', '.join(players)}.")
        self._ensure_played()
        ensure_known([answer])
        row = {"player": player, "at_s": self.clock().now(), "clock_s": time.time(), "answer": asdict(answer)}
        with (self.folder / "answers").open("a") as file:  # sealed: players see no other's answers
            file.write(seal.seal(row, self._key()) + "\n")

    def answers(self) -> list[Said]:
        path = self.folder / "answers"
        rows = [seal.unseal(line, self._key()) for line in path.read_text().splitlines()] if path.exists() else []
        return [Said(row["player"], row["at_s"], Answer(**row["answer"]), row["clock_s"]) for row in rows]

    def _ensure_played(self) -> None:
        if not game_day_runs(self._place):
            raise LabError("No game day is being played.", "`faultline gameday run FILE.yaml` begins one.")

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

    def _inject(self, step: Step) -> Wanted:
        ask = asking.Ask(step.fault, step.place, intensity=step.intensity, seconds=step.seconds)
        return asking.order(self._place, ask)

    def _lift(self, keys: set[str]) -> None:
        for row in wanted.read(self._place):
            if row.key in keys:
                asking.clear(self._place, row.key)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
