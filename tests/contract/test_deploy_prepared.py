"""What a start in containers or a cluster finds prepared: secrets, data folders, players, rules, package sources."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from lab.place import LabError, Place
from lab.stack.prepared import DATA, data_dir, prepare, rules_dir, write_pip_configuration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(ROOT, tmp_path / "run")


def test_secrets_are_private_and_belong_to_who_runs_the_containers(place: Place) -> None:
    files = prepare(place)
    uid = os.getuid() or 10001
    for path in files.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert path.stat().st_uid == uid, path
    for name in DATA:
        assert (data_dir(place) / name).stat().st_uid == uid
    assert set(json.loads(files["redis_exporter.json"].read_text())) == {
        "redis://redis:6390",
        "redis://exporter@redis:6390",
    }


def test_preparing_twice_keeps_every_secret(place: Place) -> None:
    first = {name: path.read_text() for name, path in prepare(place).items()}
    assert {name: path.read_text() for name, path in prepare(place).items()} == first


def test_the_images_build_is_told_where_packages_come_from(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    own = place.run_dir / "pip.ini"
    own.parent.mkdir()
    own.write_text("[global]\nindex-url = https://mirror.example/simple\nextra-index-url = https://more.example\n")
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    monkeypatch.delenv("FAULTLINE_TORCH_INDEX", raising=False)
    assert write_pip_configuration(place).read_text() == ""
    monkeypatch.setenv("FAULTLINE_TORCH_INDEX", "https://torch.example/cpu")
    assert "extra-index-url = https://torch.example/cpu\n" in write_pip_configuration(place).read_text()
    monkeypatch.setenv("PIP_CONFIG_FILE", str(own))
    written = write_pip_configuration(place)
    assert "index-url = https://mirror.example/simple\n" in written.read_text()
    assert "extra-index-url = https://more.example https://torch.example/cpu\n" in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert written.name not in prepare(place)  # it goes to no container and into no cluster


def test_players_are_taken_from_the_file_that_names_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare(place)["players"].read_text() == ""
    file = place.run_dir / "team"
    file.write_text("# Friday\nada:one\n\ngrace:two\n")
    monkeypatch.setenv("FAULTLINE_PLAYERS", str(file))
    assert prepare(place)["players"].read_text() == "ada:one\ngrace:two\n"


@pytest.mark.parametrize("text", ["", "ada", "ada:", ":token"])
def test_a_file_that_names_no_players_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    place.run_dir.mkdir()
    file = place.run_dir / "team"
    file.write_text(text)
    monkeypatch.setenv("FAULTLINE_PLAYERS", str(file))
    with pytest.raises(LabError, match="NAME:TOKEN"):
        prepare(place)


def test_rules_go_by_the_marketplaces_clock_and_hold_those_of_drills(place: Place) -> None:
    prepare(place, time_scale=1440)
    assert {path.name for path in rules_dir(place).iterdir()} == {"slo.yml", "models.yml", "platform.yml", "drills.yml"}
    assert (rules_dir(place) / "models.yml").read_text() != (ROOT / "deploy/prometheus/rules/models.yml").read_text()
