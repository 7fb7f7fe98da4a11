"""One way to ask a backend: JSON out, errors that say which backend and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from lab.place import LabError

TIMEOUT_S = 15.0
LONG_TIMEOUT_S = 60.0  # where whole minutes of telemetry are read


class BackendError(LabError):
    """A backend could not be reached or refused the question; ``status`` is its HTTP status, 0 if unreachable."""

    def __init__(self, message: str, next_step: str = "", status: int = 0) -> None:
        super().__init__(message, next_step)
        self.status = status


def open_client(timeout_s: float = TIMEOUT_S) -> httpx.Client:
    """An HTTP client for the loopback: proxies of the environment do not apply."""
    return httpx.Client(timeout=timeout_s, trust_env=False)


def get(http: httpx.Client, backend: str, url: str, params: Mapping[str, str | int]) -> httpx.Response:
    """The answer whatever its status. Raises BackendError where the backend cannot be reached."""
    try:
        return http.get(url, params=dict(params))
    except httpx.HTTPError as error:
        raise BackendError(
            f"{backend} at {url} cannot be reached: {type(error).__name__}.",
            "`faultline status` shows what runs; `faultline up` starts the stack.",
        ) from error


def get_json(http: httpx.Client, backend: str, url: str, params: Mapping[str, str | int]) -> Any:
    """The JSON of a 200. Raises BackendError with the backend's own words for anything else."""
    return accepted(backend, get(http, backend, url, params)).json()


def accepted(backend: str, response: httpx.Response) -> httpx.Response:
    """The answer where it is a 200. Raises BackendError with the backend's own words for anything else."""
    if response.status_code != httpx.codes.OK:
        raise BackendError(
            f"{backend} refuses: {response.text.strip()[:300] or response.status_code}",
            "Correct the query." if response.status_code == httpx.codes.BAD_REQUEST else "See `faultline status`.",
            response.status_code,
        )
    return response
