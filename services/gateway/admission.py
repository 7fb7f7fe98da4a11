"""Who may ask, and how often: API keys and a rate limit for each, as two ASGI layers before any body is read."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from dataclasses import dataclass, field

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import semconv
from chassis.knobs import Knobs
from chassis.problems import Problem
from chassis.settings import Settings
from chassis.telemetry import Telemetry

API_KEY_HEADER = "x-api-key"
GUARDED = "/v1/"


@dataclass
class Bucket:
    """A token bucket: ``rate_per_s`` on average, ``burst`` at once."""

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


@dataclass
class _Named:
    """Whose key it is; only its hash is kept."""

    name: str
    key_sha256: str


@dataclass
class Caller(Bucket, _Named):
    """One API key's owner, with a token bucket."""


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


class Keys:
    """Finds a key's owner by a derivation of the key that is dear to guess, and remembered for the keys in use.

    Knobs ``auth.rounds`` and ``auth.cache``.
    """

    def __init__(self, callers: Callers, knobs: Knobs) -> None:
        self._callers = callers
        self._known: dict[str, tuple[int, bytes]] = {}
        self._rounds = knobs.register(
            "auth.rounds", 1_000, "Rounds of a key's derivation.", minimum=1, maximum=10_000_000
        )
        self._cache = knobs.register("auth.cache", True, "Whether the derivation of a key in use is remembered.")

    def owner(self, key: str) -> Caller | None:
        """Whose key this is, if anyone's."""
        caller = self._callers.find(key)
        if caller is None:
            return None
        rounds, derived = self._rounds.value, self._known.get(caller.name)
        if derived is None or derived[0] != rounds or not self._cache.value:
            proof = hashlib.pbkdf2_hmac("sha256", key.encode(), caller.key_sha256.encode(), rounds)
            if derived is not None and derived[0] == rounds and not hmac.compare_digest(proof, derived[1]):
                return None
            self._known[caller.name] = (rounds, proof)
        return caller


class Admission:
    """Lets a request in if its key is known and its owner within the rate; both steps are spans."""

    def __init__(self, app: ASGIApp, callers: Callers, telemetry: Telemetry) -> None:
        self.app, self.callers, self.telemetry = app, callers, telemetry
        self._everyone = Bucket(0.0, 1.0)
        telemetry.knobs.register(
            "admission.limit",
            0.0,
            "Requests a second of all callers together; 0: as many as their keys allow.",
            minimum=0,
            on_change=self._limit,
        )
        self.keys = Keys(callers, telemetry.knobs)

    def _limit(self, per_s: float) -> None:
        self._everyone = Bucket(per_s, max(1.0, per_s / 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(GUARDED):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope).get(API_KEY_HEADER, ""))
        await (refusal.response() if refusal else self.app)(scope, receive, send)

    def _refusal(self, key: str) -> Problem | None:
        with self.telemetry.span("authenticate"):
            caller = self.keys.owner(key)
        if caller is None:
            self.telemetry.count(semconv.REQUESTS_REJECTED, reason="api_key")
            detail = f"Send a valid key in the {API_KEY_HEADER} header."
            return Problem(401, "unauthenticated", "The API key is missing or wrong", detail)
        with self.telemetry.span("admission"):
            wait = caller.take() or (self._everyone.take() if self._everyone.rate_per_s else 0.0)
        if wait:
            self.telemetry.count(semconv.REQUESTS_REJECTED, reason="rate_limit")
            detail = f"At most {min(caller.rate_per_s, self._everyone.rate_per_s or math.inf):g} requests a second."
            return Problem(429, "rate-limited", "Too many requests", detail, {"Retry-After": str(int(wait) + 1)})
        return None
