"""``faultline predict``: one real request, its answer and its trace."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.first_trace import print_answer, print_trace, whole_trace
from lab.cli.output import AsJson, console, print_json
from lab.cli.waterfall import trace_json
from lab.clients.http import open_client
from lab.place import Place
from lab.question import answer_to, ask_for


def predict(
    listing: Annotated[str, typer.Option(help="Listing id, such as L000001; the first one if left out.")] = "",
    user: Annotated[str, typer.Option(help="User id, such as U000001; the first one if left out.")] = "",
    description: Annotated[str, typer.Option(help="Text to score instead of the listing's own.")] = "",
    trace: Annotated[bool, typer.Option(help="Show the trace as well.")] = True,
    as_json: AsJson = False,
) -> None:
    """Send one prediction with the listing's own text and photo; print the answer and its trace.

    [dim]Examples:[/dim]
      faultline predict
      faultline predict --listing L000042 --user U000007
      faultline predict --no-trace --json
    """
    place = Place.from_environment()
    with open_client() as http:
        answer = answer_to(ask_for(listing, user, description), place, http)
        spans = whole_trace(place, answer["trace_id"], http) if trace else []
    if as_json:
        print_json({"answer": answer, "trace": trace_json(spans) if spans else None})
        return
    out = console()
    print_answer(answer, out)
    if trace:
        print_trace(answer["trace_id"], spans, out)
