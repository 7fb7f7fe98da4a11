"""Clients of the services' control ports, one for each replica."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import httpx

from lab.place import Place
from services import topology

TIMEOUT_S = 2.0


class NotReachable(Exception):
    """A replica's control port does not answer: it is starting, ending, or gone."""


class Refused(Exception):
    """A replica refused an order; the message is its reason."""


@dataclass
class Replica:
    """One process of a service."""

    service: str
    url: str
    http: httpx.Client

    def instance(self) -> str:
        return str(self._ask("GET", "/v1/status")["instance"])

    def orders(self) -> dict[str, dict[str, Any]]:
        """What is on there, by key."""
        return {order["key"]: order for order in self._ask("GET", "/v1/faults")["faults"]}

    def begin(self, order: dict[str, Any]) -> None:
        self._ask("POST", "/v1/faults", order)

    def end(self, key: str) -> None:
        """End it there; that its own timer was quicker is as good."""
        self._ask("DELETE", f"/v1/faults/{key}", gone_is_fine=True)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, gone_is_fine: bool = False
    ) -> dict[str, Any]:
        try:
            response = self.http.request(method, f"{self.url}{path}", json=body)
        except httpx.HTTPError as error:
            raise NotReachable(f"{self.service} at {self.url}: {type(error).__name__}") from error
        if response.status_code >= 400 and not (gone_is_fine and response.status_code == httpx.codes.NOT_FOUND):
            raise Refused(str(response.json().get("detail", response.status_code)))
        answer: dict[str, Any] = response.json()
        return answer


def open_http(place: Place) -> httpx.Client:
    """A client with the control token, which `faultline up` has made."""
    token = (place.secrets_dir / "control_token").read_text().strip()
    return httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False)


def replicas(place: Place, service: str, http: httpx.Client) -> list[Replica]:
    """Every replica there is now: all addresses of the name that stands for them."""
    port = topology.SERVICES[service].control_port + place.offset
    try:
        found = socket.getaddrinfo(place.hosts.replicas(service), port, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror:
        return []  # a name without addresses: no replica runs
    addresses = sorted({str(entry[4][0]) for entry in found})
    return [Replica(service, f"http://{address}:{port}", http) for address in addresses]
