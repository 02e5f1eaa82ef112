"""Photos are re-encoded in a ladder of sizes, without anything that came with the pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.pictures import MAX_PHOTO_BYTES, photo_sizes, thumbnail


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def sides(data: bytes) -> list[tuple[int, int]]:
    return [(size.width, size.height) for size in photo_sizes(data)]


def test_a_large_photo_comes_in_four_sizes() -> None:
    assert sides(encoded(Image.new("RGB", (3000, 2000)))) == [(90, 60), (320, 213), (800, 533), (1280, 853)]


def test_a_small_photo_is_not_enlarged() -> None:
    assert sides(encoded(Image.new("RGB", (300, 100)))) == [(90, 30), (300, 100)]


def test_the_sizes_are_plain_jpeg_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    data = encoded(Image.new("RGB", (200, 100)), exif=exif, comment=b"another", icc_profile=b"profile")
    for size in photo_sizes(data):
        picture = Image.open(io.BytesIO(size.data), formats=["JPEG"])
        assert picture.size == (size.width, size.height)
        assert not picture.getexif()
        assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert sides(encoded(Image.new("RGB", (200, 100)), exif=exif)) == [(45, 90), (100, 200)]


def test_transparency_becomes_white() -> None:
    clear = encoded(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), "PNG")
    pixels = np.asarray(Image.open(io.BytesIO(photo_sizes(clear)[-1].data)))
    assert pixels.min() > 250


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "file must be non-empty"),
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (encoded(Image.new("RGB", (64, 64)))[:80], "IMAGE_PROCESS_FAILED"),
        (encoded(Image.new("1", (6000, 4001)), "PNG"), "PHOTO_INVALID_DIMENSIONS"),
        (encoded(Image.new("1", (2100, 100)), "PNG"), "PHOTO_INVALID_DIMENSIONS"),
        (
            b"\0" * (MAX_PHOTO_BYTES + 1),
            "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes",
        ),
    ],
)
def test_what_is_no_photo_to_telegram_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        photo_sizes(data)
    assert caught.value.description == f"Bad Request: {message}"


def test_the_limits_themselves_are_allowed() -> None:
    assert sides(encoded(Image.new("1", (2000, 100)), "PNG"))[-1] == (1280, 64)
    assert sides(encoded(Image.new("1", (6000, 4000)), "PNG"))[-1] == (1280, 853)


def test_pictures_among_documents_get_a_preview_and_others_none() -> None:
    small = thumbnail(encoded(Image.new("RGB", (1000, 500)), "WEBP"))
    assert small is not None
    assert (small.width, small.height) == (320, 160)
    assert thumbnail(b"%PDF-1.7") is None
    assert thumbnail(encoded(Image.new("RGB", (64, 64)))[:80]) is None


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"BM"]),
)
def test_any_bytes_are_a_photo_or_refused(data: bytes, magic: bytes) -> None:
    try:
        photo_sizes(magic + data)
    except ApiError as error:
        assert error.code == 400
