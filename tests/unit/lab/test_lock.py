"""The lock file is complete, exact, and the same for every machine."""

from __future__ import annotations

import re
import tomllib

from lab.place import Place

ROOT = Place.from_environment({}).root


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {normal(name): version for name, version in pins}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_that_the_project_names_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted = {normal(re.split(r"[\[=<>~! ]", each)[0]) for each in named}

    assert wanted - set(locked()) == set()


def test_versions_are_exact_and_name_no_place() -> None:
    for name, version in locked().items():
        assert re.fullmatch(r"[a-z0-9-]+", name), name
        assert re.fullmatch(r"([0-9]+!)?[0-9][0-9a-z.]*", version), (
            f"{name}=={version} holds for one kind of machine only"
        )


def test_the_opentelemetry_family_is_of_one_release() -> None:
    versions = {version for name, version in locked().items() if name.startswith("opentelemetry-")}

    assert len(versions) == 2  # the stable packages' and the beta packages'
