"""A post-incident report in Markdown: what is known is filled in, the rest asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.campaign.truth import Truth, truth_of
from lab.faults.catalogue import ROWS
from lab.gameday.board import Said, scoreboard, step_at
from lab.gameday.script import Script, Step


@dataclass
class Log:
    """What happened, by Unix time: ``began`` and ``ended`` of each fault that came, and everything else in words."""

    began: dict[Step, float] = field(default_factory=dict)
    ended: dict[Step, float] = field(default_factory=dict)
    events: list[tuple[float, str]] = field(default_factory=list)


def report(
    script: Script, started_s: float, log: Log, answers: Sequence[Said], alerts: Mapping[str, float] | None, ended: str
) -> str:
    """``alerts``: when each first fired (Unix time); None where nobody could say."""
    lines = [f"# {script.title}", "", f"Started {_clock(started_s)} UTC, {ended}.", ""]
    lines += [
        "## Incidents",
        "",
        "| fault | kind | where | began | ended | first right answer |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_incident(script, step, log, answers) for step in script.steps if step in log.began]
    lines += ["", "## Alerts that fired", "", *_alerts(alerts)]
    lines += ["", "## Timeline", "", *(f"- {_clock(at)} {what}" for at, what in sorted(_events(log, answers)))]
    lines += ["", "## Scoreboard", "", "| player | marks | faults answered |", "|---|---|---|"]
    lines += [f"| {player} | {points:g} | {count} |" for player, points, count in scoreboard(script, answers)]
    for heading in ("Impact on users", "What went well", "What went badly", "What we change, who, by when"):
        lines += ["", f"## {heading}", "", "_To be filled in by the team._"]
    return "\n".join(lines) + "\n"


def _incident(script: Script, step: Step, log: Log, answers: Sequence[Said]) -> str:
    truth = truth_of(ROWS[step.fault], step.place)
    cells = (
        step.fault, truth.kinds[0], truth.services[0], _clock(log.began[step]),
        _clock(log.ended[step]) if step in log.ended else "", _first_right(script, step, truth, answers),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _first_right(script: Script, step: Step, truth: Truth, answers: Sequence[Said]) -> str:
    right = [
        each for each in answers
        if step_at(script, each.at_s) == step
        and truth.service_is(each.answer.service) and truth.kind_is(each.answer.kind)
    ]  # fmt: skip
    first = min(right, key=lambda each: each.at_s, default=None)
    return f"{first.player}, after {first.at_s - step.at_s:.0f} s" if first else "nobody"


def _events(log: Log, answers: Sequence[Said]) -> Iterator[tuple[float, str]]:
    yield from log.events
    for step, at in log.began.items():
        yield at, f"{step.fault} began{f' at {step.place}' if step.place else ''}"
    for step, at in log.ended.items():
        yield at, f"{step.fault} ended"
    for said in answers:
        answer = said.answer
        where = f"{answer.service}{f', {answer.operation}' if answer.operation else ''}"
        yield said.clock_s, f"{said.player} said {answer.kind}{f' in {where}' if where else ''}"


def _alerts(alerts: Mapping[str, float] | None) -> list[str]:
    if alerts is None:
        return ["_Prometheus could not be asked._"]
    return [f"- {_clock(at)} {name}" for name, at in sorted(alerts.items(), key=lambda row: row[1])] or ["None."]


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")
