"""How to find out that a program is ready: each probe answers None, or the reason why not yet."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Protocol

import httpx

from lab.place import HOST
from lab.stack.supervisor import ProcessInfo

_CONNECT_TIMEOUT_S = 1.0


class Probe(Protocol):
    """One readiness check of one program."""

    def reason(self, http: httpx.Client, process: ProcessInfo) -> str | None:
        """None when ready; otherwise why not, in a few words."""


@dataclass(frozen=True)
class HttpReady:
    """Ready when the URL answers 200; a 503's JSON reason is passed on."""

    url: str

    def reason(self, http: httpx.Client, process: ProcessInfo) -> str | None:
        try:
            response = http.get(self.url)
        except httpx.ConnectError:
            return f"nothing listens at {self.url} yet"
        except httpx.HTTPError as error:
            return f"{self.url}: {type(error).__name__}"
        if response.status_code == httpx.codes.OK:
            return None
        return _reason_in(response) or f"{self.url} answers {response.status_code}"


@dataclass(frozen=True)
class RedisReady:
    """Ready when Redis answers a PING, be it with a demand for a password; not while it loads its file."""

    port: int

    def reason(self, http: httpx.Client, process: ProcessInfo) -> str | None:
        try:
            with socket.create_connection((HOST, self.port), _CONNECT_TIMEOUT_S) as connection:
                connection.sendall(b"PING\r\n")
                answer = connection.recv(128)
        except OSError as error:
            return f"port {self.port}: {error.strerror or error}"
        if answer.startswith((b"+PONG", b"-NOAUTH")):
            return None
        return f"Redis answers {answer.decode(errors='replace').strip()!r}"


@dataclass(frozen=True)
class Finished:
    """A one-shot program is ready when it has ended well."""

    def reason(self, http: httpx.Client, process: ProcessInfo) -> str | None:
        if process.state == "EXITED" and process.exit_status == 0:
            return None
        return f"{process.state.lower()}, last exit code {process.exit_status}"


@dataclass(frozen=True)
class Running:
    """Ready when the process runs."""

    def reason(self, http: httpx.Client, process: ProcessInfo) -> str | None:
        return None if process.state == "RUNNING" else process.state.lower()


def _reason_in(response: httpx.Response) -> str | None:
    """The ``reason`` (or ``detail``) of a JSON answer; services explain a 503 so."""
    try:
        body = response.json()
    except json.JSONDecodeError:
        return response.text.strip()[:200] or None
    if not isinstance(body, dict):
        return None
    reason = body.get("reason") or body.get("detail")
    return str(reason) if reason else None
