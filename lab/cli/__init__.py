"""The command ``faultline``."""

from __future__ import annotations

import sys

import typer

from lab.cli import (
    campaign,
    canary,
    console,
    diagnose,
    doctor,
    drill,
    faults,
    gameday,
    grafana,
    look,
    predict,
    prediction,
    replay,
    runbook,
    stack,
    traffic,
    verify,
    workshop,
)
from lab.cli.elsewhere import belongs_here, run_elsewhere
from lab.cli.output import complain
from lab.place import LabError, Place

_HELP = """Practise finding the root cause of slow, failing or wrong predictions, on a real system.

[bold]faultline up[/bold] starts it, [bold]faultline predict[/bold] sends one prediction and shows its trace,
[bold]faultline down[/bold] stops it. Where it runs in containers, commands run in the lab's.
FAULTLINE_PORT_OFFSET moves every port, so that two stacks run side by side."""


def build_app() -> typer.Typer:
    """Every command, in the order of a first visit."""
    app = typer.Typer(
        name="faultline", help=_HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
    )
    for command in (stack.up, stack.down, stack.status, stack.reset):
        app.command()(command)
    app.command(name="console")(console.open_console)
    app.command()(doctor.doctor)
    app.command()(grafana.grafana)
    app.command()(predict.predict)
    for look_command in (look.traces, look.trace, look.logs, look.metrics):
        app.command()(look_command)
    app.command()(traffic.load)
    app.command()(verify.verify)
    app.command()(diagnose.diagnose)
    app.command()(canary.canary)
    app.command()(prediction.prediction)
    app.command()(runbook.runbook)
    app.add_typer(drill.app)
    app.add_typer(gameday.app)
    for case_command in (campaign.campaign, campaign.export, campaign.score, replay.replay):
        app.command()(case_command)
    app.add_typer(faults.app)
    app.add_typer(workshop.app)
    app.command()(console.serve)
    return app


def main() -> None:
    """Run the command line; what a person can put right is told without a stack trace, with exit code 1."""
    try:
        code = None if belongs_here(sys.argv[1:]) else run_elsewhere(Place.from_environment(), sys.argv[1:])
        if code is not None:
            sys.exit(code)
        build_app()()
    except LabError as error:
        complain(error)
        sys.exit(1)


__all__ = ["build_app", "main"]
