"""Whatever is sent as a photo becomes upright RGB, or is refused with a reason, before it costs anything."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from marketplace.world import World
from services.cv_model.model import PhotoError, decode_photo


def _bytes(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it has side by side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1"])
def test_every_mode_of_jpeg_and_png_becomes_rgb(mode: str) -> None:
    format = "PNG" if mode == "1" else "JPEG"
    image = decode_photo(_bytes(Image.new(mode, (64, 48)), format))
    assert (image.mode, image.size) == ("RGB", (64, 48))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    clear = Image.new(mode, (32, 32), 0 if mode == "LA" else (0, 0, 0, 0))
    assert decode_photo(_bytes(clear, "PNG")).getpixel((5, 5)) == (255, 255, 255)


def test_palettes_keep_their_colours() -> None:
    red = Image.new("RGB", (32, 32), (250, 10, 10)).convert("P")
    pixel = decode_photo(_bytes(red, "PNG")).getpixel((4, 4))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > 60 > pixel[1]


def test_sixteen_bit_grey_is_scaled() -> None:
    grey = Image.fromarray(np.full((32, 32), 32_768, dtype=np.uint16))
    assert decode_photo(_bytes(grey, "PNG")).getpixel((3, 3)) == (128, 128, 128)


def test_a_photo_held_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned
    assert decode_photo(_bytes(Image.new("RGB", (64, 32)), "JPEG", exif=exif)).size == (32, 64)


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8\xff", b"%PDF-1.7" * 40, bytes(1000)])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(PhotoError, match="not a JPEG or PNG"):
        decode_photo(data)


@pytest.mark.parametrize("format", ["GIF", "BMP", "WEBP", "TIFF"])
def test_other_formats_are_refused(format: str) -> None:
    with pytest.raises(PhotoError, match="not a JPEG or PNG"):
        decode_photo(_bytes(Image.new("RGB", (32, 32)), format))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_a_photo_cut_short_is_refused(world: World, share: float) -> None:
    whole = world.photo("L000001")
    with pytest.raises(PhotoError, match=r"cut short or damaged|header cannot be read"):
        decode_photo(whole[: int(len(whole) * share)])


def test_a_png_with_a_broken_body_is_refused() -> None:
    data = bytearray(_bytes(Image.effect_noise((64, 64), 50), "PNG"))
    data[60:90] = bytes(30)
    with pytest.raises(PhotoError):
        decode_photo(bytes(data))


@pytest.mark.parametrize("side", [2_001, 30_000, 200_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side: int) -> None:
    started = time.process_time()
    with pytest.raises(PhotoError, match=r"pixels|header"):
        decode_photo(_bomb(side), max_pixels=4_000_000)
    assert time.process_time() - started < 0.25


def test_the_limit_can_be_lifted() -> None:
    large = _bytes(Image.new("RGB", (2_100, 2_000)), "JPEG")
    with pytest.raises(PhotoError, match="2100x2000"):
        decode_photo(large)
    assert decode_photo(large, max_pixels=24_000_000).size == (2_100, 2_000)


def test_a_photo_of_a_few_pixels_is_refused() -> None:
    with pytest.raises(PhotoError, match="at least 8"):
        decode_photo(_bytes(Image.new("RGB", (4, 300)), "PNG"))
