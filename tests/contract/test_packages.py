"""The ten packages that the system was to be built on are locked, imported and in use."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from tests.contract.source import ROOT, imports, trees, used

# Package to the module by which our code takes it in.
NAMED = {
    "fastapi": "fastapi",
    "httpx": "httpx",
    "redis": "redis",
    "torch": "torch",
    "transformers": "transformers",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "opentelemetry-instrumentation-httpx": "opentelemetry.instrumentation.httpx",
    "opentelemetry-exporter-otlp": "opentelemetry.exporter.otlp.proto.http",
    "prometheus-client": "prometheus_client",
    "loguru": "loguru",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {normal(name): pin.strip() for name, pin in pins}


@pytest.mark.parametrize("package", NAMED)
def test_it_is_locked_at_the_version_that_runs(package: str) -> None:
    assert locked()[package] == version(package).partition("+")[0]


@pytest.mark.parametrize("package", NAMED)
def test_it_is_named_among_the_projects_own_dependencies(package: str) -> None:
    assert re.search(rf'^    "{package}[\[="]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


@pytest.mark.parametrize("package", NAMED)
def test_it_is_imported_and_what_is_imported_is_used(package: str) -> None:
    module = NAMED[package]
    users = [
        path
        for path, tree in trees().items()
        for name, bound in imports(tree)
        if (name == module or name.startswith(f"{module}.")) and bound in used(tree)
    ]
    assert users


def test_every_line_of_the_lock_is_one_exact_version() -> None:
    pins = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []


def test_opentelemetry_is_one_family() -> None:
    family = {pin for name, pin in locked().items() if name.startswith("opentelemetry")}
    assert len(family) == 2, "one version of API, SDK and exporters, one of instrumentation"
