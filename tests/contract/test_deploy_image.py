"""The image: what it leaves out, how its health check works, and how a Grafana beside the local stack is started."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from deploy import healthcheck
from lab.place import LabError, Place
from lab.stack import grafana
from services.topology import BACKENDS, SERVICES
from tests.contract.test_deploy_compose import services as containers

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
# Import names of packages whose names say something else.
IMPORTED_AS = {"import-linter": "importlinter"}


def test_the_final_stage_runs_as_nobody_and_checks_its_health() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.MULTILINE)
    assert "HEALTHCHECK" in FINAL
    assert '"/app/deploy/healthcheck.py"' in FINAL


def test_stages_copy_what_changes_most_last() -> None:
    order = [DOCKERFILE.index(f"COPY {what}") for what in ("requirements.lock", "chassis", "models")]
    assert order == sorted(order)
    assert DOCKERFILE.index("torch==$pin+cpu") < DOCKERFILE.index("-r image.lock") < DOCKERFILE.index("COPY chassis")


def test_no_registry_is_named() -> None:
    for path in (ROOT / "deploy").rglob("*"):
        if path.is_file() and path.suffix in {"", ".yaml", ".yml", ".py", ".ini"} and "local" not in path.parts:
            assert not re.search(r"pypi\.org|pythonhosted|download\.pytorch", path.read_text()), path


def test_a_file_that_a_page_hands_to_a_command_is_where_the_command_runs() -> None:
    """In containers `faultline` runs its commands in the lab's, which has what is copied into the image."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    handed = {
        each for page in pages for each in re.findall(r"^faultline [^\n]*?(docs/[\w./-]+)", page.read_text(), re.M)
    }
    assert "docs/game-days/first-evening.yaml" in handed
    for each in handed:
        folder = Path(each).parent
        assert f"COPY {folder} {folder}\n" in DOCKERFILE, each


def excluded() -> list[str]:
    pattern = re.search(r"grep -vE '\^\(#\|torch==\|([^']+)\)'", DOCKERFILE)
    assert pattern
    # Stubs are imported by nobody.
    return [name.removesuffix("==") for name in pattern[1].split("|") if name != "types-"]


@pytest.mark.parametrize("package", excluded())
def test_what_the_image_leaves_out_nothing_in_it_imports(package: str) -> None:
    module = IMPORTED_AS.get(package, package.rstrip("-").replace("-", "_"))
    imports = re.compile(rf"^\s*(?:from|import) {re.escape(module)}\b", re.MULTILINE)
    for folder in ("chassis", "services", "lab", "marketplace"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not imports.search(path.read_text()), path


def test_what_stays_the_same_in_any_cluster_is_in_the_image_and_nowhere_else() -> None:
    image = dict(re.findall(r"(FAULTLINE_\w+)=(\S+)", FINAL))
    assert image["FAULTLINE_PEER_HOST"] == "{service}"
    assert image["FAULTLINE_REDIS_HOST"] in containers()
    assert image["FAULTLINE_OTLP_ENDPOINT"] == f"http://otel-collector:{BACKENDS['telemetry_store_otlp']}"
    for name in SERVICES:
        assert not set(containers()[name.replace("_", "-")]["environment"]) & set(image)


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_health_is_its_readiness(name: str) -> None:
    for init in ([], ["/sbin/docker-init", "--"]):
        assert healthcheck.target([*init, "python", "-m", "services", name]) == (SERVICES[name].port, "/readyz")


def test_the_lab_is_asked_on_its_port_and_a_one_shot_program_not_at_all() -> None:
    for command in (["lab", "serve"], ["lab.console"]):
        assert healthcheck.target(["python", "-m", *command]) == (BACKENDS["lab"], "/")
    assert healthcheck.target(["python", "-m", "marketplace.load"]) is None
    assert healthcheck.target(["python", "-m", "lab.traffic", "--forever"]) is None


def test_nothing_that_listens_is_not_healthy() -> None:
    assert not healthcheck.healthy(1, "/")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "grafana/bin").mkdir(parents=True)
    (tmp_path / "grafana/bin/grafana").symlink_to(sys.executable)
    return tmp_path / "grafana"


def test_a_grafana_beside_the_local_stack_has_the_clusters_dashboards(home: Path, tmp_path: Path) -> None:
    place = Place(ROOT, tmp_path / "run", 100)
    words, given = grafana.command(place, home)
    assert words[1] == "server"
    assert words[-1] == str(ROOT / "deploy/grafana/grafana.ini")
    assert given["FAULTLINE_TEMPO_URL"] == given["FAULTLINE_LOKI_URL"] == place.url("telemetry_store")
    # Everything that compose tells its Grafana, this one is told, too.
    assert {name for name in containers()["grafana"]["environment"] if name.startswith("FAULTLINE_")} <= set(given)


def test_without_a_grafana_one_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="There is no Grafana") as raised:
        grafana.command(Place(ROOT, tmp_path), tmp_path / "nowhere")
    assert "--home" in raised.value.next_step
