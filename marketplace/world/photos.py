"""Photos rendered with Pillow: a scene in some condition, seen through a camera of some quality."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from marketplace.world import scenes
from marketplace.world.listings import Listing

SIZE = (320, 240)
JPEG_QUALITY = 88
PAINTERS = {
    "facade": scenes.facade,
    "kitchen": scenes.kitchen,
    "bathroom": scenes.bathroom,
    "bedroom": scenes.bedroom,
    "empty_lot": scenes.empty_lot,
}


def render_photo(listing: Listing, rng: np.random.Generator, dark: bool = False) -> bytes:
    """The listing's photo as JPEG bytes; ``dark`` makes it a dim phone photo of the same scene.

    Both kinds draw the same random numbers, so that a darkened photo differs in its light alone.
    """
    image = Image.new("RGB", SIZE)
    PAINTERS[listing.scene](scenes.Canvas(ImageDraw.Draw(image), rng, listing.condition))
    return _encode(_take(image, listing.photo_quality, rng, dark))


def _take(image: Image.Image, quality: float, rng: np.random.Generator, dark: bool) -> Image.Image:
    """What a camera makes of the scene: tilt, blur, light and noise grow as quality falls."""
    poor = 1.0 - quality
    tilt, blur, sign = rng.normal(0.0, 1.2 + 7.0 * poor), 2.6 * poor, rng.random()
    image = image.rotate(tilt, Image.Resampling.BILINEAR, fillcolor=(60, 60, 60))
    image = image.filter(ImageFilter.GaussianBlur(max(0.0, blur + rng.normal(0.0, 0.12))))
    light = 1.0 + (0.55 if sign < 0.25 else -0.62) * poor + rng.normal(0.0, 0.02)
    noise = rng.standard_normal((SIZE[1], SIZE[0], 1), dtype=np.float32) * np.float32(2.0 + 20.0 * poor)
    pixels = np.asarray(image, dtype=np.float32) * np.float32(light) + noise
    if dark:
        pixels = pixels * np.float32(0.32) + np.float32(1.5) * noise
    return Image.fromarray(np.clip(pixels, 0.0, 255.0).astype(np.uint8))


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
