"""The control port: knobs and status of one service, behind a bearer token.

It has threads and a timer of its own, so that it works while the event loop is blocked; nothing about it is
instrumented. Faults add their routes before it starts.
"""

from __future__ import annotations

import hmac
import os
import signal
import time
from collections.abc import Callable, Mapping
from threading import Timer
from typing import TYPE_CHECKING, Any

import orjson

from chassis.knobs import KnobError
from chassis.ports import Answer, Refusal, Request, Route, ThreadedServer, json_answer

if TYPE_CHECKING:
    from chassis.telemetry import Telemetry

MAX_NAME = 100
ANSWERED_S, DRAINED_S = 0.1, 10.0  # until the answer is out; until requests and their telemetry are out


class ControlServer(ThreadedServer):
    """``GET /v1/status``, ``GET /v1/knobs``, ``PUT /v1/knobs/{name}`` with ``{"value": ...}``, ``POST /v1/restart``.

    ``token`` defaults to the secret file ``control_token``; raises FileNotFoundError where there is none. Nonsense is
    answered with a 4xx problem document, never with a 5xx.
    """

    def __init__(self, telemetry: Telemetry, host: str, port: int, *, token: str = "") -> None:
        self._telemetry = telemetry
        self._token = (token or telemetry.settings.secret("control_token")).encode()
        if not self._token:
            raise ValueError("the control token is empty")
        self._started = time.monotonic()
        routes = [
            Route("GET", "/v1/status", self._status),
            Route("GET", "/v1/knobs", self._knobs),
            Route("PUT", "/v1/knobs/{name}", self._set_knob),
            Route("POST", "/v1/restart", self._restart),
        ]
        super().__init__("control port", host, port, routes)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Refuse with 401 before anything else is looked at."""
        if not self._authorized(headers):
            raise Refusal(401, "Unauthorized", "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
        return super().answer(method, target, headers, body)

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call ``action`` in ``seconds``, on a thread that a blocked event loop does not hold up; can be cancelled."""
        timer = Timer(seconds, action)
        timer.daemon = True
        timer.start()
        return timer

    def _authorized(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "replace")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._token)

    def _status(self, _: Request) -> Answer:
        telemetry = self._telemetry
        return json_answer(
            {
                "service": telemetry.service,
                "instance": telemetry.instance,
                "version": telemetry.settings.version,
                "pid": os.getpid(),
                "uptime_s": round(time.monotonic() - self._started, 3),
            }
        )

    def _knobs(self, _: Request) -> Answer:
        return json_answer({"knobs": self._telemetry.knobs.as_list()})

    def _set_knob(self, request: Request) -> Answer:
        name = request.parameters["name"]
        if name not in self._telemetry.knobs:
            raise Refusal(404, "No such knob", f"There is no knob named {name[:MAX_NAME]!r}.")
        value = _value(json_object(request))
        try:
            self._telemetry.knobs.set(name, value)
        except KnobError as error:
            raise Refusal(400, "Not a value for this knob", str(error)) from error
        return json_answer(self._telemetry.knobs[name].as_dict())

    def _restart(self, _: Request) -> Answer:
        """End this process as SIGTERM does, or, where its event loop hears nothing, without it.

        What looks after the process (a supervisor, a container engine) starts it again.
        """
        self.call_later(ANSWERED_S, lambda: os.kill(os.getpid(), signal.SIGTERM))
        self.call_later(ANSWERED_S + DRAINED_S, lambda: os._exit(128 + signal.SIGTERM))
        return json_answer({"pid": os.getpid()})


def json_object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object. Raises Refusal(400)."""
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "Not JSON", "The body is a JSON object.") from error
    if not isinstance(document, dict):
        raise Refusal(400, "Not an object", "The body is a JSON object.")
    return document


def _value(document: dict[str, Any]) -> object:
    if set(document) != {"value"}:
        raise Refusal(400, "Not a value", 'The body is {"value": ...} and nothing else.')
    return document["value"]
