"""Request bodies, bounded before and after decompression."""

import zlib

from starlette.requests import Request

_WINDOWS = {"gzip": 31, "deflate": 15}  # zlib's wbits: 16 + 15 expects a gzip header


class BodyError(Exception):
    """A body the receiver refuses, with the HTTP status to say so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def read_body(request: Request, limit: int) -> bytes:
    """The decompressed body; raises BodyError over `limit` bytes, for unknown encodings and broken streams."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", *_WINDOWS}:
        raise BodyError(415, f"content encoding {encoding!r} is not supported; use gzip")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyError(413, f"the body is larger than {limit} bytes")
        parts.append(part)
    body = b"".join(parts)
    return inflate(body, _WINDOWS[encoding], limit) if encoding in _WINDOWS else body


def inflate(body: bytes, window: int, limit: int) -> bytes:
    """Decompress at most `limit` bytes; raises BodyError for more, and for what is no such stream or cut short."""
    engine = zlib.decompressobj(window)
    try:
        plain = engine.decompress(body, limit + 1)
    except zlib.error as error:
        raise BodyError(400, f"the body cannot be decompressed: {error}") from error
    if len(plain) > limit:
        raise BodyError(413, f"the decompressed body is larger than {limit} bytes")
    if not engine.eof:
        raise BodyError(400, "the compressed body is cut short")
    return plain
