"""One store for every test that only adds and asks."""

from collections.abc import Iterator

import pytest

from tests.unit.telemetry_store.process import StoreProcess, running_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A running store; tests use services and trace ids of their own."""
    with running_store(tmp_path_factory.mktemp("store")) as process:
        yield process
