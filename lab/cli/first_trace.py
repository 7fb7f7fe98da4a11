"""One prediction, and its trace as soon as it has arrived whole."""

from __future__ import annotations

import time
from typing import Any

import httpx
from rich.console import Console

from lab.cli.waterfall import print_waterfall
from lab.clients.gateway import GatewayError
from lab.clients.http import open_client
from lab.clients.telemetry import Span
from lab.clients.tempo import Tempo
from lab.place import LabError, Place
from lab.question import answer_to, ask_for, is_whole

# Services export every two seconds; a trace is whole when each service has exported twice at most.
_TRACE_TIMEOUT_S = 10.0
_POLL_S = 0.3
# The machine may still be busy with the start when the first question comes, and a breaker stays open for a moment.
_TRIES, _PAUSE_S = 3, 3.0


def whole_trace(place: Place, trace_id: str, http: httpx.Client, timeout_s: float = _TRACE_TIMEOUT_S) -> list[Span]:
    """A trace's spans once all services' have arrived, or what has arrived in time (perhaps nothing)."""
    tempo = Tempo(place.url("tempo"), http)
    deadline = time.monotonic() + timeout_s
    while True:
        spans = tempo.trace(trace_id)
        if is_whole(spans) or time.monotonic() > deadline:
            return spans
        time.sleep(_POLL_S)


def show_first_trace(place: Place, out: Console) -> None:
    with open_client() as http:
        answer = _first_answer(place, http)
        spans = whole_trace(place, answer["trace_id"], http)
    print_answer(answer, out)
    print_trace(answer["trace_id"], spans, out)


def _first_answer(place: Place, http: httpx.Client) -> dict[str, Any]:
    tries = 1
    while True:
        try:
            return answer_to(ask_for(), place, http)
        except GatewayError as error:
            if tries == _TRIES or error.status < httpx.codes.INTERNAL_SERVER_ERROR:
                raise
        time.sleep(_PAUSE_S)
        tries += 1


def print_trace(trace_id: str, spans: list[Span], out: Console) -> None:
    if not spans:
        raise LabError(
            f"The trace {trace_id} has not arrived in the store.", f"Try `faultline trace {trace_id}` in a moment."
        )
    print_waterfall(spans, out)


def print_answer(answer: dict[str, Any], out: Console) -> None:
    """The prediction in a few lines."""
    price, conversion, photo = answer.get("price"), answer.get("conversion"), answer.get("photo")
    if price:
        out.print(f"price       ${price['value']:,.0f}  (${price['low']:,.0f} to ${price['high']:,.0f})")
    if conversion:
        out.print(f"conversion  {conversion['probability']:.1%}{' (likely)' if conversion.get('likely') else ''}")
    if answer.get("text_score") is not None:
        out.print(f"text        {answer['text_score']:.2f}")
    if photo:
        numbers = ", ".join(f"{key} {_short(value)}" for key, value in photo.items() if value is not None)
        out.print(f"photo       {numbers}", markup=False)
    versions = ", ".join(f"{name} {version}" for name, version in (answer.get("model_versions") or {}).items())
    out.print(f"models      {versions}", markup=False)
    if answer.get("degraded"):
        out.print(f"[yellow]degraded[/yellow]    missing: {', '.join(answer.get('missing', []))}")
    out.print(f"request     {answer.get('request_id')}", markup=False)


def _short(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
