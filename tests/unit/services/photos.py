"""Photos for tests: good ones, and every bad one that the issue names."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

from PIL import Image


def photo(width: int = 64, height: int = 48, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """A small picture with a gradient, encoded."""
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def cut_short(kind: str = "JPEG") -> bytes:
    """A photo whose second half never arrived."""
    whole = photo(400, 300, kind)
    return whole[: len(whole) // 2]


@cache
def thirty_megapixels() -> bytes:
    """6 000 by 5 000 pixels of one colour: little to send, 90 MB to unpack."""
    buffer = io.BytesIO()
    Image.new("RGB", (6_000, 5_000), (120, 130, 140)).save(buffer, "JPEG", quality=30)
    return buffer.getvalue()


@cache
def decompression_bomb(side: int = 12_000) -> bytes:
    """A PNG of zeros: 144 million grey pixels in about 140 kB."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    squeeze = zlib.compressobj(9)
    row = b"\0" * (side + 1)
    data = b"".join(squeeze.compress(row) for _ in range(side)) + squeeze.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def liar() -> bytes:
    """A PNG that announces 64 by 48 pixels and holds the data of far more."""
    header = struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 50_000_000, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
