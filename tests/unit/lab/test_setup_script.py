"""The set-up script guards apt, puts the guard away again, and skips what is done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.place import Place

SETUP = Place.from_environment({}).root / "deploy/local/setup.sh"
LOCK = (SETUP.parents[2] / "requirements.lock").read_text().splitlines()
HEAVY = (
    next(line for line in SETUP.read_text().splitlines() if line.startswith("heavy=")).removeprefix("heavy=").strip("'")
)
TOOLS = ("sh", "dirname", "uname", "rm", "mv", "chmod", "grep", "cmp", "sed", "cp")


class Machine:
    """A machine of fakes: a PATH with a few tools, an apt-get that notes what it sees, and no servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy-rc.d"
        self.seen = folder / "seen"
        (folder / "bin").mkdir()
        for tool in TOOLS:
            (folder / "bin" / tool).symlink_to(shutil.which(tool) or tool)
        self.fake("id", "echo 0")
        self.fake("uname", "echo Linux")
        self.fake("apt-get", f'echo "$*" >>{self.seen}; sh {self.policy} >>{self.seen}; echo "guard $?" >>{self.seen}')
        venv = folder / "venv/bin"
        venv.mkdir(parents=True)
        for name in ("python", "faultline"):
            (venv / name).write_text("#!/bin/sh\n")
            (venv / name).chmod(0o755)
        shutil.copy(SETUP.parents[2] / "requirements.lock", folder / "venv/requirements.installed")

    def fake(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def set_up(self, *target: str) -> subprocess.CompletedProcess[str]:
        # The script looks into /usr/sbin and the like as well; a copy of it that does not keeps the real servers out.
        script = self.folder / "deploy/local/setup.sh"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(SETUP.read_text().replace(':/usr/sbin:/usr/local/bin:/opt/homebrew/bin:$HOME/go/bin"', '"'))
        shutil.copy(SETUP.parents[2] / "requirements.lock", self.folder / "requirements.lock")
        environment = {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder),
            "FAULTLINE_VENV": str(self.folder / "venv"),
            "FAULTLINE_POLICY_RC_D": str(self.policy),
        }
        return subprocess.run(
            ["/bin/sh", script, *target], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def with_servers(machine: Machine) -> None:
    for server in ("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"):
        machine.fake(server, "exit 0")


def test_a_machine_that_has_it_all_is_left_alone(machine: Machine) -> None:
    with_servers(machine)
    done = machine.set_up()

    assert (done.returncode, done.stdout) == (0, "")
    assert not machine.seen.exists()


@pytest.mark.parametrize("target", ["compose", "k8s"])
def test_for_containers_no_server_is_installed(machine: Machine, target: str) -> None:
    done = machine.set_up(target)

    assert (done.returncode, done.stdout) == (0, "")
    assert not machine.seen.exists()


def test_for_containers_the_command_line_is_enough_and_everything_else_is_not(machine: Machine) -> None:
    with_servers(machine)
    light = [line for line in LOCK if not re.match(HEAVY, line)]
    (machine.folder / "venv/requirements.installed").write_text("\n".join(light) + "\n")

    assert (machine.set_up("compose").returncode, machine.set_up("compose").stdout) == (0, "")
    assert "[3/3] Python packages" in machine.set_up("local").stdout


def test_a_target_that_does_not_exist_is_refused(machine: Machine) -> None:
    done = machine.set_up("mainframe")

    assert done.returncode == 1
    assert "no target mainframe" in done.stderr


def test_the_command_line_imports_nothing_heavy() -> None:
    heavy = {line.partition("==")[0] for line in LOCK if re.match(HEAVY, line)}
    assert {"torch", "scipy", "duckdb"} <= heavy
    script = """
import sys
from importlib.metadata import packages_distributions
import lab.cli
lab.cli.build_app()
owners = packages_distributions()
print(*{owner for module in sys.modules for owner in owners.get(module.partition(".")[0], ())})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())


def test_no_package_may_start_a_server_while_it_is_installed(machine: Machine) -> None:
    done = machine.set_up()

    assert done.returncode == 0, done.stderr
    assert "install -q -y --no-install-recommends redis-server prometheus" in machine.seen.read_text()
    assert machine.seen.read_text().count("guard 101") == 2
    assert not machine.policy.exists()


def test_a_policy_that_was_there_comes_back_though_apt_fails(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\n# mine\nexit 104\n")
    machine.fake("apt-get", "exit 100")
    done = machine.set_up()

    assert done.returncode != 0
    assert "apt-get" in done.stderr
    assert "# mine" in machine.policy.read_text()
    assert not machine.policy.with_name("policy-rc.d.before-faultline").exists()


def test_a_guard_that_a_killed_run_left_is_not_taken_for_the_machines_own(machine: Machine) -> None:
    machine.fake("apt-get", f"cat {machine.policy} >>{machine.seen}; kill -9 $PPID")
    (machine.folder / "bin/cat").symlink_to(shutil.which("cat") or "cat")
    assert machine.set_up().returncode != 0
    assert machine.policy.exists()

    machine.fake("apt-get", "exit 0")
    assert machine.set_up().returncode == 0
    assert not machine.policy.exists()


def test_without_root_it_prints_the_one_line(machine: Machine) -> None:
    machine.fake("id", "echo 1000")
    done = machine.set_up()

    assert done.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends redis-server prometheus" in done.stderr
    assert "disable --now redis-server prometheus" in done.stderr


def test_on_macos_it_prints_homebrews_line(machine: Machine) -> None:
    machine.fake("uname", "echo Darwin")
    done = machine.set_up()

    assert done.returncode == 1
    assert "brew install" in done.stderr


def test_the_tests_alone_get_a_browser(machine: Machine) -> None:
    with_servers(machine)
    assert machine.set_up().returncode == 0
    assert not machine.seen.exists()

    done = machine.set_up("test")
    assert done.returncode == 0, done.stderr
    assert "install -q -y --no-install-recommends chromium" in machine.seen.read_text()


def test_a_browser_that_is_there_or_named_is_enough(machine: Machine) -> None:
    with_servers(machine)
    machine.fake("chromium", "exit 0")

    assert (machine.set_up("test").returncode, machine.set_up("test").stdout) == (0, "")
    assert not machine.seen.exists()


@pytest.mark.parametrize(
    ("program", "script", "said"),
    [
        ("id", "echo 1000", "sudo apt-get install -y --no-install-recommends chromium"),
        ("uname", "echo Darwin", "brew install --cask chromium"),
    ],
)
def test_where_the_browser_cannot_be_installed_it_says_how(
    machine: Machine, program: str, script: str, said: str
) -> None:
    with_servers(machine)
    machine.fake(program, script)
    done = machine.set_up("test")

    assert done.returncode == 1
    assert said in done.stderr


def test_the_script_is_one_that_every_shell_reads() -> None:
    assert os.access(SETUP, os.X_OK)
    subprocess.run(["/bin/sh", "-n", SETUP], check=True)
