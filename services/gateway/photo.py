"""Is this upload a photo the models will be able to read? Asked at the door, where the client can still be told."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from chassis.problems import Problem

MAX_BYTES = 2_000_000
MAX_PIXELS = 4_000_000
MIN_SIDE = 8
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}


def check_photo(data: bytes, content_type: str, max_pixels: int = MAX_PIXELS) -> None:
    """Raises Problem: 413 for too many bytes, 415 for another format, 422 for too many or few pixels or a broken image.

    The size is read from the header before anything is unpacked, so a decompression bomb costs nothing.
    """
    if len(data) > MAX_BYTES:
        raise Problem(
            413, "photo-too-large", "The photo is too large", f"At most {MAX_BYTES} bytes; it has {len(data)}."
        )
    if content_type not in FORMATS:
        raise Problem(415, "photo-type", "Not a supported photo", f"Send one of {', '.join(FORMATS)}.")
    try:
        with Image.open(io.BytesIO(data), formats=[FORMATS[content_type]]) as image:
            _check_size(image, max_pixels)
            image.load()
    except UnidentifiedImageError as error:
        raise _unreadable(f"These bytes are not a {FORMATS[content_type]}.") from error
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise _unreadable("The image is cut short or damaged.") from error


def _check_size(image: Image.Image, max_pixels: int) -> None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise Problem(422, "photo-pixels", "The photo has too many pixels", f"At most {max_pixels}; it has {pixels}.")
    if min(image.size) < MIN_SIDE:
        raise Problem(422, "photo-pixels", "The photo is too small", f"Each side needs at least {MIN_SIDE} pixels.")


def _unreadable(detail: str) -> Problem:
    return Problem(422, "unreadable-photo", "The photo cannot be read", detail)
