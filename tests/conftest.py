"""Fixtures that every floor of the tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.stack import system
from tests.unit.signals import Signals

__all__ = ["system"]  # a fixture that several floors use

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` runs on several workers: tests that share a stack stay together, in their order."""
    for item in items:
        if group := _stack_of(item.path.relative_to(ROOT / "tests")):
            item.add_marker(pytest.mark.xdist_group(group))


def _stack_of(path: Path) -> str:
    """Which stack a test needs, by its file: the faults' own, everybody else's, or (empty) none."""
    if path.parts[0] not in ("system", "browser"):
        return ""
    return "busy" if path.name == "test_faults.py" else "stack"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a service that reaches nobody: no collector listens at its endpoint."""
    return Settings(
        environment="test", secrets_dir=tmp_path, models_dir=ROOT / "models", otlp_endpoint="http://127.0.0.1:9"
    )


@pytest.fixture
def telemetry(settings: Settings) -> Telemetry:
    """A service's telemetry whose exports are never opened: what it said can be read with ``signals``."""
    return Telemetry("service_under_test", settings)


@pytest.fixture
def signals(telemetry: Telemetry) -> Signals:
    return Signals(telemetry)
