"""Who may ask, and how often: API keys and a rate limit for each, as two ASGI layers before any body is read."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import semconv
from chassis.problems import Problem
from chassis.settings import Settings
from chassis.telemetry import Telemetry

API_KEY_HEADER = "x-api-key"
GUARDED = "/v1/"


@dataclass
class Caller:
    """One API key's owner, with a token bucket: ``rate_per_s`` on average, ``burst`` at once."""

    name: str
    key_sha256: str
    rate_per_s: float
    burst: float
    tokens: float = field(init=False)
    refilled: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self) -> float:
        """0 where a request may pass, else the seconds until one may."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.refilled) * self.rate_per_s)
        self.refilled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate_per_s


class Callers:
    """The API keys in force. Only hashes are kept."""

    def __init__(self, callers: list[Caller]) -> None:
        self._callers = callers

    @classmethod
    def read(cls, settings: Settings) -> Callers:
        """From the secret ``api_keys.json``: a list of name, key_sha256, rate_per_s and burst."""
        return cls([Caller(**entry) for entry in orjson.loads(settings.secret("api_keys.json"))])

    def find(self, key: str) -> Caller | None:
        """The owner of ``key``. Every key is compared, in constant time, so that timing tells nothing."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        matches = [caller for caller in self._callers if hmac.compare_digest(caller.key_sha256, digest)]
        return matches[0] if matches else None


class Admission:
    """Lets a request in if its key is known and its owner within the rate; both steps are spans."""

    def __init__(self, app: ASGIApp, callers: Callers, telemetry: Telemetry) -> None:
        self.app, self.callers, self.telemetry = app, callers, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(GUARDED):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope).get(API_KEY_HEADER, ""))
        await (refusal.response() if refusal else self.app)(scope, receive, send)

    def _refusal(self, key: str) -> Problem | None:
        with self.telemetry.span("authenticate"):
            caller = self.callers.find(key)
        if caller is None:
            self.telemetry.count(semconv.REQUESTS_REJECTED, reason="api_key")
            detail = f"Send a valid key in the {API_KEY_HEADER} header."
            return Problem(401, "unauthenticated", "The API key is missing or wrong", detail)
        with self.telemetry.span("admission"):
            wait = caller.take()
        if wait:
            self.telemetry.count(semconv.REQUESTS_REJECTED, reason="rate_limit")
            detail = f"At most {caller.rate_per_s:g} requests a second."
            return Problem(429, "rate-limited", "Too many requests", detail, {"Retry-After": str(int(wait) + 1)})
        return None
