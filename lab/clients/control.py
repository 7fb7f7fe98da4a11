"""The control port of one service: its knobs, at every replica."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import httpx

from lab.place import LabError, Place

_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Control:
    """One service's control ports: those of all addresses that ``host`` stands for, so of every replica."""

    host: str
    port: int
    token: str

    @classmethod
    def of(cls, place: Place, service: str) -> Control:
        """A service of this stack. Raises LabError where the stack has never been started."""
        return cls(place.hosts.replicas(service), place.port(f"{service}_control"), place.secret("control_token"))

    def set_knob(self, name: str, value: bool | float | str) -> None:
        """Turn a knob everywhere. Raises LabError where one replica does not answer or refuses."""
        for address in self._addresses():
            self._ask(address, "PUT", f"/v1/knobs/{name}", {"value": value})

    def restart(self) -> None:
        """End every replica's process; what looks after it starts it again. Raises LabError."""
        for address in self._addresses():
            self._ask(address, "POST", "/v1/restart", None)

    def knobs(self) -> dict[str, Any]:
        """Value by name, of the first replica."""
        answer = self._ask(self._addresses()[0], "GET", "/v1/knobs", None)
        return {knob["name"]: knob["value"] for knob in answer["knobs"]}

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise LabError(f"No replica answers to {self.host}.", "`faultline status` shows what runs.") from error
        return sorted({str(entry[4][0]) for entry in found})

    def _ask(self, address: str, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"http://{address}:{self.port}{path}"
        try:
            response = httpx.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError as error:
            where = f"{address}:{self.port}"
            raise LabError(
                f"The control port {where} does not answer.", "`faultline status` shows what runs."
            ) from error
        if response.status_code != httpx.codes.OK:
            raise LabError(f"The control port refused: {response.json().get('detail', response.status_code)}")
        return response.json()
