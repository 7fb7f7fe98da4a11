"""`up` for Compose and Kubernetes does the right things in order; the tools are stand-ins that record their calls."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from lab.cli.elsewhere import belongs_here, run_elsewhere
from lab.place import LabError, Place
from lab.stack import Options, compose, k8s, modes, run
from lab.stack.modes import Target
from lab.stack.overlay import write_overlay
from lab.stack.prepared import data_dir, prepare

ROOT = Path(__file__).resolve().parents[2]
TOOL = """#!/bin/sh
printf '%s %s\\n' "$(basename "$0")" "$*" >> "$CALLS"
"""
HEALTHY = '{"Service": "gateway", "State": "running", "Health": "healthy", "Publishers": [{"PublishedPort": 8000}]}'
LOADED = '{"Service": "loader", "State": "exited", "Health": "", "ExitCode": 0}'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(ROOT, tmp_path / "run")


class Tools:
    """A folder of stand-ins that is all of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls_file = folder, folder / "calls"
        self.calls_file.touch()

    def add(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(TOOL + script)
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    made = Tools(tmp_path / "bin") if (tmp_path / "bin").mkdir() is None else None
    assert made
    for name in ("sh", "basename", "cat", "sleep"):
        (made.folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(made.folder))
    monkeypatch.setenv("CALLS", str(made.calls_file))
    return made


def test_without_docker_the_obstacle_is_named_and_up_says_what_to_do(place: Place, tools: Tools) -> None:
    assert compose.obstacle(place) == "there is no Compose v2"
    with pytest.raises(LabError, match="docker is not installed") as raised:
        compose.up(place)
    assert "--target local" in raised.value.next_step


def test_an_engine_that_does_not_answer_is_an_obstacle(place: Place, tools: Tools) -> None:
    tools.add("docker", 'if [ "$1" = info ]; then echo "Cannot connect" >&2; exit 1; fi')
    assert compose.obstacle(place) == "no engine answers"
    with pytest.raises(LabError, match="no engine answers") as raised:
        compose.up(place)
    assert "--target local" in raised.value.next_step


def test_an_image_that_is_not_built_yet_needs_the_one_it_is_built_on(place: Place, tools: Tools) -> None:
    tools.add("docker", 'case "$*" in *"config --images") echo faultline:0.1.0;; image*|manifest*) exit 1;; esac')
    assert "python:3.11" in (compose.obstacle(place) or "")


def test_images_that_cannot_be_had_are_an_obstacle(place: Place, tools: Tools) -> None:
    tools.add("docker", 'case "$*" in *"config --images") echo redis:8.8.0-alpine;; image*|manifest*) exit 1;; esac')
    assert "redis:8.8.0-alpine" in (compose.obstacle(place) or "")


def test_with_images_here_nothing_stands_in_the_way(place: Place, tools: Tools) -> None:
    tools.add("docker", 'case "$*" in *"config --images") echo redis:8.8.0-alpine;; manifest*) exit 1;; esac')
    assert compose.obstacle(place) is None


def test_up_prepares_builds_and_waits(place: Place, tools: Tools) -> None:
    script = f"""case "$*" in
    *" ps "*) if grep -q " up " "$CALLS"; then echo '{HEALTHY}'; echo '{LOADED}'; fi;;
    esac"""
    (tools.folder / "grep").symlink_to("/bin/grep")
    tools.add("docker", script)
    assert compose.up(place, Options(traffic_rate=0)) is True
    started = next(call for call in tools.calls if " up " in call)
    assert "--build" in started
    assert (data_dir(place) / "pip.conf").exists()
    assert "--scale traffic=0" in started
    assert (place.secrets_dir / "grafana_admin_password").exists()
    assert [row.name for row in compose.status(place)] == ["gateway", "loader"]
    assert compose.up(place) is False


RUNNING = f"""case "$*" in *" ps "*) echo '{HEALTHY}';; *" exec "*) exit 7;; esac"""


def test_a_machine_without_an_engine_runs_processes_and_says_why(place: Place, tools: Tools) -> None:
    assert modes.choose(place, Target.AUTO) == (Target.LOCAL, "processes on this machine, for there is no Compose v2")


def test_a_machine_with_an_engine_runs_containers(place: Place, tools: Tools) -> None:
    tools.add("docker", "")
    assert modes.choose(place, Target.AUTO)[0] is Target.COMPOSE


def test_what_is_said_is_what_is_started(place: Place, tools: Tools) -> None:
    for target in (Target.LOCAL, Target.COMPOSE, Target.K8S):
        assert modes.choose(place, target)[0] is target


def test_what_is_up_stays_and_nothing_else_is_started_beside_it(place: Place, tools: Tools) -> None:
    tools.add("docker", RUNNING)
    run.write_run(place, run.new_run(place, Options(), "compose"))
    assert modes.choose(place, Target.AUTO) == (Target.COMPOSE, "it is up here already")
    with pytest.raises(LabError, match="up here as compose"):
        modes.choose(place, Target.LOCAL)


def test_commands_run_where_the_stack_runs(place: Place, tools: Tools) -> None:
    tools.add("docker", RUNNING)
    run.write_run(place, run.new_run(place, Options(), "compose"))
    assert run_elsewhere(place, ["traces", "--limit", "3"]) == 7
    assert tools.calls[-1].endswith("exec --no-TTY lab python -m lab traces --limit 3")


@pytest.mark.parametrize("target", ["compose", "k8s"])
def test_what_could_not_be_stopped_is_found_again(place: Place, tools: Tools, target: str) -> None:
    tools.add("docker", f"""case "$*" in *" ps "*) echo '{HEALTHY}';; *" down "*) exit 1;; esac""")
    tools.add("kubectl", 'case "$*" in "get namespace"*) echo namespace/marketplace;; delete*) exit 1;; esac')
    run.write_run(place, run.new_run(place, Options(), target))
    with pytest.raises(LabError, match="failed"):
        modes.of(place).down(place)
    assert modes.recorded(place) is Target(target)


def test_commands_of_a_local_stack_run_here(place: Place, tools: Tools) -> None:
    assert run_elsewhere(place, ["traces"]) is None
    run.write_run(place, run.new_run(place, Options()))
    assert run_elsewhere(place, ["traces"]) is None
    assert tools.calls == []


def test_where_no_container_is_left_one_is_told_how_to_start(place: Place, tools: Tools) -> None:
    tools.add("docker", "")
    run.write_run(place, run.new_run(place, Options(), "compose"))
    with pytest.raises(LabError, match="Nothing is running as compose"):
        run_elsewhere(place, ["predict"])


@pytest.mark.parametrize("words", [[], ["--help"], ["up"], ["down"], ["drill", "start", "--help"]])
def test_what_starts_and_stops_and_explains_belongs_on_the_host(words: list[str]) -> None:
    assert belongs_here(words)


def test_a_container_that_failed_is_named(place: Place, tools: Tools) -> None:
    broken = '{"Service": "redis", "State": "exited", "ExitCode": 1}'
    tools.add("docker", f"""case "$*" in *" ps "*) echo '{broken}';; esac""")
    with pytest.raises(LabError, match="redis: ended with exit code 1"):
        compose.up(place, timeout_s=0)


def test_a_start_in_kubernetes_is_an_overlay_of_its_choices(place: Place) -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is missing: `kubectl kustomize` renders the overlay, without any cluster")
    folder = write_overlay(place, Options(traffic_rate=3, seed=7, time_scale=60))
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {
        (each["kind"], each["metadata"]["name"].partition("-rules")[0]): each
        for each in yaml.safe_load_all(done.stdout)
    }
    traffic, lab = (
        found["Deployment", name]["spec"]["template"]["spec"]["containers"][0] for name in ("traffic", "lab")
    )
    assert traffic["args"] == ["lab.traffic", "--rate", "3", "--seed", "7", "--forever"]
    for container in (traffic, lab):
        assert {"name": "FAULTLINE_TIME_SCALE", "value": "60"} in container["env"]
    assert {"name": "FAULTLINE_ENVIRONMENT", "value": "kubernetes"} in lab["env"]
    assert "drills.yml" in found["ConfigMap", "prometheus"]["data"]


def test_a_cluster_that_is_not_local_is_left_alone(place: Place, tools: Tools) -> None:
    tools.add("kubectl", "echo company-production")
    with pytest.raises(LabError, match="company-production"):
        k8s.up(place)
    assert tools.calls == ["kubectl config current-context"]


def test_without_a_cluster_one_is_told_how_to_make_one(place: Place, tools: Tools) -> None:
    tools.add("kubectl", "echo error: current-context is not set >&2; exit 1")
    with pytest.raises(LabError, match="no cluster") as raised:
        k8s.up(place)
    assert "kind create cluster" in raised.value.next_step


def test_a_missing_loader_is_named_before_anything_is_built(place: Place, tools: Tools) -> None:
    tools.add("kubectl", "echo kind-practice")
    tools.add("docker", "")
    with pytest.raises(LabError, match="kind is not installed"):
        k8s.up(place)
    assert not any(call.startswith("docker") for call in tools.calls)


KUBECTL = """case "$*" in
"config current-context") echo kind-practice;;
*"get namespace"*) grep -q "apply -k" "$CALLS" && echo namespace/marketplace;;
*"get deployments,statefulsets"*) echo "gateway 1 1"; echo "redis 1 1";;
kustomize*) printf 'apiVersion: v1\\nkind: Namespace\\nmetadata: {name: marketplace}\\n---\\nkind: Service\\n';;
*"get deployment "*) echo deployment.apps/gateway;;
*port-forward*) exec sleep 60;;
*"-f -"*) cat > /dev/null;;
esac
exit 0"""


def test_up_loads_the_image_makes_the_secret_and_applies_and_down_ends_the_forwarding(
    place: Place, tools: Tools
) -> None:
    (tools.folder / "grep").symlink_to("/bin/grep")
    for name, script in (("kubectl", KUBECTL), ("docker", ""), ("kind", "")):
        tools.add(name, script)
    assert k8s.up(place) is True
    calls = "\n".join(tools.calls)
    for earlier, later in (
        (
            f"docker build --secret id=pip,src={data_dir(place)}/pip.conf",
            "kind load docker-image faultline:0.1.0 --name practice",
        ),
        ("kind load", "create secret generic credentials"),
        ("create secret generic credentials", f"apply -k {place.run_dir}/k8s"),
    ):
        assert 0 <= calls.find(earlier) < calls.find(later), (earlier, later)
    assert [row.name for row in k8s.status(place)] == ["gateway", "redis"]
    assert modes.recorded(place) is Target.K8S
    assert k8s.down(place) is True
    assert modes.recorded(place) is Target.LOCAL
    assert any("delete namespace marketplace" in call for call in tools.calls)


def test_no_secret_stands_on_a_command_line(place: Place, tools: Tools) -> None:
    (tools.folder / "grep").symlink_to("/bin/grep")
    for name, script in (("kubectl", KUBECTL), ("docker", ""), ("kind", "")):
        tools.add(name, script)
    k8s.up(place)
    k8s.down(place)
    calls = "\n".join(tools.calls)
    texts = {name: path.read_text().strip() for name, path in prepare(place).items()}
    assert not [name for name, text in texts.items() if text and text in calls]
