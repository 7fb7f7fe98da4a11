"""A place keeps two stacks apart, however they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.place import LabError, Place


def test_ports_move_with_the_offset_and_so_does_the_run_folder() -> None:
    first, second = Place.from_environment({}), Place.from_environment({"FAULTLINE_PORT_OFFSET": "20000"})

    assert (first.port("gateway"), second.port("gateway_metrics")) == (8000, 29000)
    assert first.run_dir == first.root / ".run"
    assert second.run_dir == second.root / ".run-20000"


def test_a_run_folder_may_be_named(tmp_path: Path) -> None:
    assert Place.from_environment({"FAULTLINE_RUN_DIR": str(tmp_path)}).run_dir == tmp_path


def test_what_is_started_with_a_places_variables_is_about_that_place(tmp_path: Path) -> None:
    for secrets in (None, tmp_path / "elsewhere"):
        place = Place(Place.from_environment({}).root, tmp_path / "run", 1_000, secrets)
        found = Place.from_environment(place.variables)
        assert (found.offset, found.run_dir, found.secrets_dir) == (1_000, tmp_path / "run", place.secrets_dir)


@pytest.mark.parametrize("offset", ["x", "-1", "60000"])
def test_an_offset_that_is_none_is_refused_with_a_next_step(offset: str) -> None:
    with pytest.raises(LabError) as caught:
        Place.from_environment({"FAULTLINE_PORT_OFFSET": offset})
    assert caught.value.next_step


def test_a_socket_path_too_long_for_the_kernel_moves_to_a_folder_of_its_own(tmp_path: Path) -> None:
    deep, deeper = tmp_path / ("a" * 100), tmp_path / ("b" * 100)
    sockets = [Place(tmp_path, folder).supervisor_socket for folder in (deep, deeper)]

    assert all(len(str(socket)) < 100 for socket in sockets)
    assert sockets[0] != sockets[1]
    assert Place(tmp_path, Path("/r")).supervisor_socket == Path("/r/supervisor.sock")


def test_in_a_container_each_part_has_a_host_of_its_own() -> None:
    place = Place.from_environment(
        {
            "FAULTLINE_ENVIRONMENT": "compose",
            "FAULTLINE_PEER_HOST": "{service}",
            "FAULTLINE_REDIS_HOST": "redis",
            "FAULTLINE_TEMPO_URL": "http://tempo:3200/",
            "FAULTLINE_LOKI_URL": "http://loki:3100",
            "FAULTLINE_RUN_DIR": "/var/lib/lab",
            "FAULTLINE_SECRETS_DIR": "/run/secrets",
        }
    )

    assert place.inside
    assert place.url("feature_store") == "http://feature-store:8001"
    assert place.hosts.replicas("nlp_model") == "nlp-model-replicas"
    assert (place.url("tempo"), place.url("loki")) == ("http://tempo:3200", "http://loki:3100")
    assert (place.hosts.redis, place.secrets_dir) == ("redis", Path("/run/secrets"))


def test_the_local_store_answers_for_tempo_and_loki_and_one_host_for_all() -> None:
    place = Place.from_environment({"FAULTLINE_PORT_OFFSET": "100"})

    assert not place.inside
    assert place.url("tempo") == place.url("loki") == place.url("telemetry_store") == "http://127.0.0.1:3300"
    assert place.hosts.replicas("gateway") == place.hosts.service("gateway") == "127.0.0.1"
    assert place.secrets_dir == place.run_dir / "secrets"
