"""Writing artifacts in formats that cannot run code: safetensors, skops and JSON, byte for byte reproducible."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from safetensors.numpy import save_file

from marketplace.training.heads import Head

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip archive knows; skops writes the time of day


def write_tensors(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    """``head.safetensors``: a head in plain arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "head.safetensors")


def write_head(folder: Path, head: Head) -> None:
    """``head.skops`` and ``head.json``: an estimator and its facts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "head.skops").write_bytes(_steady_zip(skops.io.dumps(head.estimator)))
    write_json(folder / "head.json", head.facts)


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """JSON that reads well and differs only where its content does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _steady_zip(data: bytes) -> bytes:
    """The same archive, compressed, in the order of names and without the time of writing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return buffer.getvalue()
