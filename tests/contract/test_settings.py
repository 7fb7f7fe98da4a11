"""Settings are few, explained, and harmless as they stand."""

from __future__ import annotations

from dataclasses import fields

import pytest

from chassis.settings import Settings
from telemetry_store.settings import Settings as StoreSettings
from tests.contract.source import ROOT, trees

MOST = 20


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_of_a_service_has_a_default_and_a_sentence(name: str) -> None:
    setting = Settings.model_fields[name]
    assert not setting.is_required()
    assert setting.description
    assert setting.description.endswith(".")


@pytest.mark.parametrize("option", fields(StoreSettings), ids=lambda option: option.name)
def test_every_setting_of_the_store_has_a_default_and_a_sentence(option: object) -> None:
    assert len(option.metadata["help"]) > 10  # type: ignore[attr-defined]


def test_settings_stay_few() -> None:
    assert len(Settings.model_fields) <= MOST


def test_as_they_stand_they_listen_to_this_machine_alone_and_control_is_off() -> None:
    settings = Settings(_env_file=None)
    assert settings.bind_host == "127.0.0.1"
    assert settings.control is False


def test_no_service_reads_the_environment_by_itself() -> None:
    readers = {
        path for path in trees("services") if "os.environ" in (text := (ROOT / path).read_text()) or "getenv" in text
    }
    assert readers == set()
