"""Writing artifacts in formats that cannot run code: safetensors, skops and JSON, byte for byte reproducible."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from safetensors.numpy import save_file

from marketplace.training.heads import Head

ADDRESS = re.compile(r"(?<=\"__id__\": )\d+|(?<=\"file\": \")\d+(?=\.npy\")")
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip archive knows; skops writes the time of day


def write_tensors(folder: Path, tensors: dict[str, np.ndarray], name: str = "head.safetensors") -> None:
    """``head.safetensors``: a head, or something else of its version, in plain arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / name)


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
    """The same archive, compressed, without the memory addresses and the time of day that skops writes into it.

    skops numbers objects, and names their arrays, by address; here they are numbered as they first appear.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        schema = source.read("schema.json").decode()
        numbers = {address: str(n) for n, address in enumerate(dict.fromkeys(ADDRESS.findall(schema)), start=1)}
        steady = ADDRESS.sub(lambda match: numbers[match[0]], schema)
        _add(target, "schema.json", json.dumps(json.loads(steady), separators=(",", ":")).encode())
        for name in sorted(set(source.namelist()) - {"schema.json"}, key=lambda name: int(numbers[Path(name).stem])):
            _add(target, f"{numbers[Path(name).stem]}{Path(name).suffix}", source.read(name))
    return buffer.getvalue()


def _add(target: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    target.writestr(info, data)
