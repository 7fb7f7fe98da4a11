"""The command line helps, prints JSON where asked, and says the next step instead of a stack trace."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from lab.cli import build_app
from lab.cli.look import seconds
from lab.cli.output import table, working
from lab.place import LabError

COMMANDS = ("up", "down", "status", "reset", "doctor", "predict", "traces", "trace", "logs", "load")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = CliRunner().invoke(build_app(), [command, "--help"], terminal_width=100)

    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"faultline {command}" in result.output


@pytest.mark.parametrize("command", [["status"], ["doctor"]])
def test_json_is_one_document(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTLINE_RUN_DIR", str(tmp_path))
    result = CliRunner().invoke(build_app(), [*command, "--json"])

    assert json.loads(result.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "--target", "k8s"], "kubectl"),  # not there, or without a cluster
        (["predict"], "api_key_learner cannot be read"),
        (["traces", "--since", "soon"], "'soon' is no duration"),
        (["trace", "ab"], "cannot be reached"),
    ],
)
def test_errors_say_the_next_step(arguments: list[str], message: str, tmp_path: Path) -> None:
    environment = {"FAULTLINE_RUN_DIR": str(tmp_path), "FAULTLINE_PORT_OFFSET": "49000", "PATH": "/usr/bin:/bin"}
    # Without a home kubectl makes a folder `.kube` where it stands.
    environment |= {"KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert message in done.stderr
    assert "Next:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "value"), [("250ms", 0.25), ("90s", 90), ("1.5h", 5400), ("2d", 172800)])
def test_durations_are_read(text: str, value: float) -> None:
    assert seconds(text) == value


def test_a_cell_may_hold_anything_and_only_a_text_has_a_style() -> None:
    cells = ("pid 7: python [/srv/app] [bold]", ":bell: [x]")
    shown, terminal = io.StringIO(), io.StringIO()
    for file, is_terminal in ((shown, False), (terminal, True)):
        out = Console(file=file, force_terminal=is_terminal, width=100)
        out.print(table(("holder", "what", "state"), [(*cells, Text("[ready]", "green"))]))

    assert all(cell in shown.getvalue() for cell in (*cells, "[ready]"))
    assert "\x1b[" not in shown.getvalue()
    assert "\x1b[32m[ready]" in terminal.getvalue()


def test_long_work_shows_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with working("Reading"):
        pass
    assert capsys.readouterr() == ("", "")

    monkeypatch.setenv("FORCE_COLOR", "1")  # Rich takes it for a terminal
    with working("Reading"):
        pass
    said = capsys.readouterr()
    assert said.out == ""
    assert "Reading" in said.err


def test_a_duration_needs_a_unit() -> None:
    with pytest.raises(LabError):
        seconds("90")
