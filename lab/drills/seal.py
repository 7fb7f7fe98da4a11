"""A seal against reading the answer by accident: whoever looks at a file or a row of a running drill learns nothing.

It is no protection against somebody who wants to break it; the honest player is assumed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from itertools import count
from pathlib import Path
from typing import Any

_KEY_BYTES = 32
_BLOCK = 512  # every sealed document has a multiple of this length, so that its length tells nothing either


def seal(document: Any, key: bytes) -> str:
    """A JSON value as text that tells nothing: padded, and covered by a keystream of SHA-256 with a nonce."""
    plain = json.dumps(document).encode()
    plain += b" " * (-len(plain) % _BLOCK)
    nonce = secrets.token_bytes(16)
    return base64.b64encode(nonce + _covered(plain, key, nonce)).decode()


def unseal(text: str, key: bytes) -> Any:
    """The value that was sealed with this key. Raises ValueError for another key."""
    raw = base64.b64decode(text)
    return json.loads(_covered(raw[16:], key, raw[:16]))


def key_of(path: Path) -> bytes:
    """The stack's key; made on the first call, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


def _covered(text: bytes, key: bytes, nonce: bytes) -> bytes:
    stream = bytearray()
    for number in count():
        if len(stream) >= len(text):
            break
        stream += hashlib.sha256(key + nonce + number.to_bytes(8, "big")).digest()
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))
