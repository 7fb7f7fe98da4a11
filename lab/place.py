"""Where one stack lives: the checkout, its run folder, its ports, and the hosts of what it is made of."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services import topology

HOST = "127.0.0.1"
BACKENDS = ("tempo", "loki", "prometheus", "alertmanager")
_IN_STORE = ("tempo", "loki")
_CONTAINERS = ("compose", "kubernetes")
# A unix socket's path must fit sun_path: 108 bytes on Linux, 104 on macOS. supervisord binds a temporary
# name beside it first (".PID" appended), so leave room.
_LONGEST_SOCKET_PATH = 90


class LabError(Exception):
    """Something a person can put right; ``next_step`` says how."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True)
class Hosts:
    """Where the parts of a stack answer. ``{service}`` in ``peer`` stands for a service's name, as services read it.

    ``urls`` are base URLs of ``BACKENDS`` that stand elsewhere; the local stack's store answers for Tempo and Loki.
    """

    peer: str = HOST
    redis: str = HOST
    urls: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Hosts:
        """From FAULTLINE_PEER_HOST, FAULTLINE_REDIS_HOST, FAULTLINE_TEMPO_URL and the like."""
        urls = {name: values.get(f"FAULTLINE_{name.upper()}_URL", "").rstrip("/") for name in BACKENDS}
        return cls(
            values.get("FAULTLINE_PEER_HOST") or HOST,
            values.get("FAULTLINE_REDIS_HOST") or HOST,
            {name: url for name, url in urls.items() if url},
        )

    def service(self, name: str) -> str:
        """Where one replica of a service is found."""
        return self.peer.format(service=host_name(name))

    def replicas(self, name: str) -> str:
        """The name that stands for all replicas of a service: its addresses are theirs, ready or not."""
        return self.peer.format(service=f"{host_name(name)}-replicas")


@dataclass(frozen=True)
class Place:
    """One stack's checkout, run folder (absolute) and port offset. Two places never share a run folder.

    ``secrets`` and ``hosts`` differ from the local stack's in a container; ``inside`` says that this is one.
    """

    root: Path
    run_dir: Path
    offset: int = 0
    secrets: Path | None = None
    hosts: Hosts = Hosts()
    environment: str = "local"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Place:
        """Read FAULTLINE_PORT_OFFSET, _RUN_DIR, _SECRETS_DIR and the hosts; relative folders lie in the checkout."""
        values = os.environ if environment is None else environment
        root = Path(__file__).resolve().parents[1]
        offset = _offset(values.get("FAULTLINE_PORT_OFFSET", "0"))
        default = f".run-{offset}" if offset else ".run"
        run_dir = Path(values.get("FAULTLINE_RUN_DIR") or default).expanduser()
        given = values.get("FAULTLINE_SECRETS_DIR")
        secrets = root / Path(given).expanduser() if given else None
        return cls(
            root, root / run_dir, offset, secrets, Hosts.of(values), values.get("FAULTLINE_ENVIRONMENT") or "local"
        )

    @property
    def inside(self) -> bool:
        """Whether this process runs in a container of the stack."""
        return self.environment in _CONTAINERS

    def port(self, name: str) -> int:
        """The port of a service or backend by its topology name, offset applied."""
        return topology.ports(self.offset)[name]

    def url(self, name: str) -> str:
        """Base URL of a service, of a program by its topology name, or of what speaks Tempo's or Loki's API."""
        if name in self.hosts.urls:
            return self.hosts.urls[name]
        host = self.hosts.service(name) if name in topology.SERVICES else HOST
        return f"http://{host}:{self.port('telemetry_store' if name in _IN_STORE else name)}"

    @property
    def variables(self) -> dict[str, str]:
        """What tells a program that is started with them beside the caller's own which stack it is about."""
        return {
            "FAULTLINE_PORT_OFFSET": str(self.offset),
            "FAULTLINE_RUN_DIR": str(self.run_dir),
            "FAULTLINE_SECRETS_DIR": str(self.secrets_dir),
        }

    @property
    def secrets_dir(self) -> Path:
        return self.secrets or self.run_dir / "secrets"

    @property
    def logs_dir(self) -> Path:
        return self.run_dir / "logs"

    @property
    def supervisor_conf(self) -> Path:
        return self.run_dir / "supervisord.conf"

    @property
    def supervisor_pidfile(self) -> Path:
        return self.run_dir / "supervisord.pid"

    @property
    def supervisor_socket(self) -> Path:
        """In the run folder, or in a temporary folder of this user's where that path would be too long."""
        beside = self.run_dir / "supervisor.sock"
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH:
            return beside
        digest = hashlib.sha256(os.fsencode(self.run_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"faultline-{os.getuid()}-{digest}" / "supervisor.sock"

    @property
    def state_file(self) -> Path:
        return self.run_dir / "stack.json"

    def api_key(self, name: str = "learner") -> str:
        """A plain API key. Raises LabError where the stack has never been started."""
        return self.secret(f"api_key_{name}")

    def secret(self, name: str) -> str:
        """One of the stack's own secrets. Raises LabError where the stack has never been started."""
        path = self.secrets_dir / name
        try:
            return path.read_text().strip()
        except OSError as error:
            raise LabError(
                f"{self.shown(path)} cannot be read: {error.strerror}.", "Run `faultline up` first."
            ) from error

    def shown(self, path: Path) -> str:
        """A path as people read it: relative to the checkout where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def host_name(service: str) -> str:
    """A service's name where it stands for a host, which has no underscore."""
    return service.replace("_", "-")


def _offset(text: str) -> int:
    try:
        offset = int(text or "0")
    except ValueError:
        raise LabError(f"FAULTLINE_PORT_OFFSET is {text!r}, not a number.", "Use a number such as 20000.") from None
    if not 0 <= offset <= 50_000:
        raise LabError(f"FAULTLINE_PORT_OFFSET is {offset}.", "Use a number from 0 to 50000.")
    return offset
