"""A seal against reading the answer by accident: whoever looks at a file or a row of a running drill learns nothing.

It is no protection against somebody who wants to break it; the honest player is assumed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from contextlib import suppress
from typing import Any

from lab.place import Place

_KEY_BYTES, _NONCE_BYTES = 32, 16
# A sealed document has a multiple of this length, or of a block of its own, so that its length tells nothing either.
_BLOCK = 2048


def seal(document: Any, key: bytes, block: int = _BLOCK) -> str:
    """A JSON value as one line of text that tells nothing: padded, and covered by a keystream of SHAKE-256."""
    plain = json.dumps(document, default=str).encode()
    plain += b" " * (-len(plain) % block)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + _covered(plain, key, nonce)).decode()


def unseal(text: str, key: bytes) -> Any:
    """The value that was sealed with this key. Raises ValueError for another key, or for what is no seal."""
    raw = base64.b64decode(text, validate=True)
    return json.loads(_covered(raw[_NONCE_BYTES:], key, raw[:_NONCE_BYTES]))


def key_of(place: Place) -> bytes:
    """The stack's key; made on the first call, readable by its owner alone."""
    path = place.run_dir / "control" / "key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"key.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):  # the keeper or another command was quicker: its key is the stack's
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()


def _covered(text: bytes, key: bytes, nonce: bytes) -> bytes:
    stream = hashlib.shake_256(key + nonce).digest(len(text))
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")
