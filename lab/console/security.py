"""Who may do what, and the headers that go with every answer. Pure ASGI, around everything else."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.console.problems import Problem
from lab.place import HOST, LabError, Place
from lab.players import read_players

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_READING = ("GET", "HEAD")
_DATA = ("/api", "/tempo", "/loki", "/prometheus", "/alertmanager")
DEFAULT_PLAYER = "player"


@dataclass(frozen=True)
class Who:
    """Whose token came along; the lab's own stands for everybody."""

    name: str
    owner: bool = False


class Tokens:
    """Tokens by whose they are."""

    def __init__(self, lab: str, players: Mapping[str, str] | None = None) -> None:
        if not lab:
            raise LabError("The lab's token is empty.", "Remove the file `lab_token`, then `faultline up` makes one.")
        self._known = {lab: Who(DEFAULT_PLAYER, owner=True)}
        for name, token in (players or {}).items():
            self._known.setdefault(token, Who(name))

    @classmethod
    def of(cls, place: Place, environment: Mapping[str, str] = os.environ) -> Tokens:
        """From the secrets folder and FAULTLINE_PLAYERS. Raises LabError where one of them cannot be read."""
        named = environment.get("FAULTLINE_PLAYERS", "")
        return cls(place.secret("lab_token"), read_players(place.root / Path(named).expanduser()) if named else {})

    def who(self, authorization: str) -> Who | None:
        """Whose token an Authorization header holds. Every known one is compared, each in constant time."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        given = token.strip().encode()
        found = [who for known, who in self._known.items() if hmac.compare_digest(known.encode(), given)]
        return found[0] if found else None


def reading_is_open(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the console can be reached from this machine alone: what is published is a loopback address.

    In a container FAULTLINE_BIND says where it is published; what it listens on there says nothing.
    """
    inside = environment.get("FAULTLINE_ENVIRONMENT") in ("compose", "kubernetes")
    published = environment.get("FAULTLINE_BIND") or (HOST if inside else environment.get("FAULTLINE_BIND_HOST", HOST))
    try:
        return published == "localhost" or ip_address(published).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses whoever may not, before anything is read; ``scope["who"]`` says who asks."""

    def __init__(self, app: ASGIApp, tokens: Tokens, *, open_reading: bool) -> None:
        self._app, self._tokens, self._open = app, tokens, open_reading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            scope["who"] = self._admitted(scope)
        except Problem as problem:
            await problem.response()(scope, receive, sealed)
        else:
            await self._app(scope, receive, sealed)

    def _admitted(self, scope: Scope) -> Who | None:
        headers = Headers(scope=scope)
        who = self._tokens.who(headers.get("authorization", ""))
        reading = scope["method"] in _READING
        if not reading:
            require_same_origin(headers)
        if who is None and not (reading and (self._open or not is_data(scope["path"]))):
            raise Problem(
                401,
                "This needs the lab's token.",
                "`faultline console` opens the page with it.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return who


def require_same_origin(headers: Headers) -> None:
    """Raises Problem where a browser says that another site's page asks. Scripts send neither header."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    foreign = site not in (None, "same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    )
    if foreign:
        raise Problem(403, "Only the console's own pages may change something.", "Open it by `faultline console`.")


def is_data(path: str) -> bool:
    """Whether a path is the API's or a backend's, and none of the page's."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _DATA)


def _protect(headers: MutableHeaders, path: str) -> None:
    for name, value in _ALWAYS.items():
        headers[name] = value
    # Pages and modules are asked for again each time, and answered "not modified" by their tag.
    headers["Cache-Control"] = "no-store" if is_data(path) else "no-cache"
