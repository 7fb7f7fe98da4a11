"""Errors at their origin, told apart by what they say.

An error is reported where it starts: the deepest failing span of its trace (see Trace.error_origins). Its words, and
the log lines of that service, name the mechanism; a share of errors by itself names none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from lab.clients.telemetry import Span
from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines
from lab.diagnosis.trace import operation
from lab.diagnosis.window import Window

_FEW = 3


@dataclass(frozen=True)
class Words:
    """A kind of failure by its words, and where such an error may start (a pattern over the operation)."""

    kind: str
    words: re.Pattern[str]
    place: re.Pattern[str]
    meaning: str


_ANYWHERE = re.compile("")
_TABLE = (
    Words("access denied", re.compile(r"noperm|no permission|noauth|wrongpass|permission denied", re.I), _ANYWHERE,
          "the right to do it is missing"),
    Words("dependency down", re.compile(r"refused|name or service not known|no route", re.I), re.compile("^Redis$"),
          "the port refuses connections"),
    Words("bad input", re.compile(r"truncat|cannot identify|decod|corrupt|broken data|not a (photo|jpeg)", re.I),
          re.compile("decode|preprocess"), "what arrives cannot be decoded"),
    Words("bad model version", re.compile(r"\bnan\b|finite|overflow|\binf\b", re.I), _ANYWHERE,
          "the model's output is no number"),
)  # fmt: skip


def find(window: Window) -> list[Finding]:
    now, before = _origins(window, True), _origins(window, False)
    found = []
    for key, spans in now.items():
        usual = len(before.get(key, ())) * window.now.seconds / max(window.before.seconds, 1)
        if len(spans) < _FEW or len(spans) < 3 * usual:
            continue
        if (words := _words_of(key, spans)) is not None:
            found.append(_finding(window, key, spans, usual, words))
    return found


def _finding(window: Window, key: tuple[str, str], spans: list[Span], usual: float, words: Words) -> Finding:
    service, place = key
    logs = lines((line for line in window.now.logs if words.words.search(line.body)), services=[service])
    said = next((span.status_message for span in spans if words.words.search(_text(span))), "")
    versions = _versions(window, spans)
    of_version = f", all of version {versions}" if versions else ""
    sentence = (
        f"{len(spans)} errors start in {place} of {service} ({usual:.0f} before){of_version}: {words.meaning} "
        f"({said[:160]})."
    )
    evidence = Evidence(
        {"errors": len(spans), "errors_before": usual},
        examples(spans),
        logs,
        f'{{ resource.service.name = "{service}" && status = error }}',
    )
    return Finding(service, place, words.kind, graded(len(spans), 2, 10), sentence, evidence)


def _words_of(key: tuple[str, str], spans: list[Span]) -> Words | None:
    for words in _TABLE:
        if (
            words.place.search(key[1])
            and sum(bool(words.words.search(_text(span))) for span in spans) >= len(spans) / 4
        ):
            return words
    return None


def _text(span: Span) -> str:
    return f"{span.status_message} {span.attributes.get(names.ERROR_TYPE, '')}"


def _origins(window: Window, now: bool) -> dict[tuple[str, str], list[Span]]:
    table: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for trace in (window.now if now else window.before).traces:
        for span in trace.error_origins:
            table[span.service, operation(span)].append(span)
    return dict(table)


def _versions(window: Window, spans: list[Span]) -> str:
    """The one version that all these errors are of, where others were asked as well; else nothing."""
    failed = {_version(span) for span in spans} - {""}
    asked = {_version(span) for span in window.now.spans if span.service == spans[0].service} - {""}
    return failed.pop() if len(failed) == 1 and len(asked) > 1 else ""


def _version(span: Span) -> str:
    return str(span.attributes.get(names.MODEL_VERSION) or "")
