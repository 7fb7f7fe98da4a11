"""The topology is one table that everything else can trust."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from chassis import redis as chassis_redis
from services import topology
from tests.contract.source import ROOT, imports, trees


def test_no_two_listeners_share_a_port() -> None:
    ports = topology.ports()
    assert len(set(ports.values())) == len(ports)


@pytest.mark.parametrize("offset", [1, 7, 1_000, 20_000, 50_000])
def test_an_offset_moves_every_port_and_keeps_them_apart(offset: int) -> None:
    moved, standard = topology.ports(offset), topology.ports()
    assert {name: port - offset for name, port in moved.items()} == standard
    assert max(moved.values()) < 65_536


def test_calls_go_to_services_or_backends_and_never_in_a_circle() -> None:
    graph = {service.name: set(service.calls) for service in topology.SERVICES.values()}
    assert set().union(*graph.values()) <= {*topology.SERVICES, *topology.BACKENDS}
    assert list(TopologicalSorter(graph).static_order())


def test_edges_are_the_calls() -> None:
    assert {(caller, callee) for caller, callee in topology.EDGES} == {
        (service.name, callee) for service in topology.SERVICES.values() for callee in service.calls
    }


def test_redis_is_where_the_chassis_looks_for_it() -> None:
    assert topology.BACKENDS["redis"] == chassis_redis.PORT


@pytest.mark.parametrize("service", topology.SERVICES)
def test_every_service_of_the_table_is_a_package_with_an_app(service: str) -> None:
    assert (ROOT / "services" / service / "app.py").is_file()


def test_every_package_with_an_app_is_in_the_table() -> None:
    assert {path.parent.name for path in (ROOT / "services").glob("*/app.py")} == set(topology.SERVICES)


@pytest.mark.parametrize("service", topology.SERVICES)
def test_a_service_knows_of_another_only_its_client_and_only_along_an_edge(service: str) -> None:
    """The rule that import-linter cannot say: which clients depend on the topology."""
    for path, tree in trees("services").items():
        if not path.startswith(f"services/{service}/"):
            continue
        for module, _ in imports(tree):
            parts = module.split(".")
            if parts[0] == "services" and parts[1] in topology.SERVICES and parts[1] != service:
                allowed = parts[2] == "client" and parts[1] in topology.SERVICES[service].calls
                same_words = parts[2] == "schemas" and path.endswith("client.py")
                assert allowed or same_words, f"{path} imports {module}"
