"""The stack in a local Kubernetes cluster (kind, k3d, minikube): build, load, apply, wait, forward ports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from lab.place import HOST, LabError, Place
from lab.stack import grafana, tools
from lab.stack import run as runs
from lab.stack.options import Options
from lab.stack.overlay import NAMESPACE, write_overlay
from lab.stack.prepared import prepare, write_pip_configuration
from lab.stack.progress import Progress, Silent
from lab.stack.status import ProgramStatus

IMAGE = "faultline:0.1.0"
READY_TIMEOUT_S = 300.0
# What a person opens: the service's port, and the port on this machine before any offset.
FORWARDED = {"gateway": 8000, "lab": 8080, "grafana": grafana.PORT, "tempo": 3200, "loki": 3100}
FORWARDED |= {"prometheus": 9090, "alertmanager": 9093}
_BUILD_S = 3600.0
# A context's name says what made the cluster, and so how an image gets into it.
_LOADERS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "kind-": lambda name: ("kind", "load", "docker-image", IMAGE, "--name", name),
    "k3d-": lambda name: ("k3d", "image", "import", IMAGE, "--cluster", name),
    "minikube": lambda _: ("minikube", "image", "load", IMAGE),
}


def up(
    place: Place,
    options: Options | None = None,
    progress: Progress | None = None,
    timeout_s: float = READY_TIMEOUT_S,
) -> bool:
    """Bring the system into kubectl's current cluster and wait until it is ready; False if it was.

    Raises LabError where a tool is missing, the cluster is no local one, or something does not become ready.
    """
    told, chosen = progress or Silent(), options or Options()
    load = _loader(place)
    if is_up(place):
        _forward(place, chosen, told)
        return False
    told.step(f"Building {IMAGE}")
    packages = f"id=pip,src={write_pip_configuration(place)}"
    build = ("docker", "build", "--secret", packages, "-f", "deploy/Dockerfile", "-t", IMAGE, ".")
    tools.run(*build, cwd=place.root, timeout_s=_BUILD_S, shown=True)
    told.step("Loading it into the cluster")
    tools.run(*load, cwd=place.root, timeout_s=600, shown=True)
    told.step("Applying the manifests")
    _apply(place, chosen)
    _wait(place, told, timeout_s)
    _forward(place, chosen, told)
    return True


def down(place: Place, progress: Progress | None = None) -> bool:
    """Delete what ``up`` applied, with its data, and end the port forwarding; False if nothing was there."""
    told = progress or Silent()
    _end_forwarding(place)
    existed = _exists(place)
    if existed:
        told.step(f"Deleting the namespace {NAMESPACE}")
        tools.run("kubectl", "delete", "namespace", NAMESPACE, "--timeout=180s", cwd=place.root, timeout_s=200)
    runs.forget_run(place)  # not before: what could not be deleted has to be found again
    return existed


def reset(place: Place, progress: Progress | None = None) -> None:
    """Delete everything with its data: the volumes go with the namespace."""
    down(place, progress)


def is_up(place: Place) -> bool:
    rows = status(place)
    return bool(rows) and all(row.ready for row in rows)


def run_inside(place: Place, arguments: Sequence[str]) -> int:
    """Run `faultline ARGUMENTS` in the lab's pod, with this terminal; answers its exit code."""
    terminal = ("--stdin", "--tty") if sys.stdin.isatty() and sys.stdout.isatty() else ()
    command = [tools.require("kubectl"), "-n", NAMESPACE, "exec", *terminal, "deployment/lab", "--"]
    return subprocess.run([*command, "python", "-m", "lab", *arguments], cwd=place.root, check=False).returncode


def status(place: Place) -> list[ProgramStatus]:
    """Every workload with how many of its replicas are ready; an empty list where none is."""
    if not _exists(place):
        return []
    columns = "custom-columns=NAME:.metadata.name,WANTED:.spec.replicas,READY:.status.readyReplicas"
    text = _kubectl(place, "get", "deployments,statefulsets", "--no-headers", "-o", columns)
    return [_row(*line.split()) for line in text.splitlines() if line.strip()]


