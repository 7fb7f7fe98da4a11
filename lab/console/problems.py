"""Errors as the page and scripts see them: JSON problem documents (RFC 9457), never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.clients.http import BackendError
from lab.drills.open import Closed
from lab.place import LabError

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """What is answered instead: a status, what is wrong, why, and what to do. ``errors`` are {field, message}."""

    def __init__(
        self,
        status: int,
        detail: str,
        next_step: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.next_step = status, detail, next_step
        self.errors, self.headers = errors, headers

    def document(self) -> dict[str, Any]:
        title = HTTPStatus(self.status).phrase
        told: dict[str, Any] = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        if self.next_step:
            told["next_step"] = self.next_step
        if self.errors:
            told["errors"] = list(self.errors)
        return told

    def response(self) -> Response:
        return JSONResponse(self.document(), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: LabError, status: int = 400) -> Problem:
    """A LabError as a problem: 409 where the books are closed, 502 where a backend does not answer, else ``status``."""
    if isinstance(error, Closed):
        status = 409
    elif isinstance(error, BackendError) and error.status != 400:
        status = 502
    return Problem(status, str(error), error.next_step)


async def answer_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def answer_lab_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, LabError)
    return problem_of(error).response()


async def answer_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, error.detail, headers=error.headers).response()


async def answer_unexpected(_: Request, __: Exception) -> Response:
    """The stack trace is in the lab's log."""
    return Problem(500, "The lab failed at this.", "Its log says why: `.run/logs/lab.log`.").response()


HANDLERS: Any = {
    Problem: answer_problem,
    LabError: answer_lab_error,
    HTTPException: answer_http,
    Exception: answer_unexpected,
}
