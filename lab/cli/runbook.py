"""``faultline runbook``: what to do about an alert, and do it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from lab.cli.look import seconds
from lab.cli.output import AsJson, console, print_json, table, working
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.place import LabError, Place
from lab.runbooks import Runbook, Sources, labels_of, load, names, run

_WIDEST = 110
_WHOLE = ("Meaning", "Impact")
_LAST = ("Mitigation", "Prevention")
_MARK = {True: "[bold red]holds[/bold red]", False: "does not hold", None: "[yellow]not asked[/yellow]"}


def runbook(
    alert: Annotated[str, typer.Argument(help="An alert's name; all runbooks are listed if left out.")] = "",
    execute: Annotated[bool, typer.Option("--run", help="Execute each step and mark the table's row.")] = False,
    labels: Annotated[list[str] | None, typer.Option(help="A label of the alert, k=v; else the firing one's.")] = None,
    at: Annotated[str, typer.Option(help="A moment in the past: Unix seconds or 2026-01-31T12:00:00Z.")] = "",
    window: Annotated[str, typer.Option(help="In place of each [1m]: how far back a step looks.")] = "1m",
    as_json: AsJson = False,
) -> None:
    """Show an alert's runbook; with --run, ask every step of it and see where the evidence points.

    [dim]Examples:[/dim]
      faultline runbook
      faultline runbook RedisPoolWait
      faultline runbook RedisPoolWait --run
      faultline runbook CrashLoop --run --labels service_name=cv_model --window 30s
    """
    if not alert:
        _list(as_json)
        return
    book = load(alert)
    ran = None
    if execute:
        with working("Asking every step"):
            ran = _run(book, _given(labels), _moment(at), seconds(window))
    if as_json:
        print_json(ran or book.as_json())
        return
    _print(book, ran, console())


def _list(as_json: bool) -> None:
    books = [load(name) for name in names()]
    if as_json:
        print_json([dict(book.front_matter) for book in books])
        return
    rows = [(book.alert, _severity(book), book.sections[0].text.split("\n")[0]) for book in books]
    console().print(table(("runbook", "severity", "meaning"), rows))


def _severity(book: Runbook) -> str:
    return ", ".join(book.front_matter["severity"])


def _run(book: Runbook, given: Mapping[str, str] | None, at: float | None, window_s: float) -> dict[str, Any]:
    with open_client(LONG_TIMEOUT_S) as http:
        sources = Sources.of(Place.from_environment(), http)
        labels = labels_of(sources.prometheus, book.alert, at) if given is None else given
        return run(sources, book, labels, at, window_s)


def _given(labels: list[str] | None) -> dict[str, str] | None:
    if labels is None:
        return None
    wrong = [each for each in labels if "=" not in each]
    if wrong:
        raise LabError(f"{wrong[0]!r} is no label.", "Write name=value: --labels service_name=cv_model.")
    return dict(each.split("=", 1) for each in labels)


def _moment(text: str) -> float | None:
    """Unix seconds of a time; one without a zone is UTC."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise LabError(f"{text!r} is no time.", "Write Unix seconds, or 2026-01-31T12:00:00Z.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _print(book: Runbook, ran: Mapping[str, Any] | None, out: Console) -> None:
    out.print(f"[bold]{book.alert}[/bold]   {_severity(book)}   {_said(ran)}")
    sections = {section.title: section for section in book.sections}
    for title in _WHOLE:
        _heading(out, title)
        out.print(_prose(sections[title].source))
    _heading(out, "Diagnosis")
    for index, step in enumerate(book.steps):
        out.print(f"\n[bold]{step.number}. {step.name}[/bold]  {escape(step.question)}")
        result = ran["steps"][index] if ran else None
        query = result["query"] if result else step.query
        out.print(Padding(Syntax(query, "text", word_wrap=True, background_color="default"), (0, 0, 0, 3)))
        if result:
            _print_result(out, result)
        out.print(Padding(escape(step.look_for), (0, 0, 0, 3)), width=_WIDEST)
    for title in _LAST:
        _heading(out, title)
        out.print(_prose(sections[title].source))
    _heading(out, "Decision table")
    _print_table(out, book, None if ran is None else ran["branch"])


def _said(ran: Mapping[str, Any] | None) -> str:
    if ran is None:
        return ""
    when = datetime.fromtimestamp(ran["at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    labels = ", ".join(f"{name}={value}" for name, value in ran["labels"].items())
    return f"[dim]at {when}   {escape(labels) or 'the alert does not fire: asked of everything'}[/dim]"


def _print_result(out: Console, result: Mapping[str, Any]) -> None:
    out.print(f"   {_MARK[result['holds']]}   [dim]expected {escape(result['expect'])}[/dim]")
    if result["error"]:
        out.print(Padding(escape(result["error"]), (0, 0, 0, 3)), style="yellow")
    elif not result["rows"]:
        out.print("   [dim]no rows[/dim]")
    else:
        rows = [[_cell(cell) for cell in row] for row in result["rows"]]
        out.print(Padding(table(result["columns"], rows), (0, 0, 0, 3)))
        if result["total"] > len(rows):
            out.print(f"   [dim]{len(rows)} of {result['total']}[/dim]")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str("–" if value is None else value)


def _print_table(out: Console, book: Runbook, branch: Mapping[str, Any] | None) -> None:
    chosen = None if branch is None else branch["row"]
    rows = [
        (
            "→" if index == chosen else "",
            ", ".join(row.holds),
            ", ".join(row.fails),
            Text(row.kind, "bold red" if index == chosen else ""),
            *row.rest,
        )
        for index, row in enumerate(book.table)
    ]
    out.print(table(("", *book.columns), rows))
    if branch is not None:
        out.print(f"\nThe evidence points to [bold]{branch['kind']}[/bold]: docs/faults/{branch['page']}.md")


def _heading(out: Console, title: str) -> None:
    out.print(f"\n[bold underline]{title}[/bold underline]")


def _prose(source: str) -> Markdown:
    return Markdown(source, code_theme="default", hyperlinks=False)