def _row(name: str, wanted: str, ready: str) -> ProgramStatus:
    counts = [int(count) if count.isdigit() else 0 for count in (wanted, ready)]
    reason = "" if counts[1] >= counts[0] else f"{counts[1]} of {counts[0]} ready"
    return ProgramStatus(name, "RUNNING" if not reason else "STARTING", not reason, reason, 0, (), 0, 0.0)


def _loader(place: Place) -> tuple[str, ...]:
    """The command that brings the image into the current cluster. Raises LabError for a cluster that is not local."""
    context = _context(place)
    for prefix, command in _LOADERS.items():
        if context.startswith(prefix):
            chosen = command(context.removeprefix(prefix))
            tools.require(chosen[0])
            return chosen
    raise LabError(
        f"kubectl's context is {context!r}, which is no kind, k3d or minikube cluster.",
        "Switch with `kubectl config use-context`, or apply k8s/overlays/production yourself.",
    )


def _context(place: Place) -> str:
    tools.require("kubectl")
    try:
        return tools.run("kubectl", "config", "current-context", cwd=place.root).strip()
    except LabError as error:
        raise LabError("kubectl knows of no cluster.", "Make one (`kind create cluster`), then start again.") from error


def _apply(place: Place, options: Options) -> None:
    files, overlay = prepare(place, options.time_scale), str(write_overlay(place, options))
    namespace = tools.run("kubectl", "kustomize", overlay, cwd=place.root)
    documents = namespace.split("\n---\n")
    first = next(text for text in documents if "\nkind: Namespace\n" in f"\n{text}\n")
    tools.run("kubectl", "apply", "-f", "-", cwd=place.root, given=first)
    contents = [f"--from-file={name}={path}" for name, path in files.items()]
    secret = _kubectl(place, "create", "secret", "generic", "credentials", *contents, "--dry-run=client", "-o", "yaml")
    _kubectl(place, "apply", "-f", "-", given=secret)
    # A Job's pod cannot be changed; it is made again.
    _kubectl(place, "delete", "job/loader", "--ignore-not-found")
    tools.run("kubectl", "apply", "-k", overlay, cwd=place.root, timeout_s=120)


def _wait(place: Place, told: Progress, timeout_s: float) -> None:
    began = time.monotonic()
    for row in status(place):
        if not row.ready:
            told.waiting(row.name, row.reason)
    left = f"--timeout={timeout_s:g}s"
    _kubectl(place, "wait", "--for=condition=complete", "job/loader", left, timeout_s=timeout_s + 10)
    for kind in ("statefulset", "deployment"):
        names = _kubectl(place, "get", kind, "-o", "name").split()
        for name in names:
            _kubectl(place, "rollout", "status", name, left, timeout_s=timeout_s + 10)
            told.ready(name.partition("/")[2], time.monotonic() - began)


def _forward(place: Place, options: Options, told: Progress) -> None:
    """One `kubectl port-forward` for each service that a person opens, until ``down``."""
    _end_forwarding(place)
    kubectl = tools.require("kubectl")
    this_run = runs.new_run(place, options, "k8s")
    runs.write_run(place, this_run)
    for service, port in FORWARDED.items():
        local = port + place.offset
        command = [kubectl, "-n", NAMESPACE, "port-forward", "--address", HOST, f"service/{service}", f"{local}:{port}"]
        subprocess.Popen(
            command,
            env={**os.environ, runs.RUN_ID: this_run.run_id},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        told.step(f"{service} is at http://{HOST}:{local}")


def _end_forwarding(place: Place) -> None:
    recorded = runs.read_run(place)
    if recorded and recorded.mode == "k8s":
        runs.end_processes(runs.processes_of(recorded))


def _exists(place: Place) -> bool:
    listed = tools.run("kubectl", "get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name", cwd=place.root)
    return bool(listed.strip())


def _kubectl(place: Place, *arguments: str, given: str | None = None, timeout_s: float = 60) -> str:
    return tools.run("kubectl", "-n", NAMESPACE, *arguments, cwd=place.root, given=given, timeout_s=timeout_s)
