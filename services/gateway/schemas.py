"""The gateway's error answers, for its OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ProblemDocument(BaseModel):
    """RFC 9457: what went wrong and what to change; ``request_id`` finds it in the logs."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


_MEANINGS = {
    400: "A malformed header or body.",
    401: "The API key is missing or wrong.",
    404: "No such listing or resource.",
    410: "The prediction is no longer kept.",
    413: "The body, the description or the photo is too large.",
    415: "The body is no multipart form, or the photo is neither JPEG nor PNG.",
    422: "A field is missing or wrong, or the photo cannot be read.",
    429: "Too many requests for this key.",
    503: "The prediction cannot be made now; Retry-After says when to ask again.",
    504: "The prediction took too long.",
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {"application/problem+json": {"schema": ProblemDocument.model_json_schema()}},
    }
    for status, meaning in _MEANINGS.items()
}
