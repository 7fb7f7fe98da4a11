"""Keys, tokens and Redis passwords of one stack: made once, readable by their owner alone."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path

from lab.place import HOST, Place

REDIS_USERS = ("feature_store", "orchestrator", "loader", "exporter", "lab")
# (name, predictions a second, burst) by API key. The benchmark and the traffic must never meet the rate limit.
_API_KEYS = (("learner", 20, 40), ("traffic", 200, 400))


def ensure_secrets(place: Place) -> None:
    """Make what is absent; what is there stays, so that a restart keeps everyone's keys."""
    place.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.secrets_dir.chmod(0o700)
    for name in ("control_token", "lab_token", "pagerduty_routing_key", *(f"redis_{user}" for user in REDIS_USERS)):
        _ensure(place.secrets_dir / name)
    for name, _, _ in _API_KEYS:
        _ensure(place.secrets_dir / f"api_key_{name}")
    write_private(place.secrets_dir / "api_keys.json", json.dumps(_key_table(place), indent=1))
    write_private(place.secrets_dir / "redis_exporter.json", json.dumps(_exporter_passwords(place)))


def write_acl(place: Place) -> Path:
    """Fill in Redis's ACL template; the file holds digests only."""
    template = (place.root / "deploy/redis/users.acl.template").read_text()
    lines = [line for line in template.splitlines() if line and not line.startswith("#")]
    digests = {user: _digest(place.secret(f"redis_{user}")) for user in REDIS_USERS}
    path = place.run_dir / "redis" / "users.acl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, "\n".join(line.format_map(digests) for line in lines) + "\n")
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, never for a moment readable by others."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _ensure(path: Path) -> None:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key_table(place: Place) -> list[dict[str, object]]:
    return [
        {"name": name, "key_sha256": _digest(place.api_key(name)), "rate_per_s": rate, "burst": burst}
        for name, rate, burst in _API_KEYS
    ]


def _exporter_passwords(place: Place) -> dict[str, str]:
    """The Redis exporter's password file: password by address, so that it stands on no command line."""
    return {f"redis://{HOST}:{place.port('redis')}": place.secret("redis_exporter")}
