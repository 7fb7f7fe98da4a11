"""docs/console.md names every call that the console takes, and no other."""

from __future__ import annotations

import re

from starlette.routing import Route

from lab.console.app import api_routes
from lab.console.pages import PATHS
from lab.console.passing import NAMES
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs/console.md").read_text()
_NAMES = {"key": "KEY", "id": "ID", "alert": "ALERT", "page": "PAGE", "number:int": "N", "first": "ID", "second": "ID"}


def shown(path: str) -> str:
    """A route's path as a document writes it."""
    return re.sub(r"\{([a-z:]+)\}", lambda match: _NAMES[match[1]], path)


def calls() -> set[str]:
    routes = [route for route in api_routes() if isinstance(route, Route)]
    return {
        f"{method} {shown(route.path)}"
        for route in routes
        for method in route.methods or ()
        if method != "HEAD" and not route.path.endswith(":path}")
    }


def test_every_call_is_documented_and_every_documented_call_exists() -> None:
    documented = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[\w/-]*)", DOCUMENT))
    assert documented == calls()


def test_every_page_and_backend_is_documented() -> None:
    for path in PATHS:
        assert f"`{shown(path)}`" in DOCUMENT, path
    for backend in NAMES:
        assert f"| `/{backend}/" in DOCUMENT
