"""The page itself: one document for all its paths, its modules, and where dashboards lead without Grafana."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lab.console import problems
from lab.console.problems import Problem
from lab.console.security import is_data

STATIC = Path(__file__).parent / "static"
PATHS = (
    "/",
    "/overview",
    "/traces",
    "/trace/{id}",
    "/compare/{first}/{second}",
    "/logs",
    "/metrics",
    "/practice",
    "/practice/{id}",
    "/faults",
    "/gameday",
    "/runbooks",
    "/runbooks/{alert}",
    "/runbooks/kinds/{page}",
)
# The dashboards of deploy/grafana by the page that shows the same.
_DASHBOARDS = {
    "overview": "/overview",
    "service": "/",
    "model-quality": "/overview",
    "drift": "/overview",
    "request-journey": "/traces",
    "telemetry-health": "/metrics",
}


def routes() -> list[Route | Mount]:
    return [
        *(Route(path, index, methods=["GET"]) for path in PATHS),
        Route("/dashboards/{name}", dashboard, methods=["GET"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


async def index(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


async def answer_http(request: Request, error: Exception) -> Response:
    """A person at a path that leads nowhere gets the page, which says so; scripts and the API get a problem."""
    assert isinstance(error, HTTPException)
    looks = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if error.status_code == HTTPStatus.NOT_FOUND and looks and not is_data(request.url.path):
        return FileResponse(STATIC / "index.html", HTTPStatus.NOT_FOUND, media_type="text/html; charset=utf-8")
    return await problems.answer_http(request, error)


async def dashboard(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _DASHBOARDS:
        raise Problem(404, f"There is no dashboard {name[:100]!r}.", f"There are {', '.join(_DASHBOARDS)}.")
    return RedirectResponse(_DASHBOARDS[name])
