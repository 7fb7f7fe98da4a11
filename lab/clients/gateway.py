"""The marketplace's public API, as a customer sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from lab.place import LabError


class GatewayError(LabError):
    """The gateway could not be reached, or answered with a problem document; ``status`` is 0 if unreachable."""

    def __init__(self, message: str, next_step: str = "", status: int = 0, trace_id: str = "") -> None:
        super().__init__(message, next_step)
        self.status = status
        self.trace_id = trace_id


@dataclass(frozen=True)
class Ask:
    """One prediction's question; ``photo`` is JPEG."""

    user_id: str
    listing_id: str
    description: str
    photo: bytes


class Gateway:
    """A client of one gateway with one API key."""

    def __init__(self, base_url: str, api_key: str, http: httpx.Client) -> None:
        self._url = f"{base_url}/v1/predictions"
        self._headers = {"X-API-Key": api_key}
        self._http = http

    def predict(self, ask: Ask, baggage: str = "") -> dict[str, Any]:
        """The answer's JSON. Raises GatewayError for anything but a 200."""
        headers = {**self._headers, "baggage": baggage} if baggage else self._headers
        form = {"user_id": ask.user_id, "listing_id": ask.listing_id, "description": ask.description}
        photo = {"photo": ("photo.jpg", ask.photo, "image/jpeg")}
        try:
            response = self._http.post(self._url, data=form, files=photo, headers=headers)
        except httpx.HTTPError as error:
            raise GatewayError(
                f"The gateway at {self._url} cannot be reached: {type(error).__name__}.",
                "`faultline status` shows what runs; `faultline up` starts the stack.",
            ) from error
        if response.status_code != httpx.codes.OK:
            raise _problem(response)
        answer: dict[str, Any] = response.json()
        return answer


def _problem(response: httpx.Response) -> GatewayError:
    try:
        problem = response.json()
    except json.JSONDecodeError:
        problem = {}
    said = ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
    request = f"Its request id is {problem['request_id']}." if problem.get("request_id") else ""
    return GatewayError(
        f"The gateway answers {response.status_code}. {said or response.text[:200]}",
        request,
        response.status_code,
        str(problem.get("trace_id", "")),
    )
