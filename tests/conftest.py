"""Fixtures that every floor of the tests shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.stack import system
from tests.unit.signals import Signals

__all__ = ["system"]  # a fixture that several floors use

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent


class ByStack(LoadScopeScheduling):  # type: ignore[misc]
    """Tests that share a stack stay on one worker, in their order; of the others, those of one file do.

    pytest-xdist's own marks for this (``--dist loadgroup``) do nothing under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return _stack_of(path.relative_to(TESTS.name)) or str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack:
    return ByStack(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a stack come first: a stack a worker, for as long; what has none fills both workers after."""
    items.sort(key=lambda item: not _stack_of(item.path.relative_to(TESTS)))


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
