"""The gateway takes every photo that the models can read and no other, and never unpacks a bomb."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.problems import Problem
from services.cv_model.model import decode_photo
from services.gateway.photo import MAX_BYTES, MAX_PIXELS, check_photo
from tests.unit.services import photos

BAD = {
    "empty": (b"", "image/jpeg", 422),
    "text": (b"this is no picture at all", "image/jpeg", 422),
    "a PNG that says it is a JPEG": (photos.photo(kind="PNG"), "image/jpeg", 422),
    "cut short JPEG": (photos.cut_short("JPEG"), "image/jpeg", 422),
    "cut short PNG": (photos.cut_short("PNG"), "image/png", 422),
    "30 megapixels": (photos.thirty_megapixels(), "image/jpeg", 422),
    "decompression bomb": (photos.decompression_bomb(), "image/png", 422),
    "too small": (photos.photo(4, 4), "image/jpeg", 422),
    "a GIF": (photos.photo(kind="GIF", mode="L"), "image/gif", 415),
    "no type": (photos.photo(), "", 415),
    "too many bytes": (b"\xff" * (MAX_BYTES + 1), "image/jpeg", 413),
}


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P")]
)
def test_photos_of_every_common_kind_pass(kind: str, mode: str) -> None:
    check_photo(photos.photo(kind=kind, mode=mode), f"image/{kind.lower()}")


def test_a_photo_at_the_limit_of_pixels_passes() -> None:
    check_photo(photos.photo(2_000, MAX_PIXELS // 2_000), "image/jpeg")


@pytest.mark.parametrize("name", BAD)
def test_what_no_model_can_read_is_refused_at_the_door(name: str) -> None:
    data, content_type, status = BAD[name]
    with pytest.raises(Problem) as refused:
        check_photo(data, content_type)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "data", [photos.decompression_bomb(), photos.thirty_megapixels()], ids=["bomb", "30 megapixels"]
)
def test_refusing_a_bomb_costs_no_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Problem):
            check_photo(data, "image/png" if data.startswith(b"\x89PNG") else "image/jpeg")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def refusal(data: bytes, content_type: str) -> int | None:
    """The status with which a photo is refused; None where it is taken."""
    try:
        check_photo(data, content_type)
    except Problem as problem:
        return problem.status
    return None


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_photo_is_refused_or_else_the_photo_model_can_read_it(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG"]))
    damaged = bytearray(photos.photo(kind=kind))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    refused = refusal(bytes(damaged), f"image/{kind.lower()}")
    assert refused in (None, 422)
    if refused is None:
        decode_photo(bytes(damaged))


def test_a_picture_that_lies_about_its_size_is_no_danger() -> None:
    assert refusal(photos.liar(), "image/png") in (None, 422)


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> None:
    """Pillow warns of pictures from 89 megapixels on; once a process is no harm."""
