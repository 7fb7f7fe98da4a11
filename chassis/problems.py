"""Errors as the client sees them: JSON problem documents (RFC 9457), never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chassis.context import REQUEST_ID
from chassis.telemetry import Telemetry

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is an error: raise it anywhere below a route.

    ``kind`` is the last part of the problem's ``type``; ``detail`` tells the client what to change. What the client is
    to change is ``expected``: telemetry takes it for an answer, not for a failure of the span it leaves.
    """

    def __init__(
        self, status: int, kind: str, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers, self.expected = dict(headers or {}), status < 500

    def body(self) -> dict[str, Any]:
        """The document's members, as RFC 9457 names them, and the request's id."""
        return {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": REQUEST_ID.get(),
        }

    def response(self) -> Response:
        return Response(orjson.dumps(self.body()), self.status, self.headers, MEDIA_TYPE)


def install(app: FastAPI, telemetry: Telemetry) -> None:
    """Answer every error of ``app`` with a problem document; what is our fault is logged with its cause."""

    async def problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        if error.status >= 500:
            telemetry.log.bind(cause=str(error.__cause__ or "")).warning(f"{error.title}: {error.detail}")
        return error.response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Problem(422, "invalid-request", "The request is not valid", _sentence(error)).response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = {404: "No such resource", 405: "Method not allowed", 413: "The body is too large"}.get(
        error.status_code, "The request was refused"
    )
    kind = title.lower().replace(" ", "-")
    return Problem(error.status_code, kind, title, str(error.detail), error.headers).response()


def _sentence(error: RequestValidationError) -> str:
    """Which fields are wrong and why; the values themselves are never echoed."""
    faults = (f"{_place(item['loc'])}: {item['msg']}" for item in error.errors()[:8])
    return "; ".join(faults)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])
