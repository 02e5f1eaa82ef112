"""Metadata leaves, pixels stay."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from deployments.imaging import Photo

SECRET = b"52.5200 N 13.4050 E"


def decoded(data: bytes) -> list:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).tolist()


@pytest.fixture
def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": 0}),
        ("RGB", {"keep_rgb": True}),
        ("L", {}),
        ("L", {"progressive": True}),
    ],
)
def test_a_jpeg_loses_its_metadata_and_no_pixel_changes(picture, save, gps, mode, options):
    data = save(picture.convert(mode), "JPEG", exif=gps, comment=SECRET, xmp=b"<x>" + SECRET, dpi=(300, 300), **options)
    data += b"trailer " + SECRET
    assert data.count(SECRET) == 4
    photo = Photo.open(data)
    assert SECRET not in photo.data
    assert photo.data.endswith(b"\xff\xd9")
    assert decoded(photo.data) == decoded(data)


def test_a_preview_inside_a_jfif_header_goes(picture, save):
    data = save(picture, "JPEG")
    thumbnail = b"JFIF\0\1\2\0\0\1\0\1\2\2" + SECRET[:12]
    data = data[:2] + b"\xff\xe0" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + data[20:]
    photo = Photo.open(data)
    assert SECRET[:12] not in photo.data
    assert decoded(photo.data) == decoded(data)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_a_png_loses_its_metadata_and_no_pixel_changes(picture, save, gps, mode):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    data = save(picture.convert(mode), "PNG", exif=gps, pnginfo=notes, dpi=(300, 300)) + SECRET
    assert data.count(SECRET) == 4
    photo = Photo.open(data)
    assert SECRET not in photo.data
    assert decoded(photo.data) == decoded(data)


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_loses_its_metadata_and_no_pixel_changes(picture, save, gps, lossless):
    data = save(picture, "WEBP", exif=gps, xmp=b"<x>" + SECRET, lossless=lossless) + SECRET
    assert data.count(SECRET) == 3
    photo = Photo.open(data)
    assert SECRET not in photo.data
    assert b"VP8X" not in photo.data
    assert decoded(photo.data) == decoded(data)


def test_a_compressed_comment_of_a_gigabyte_costs_nothing(picture, save):
    data = save(picture, "PNG")
    deflater = zlib.compressobj()
    bomb = b"".join(deflater.compress(bytes(2**20)) for _ in range(64)) + deflater.flush()
    at = data.index(b"IDAT") - 4
    for kind, body in ((b"zTXt", b"Comment\0\0" + bomb), (b"iCCP", b"icc\0\0" + bomb)):
        chunk = len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        photo = Photo.open(data[:at] + chunk + data[at:])
        assert photo.data == data


def test_a_damaged_comment_is_no_reason_to_refuse(picture, save):
    data = save(picture, "PNG")
    at = data.index(b"IDAT") - 4
    assert Photo.open(data[:at] + b"\0\0\0\2tEXthi\0\0\0\0" + data[at:]).data == data


def test_of_an_animation_the_first_frame_is_kept(picture, save):
    frames = [Image.new("RGB", picture.size, colour) for colour in ("green", "blue")]
    for kind in ("PNG", "WEBP"):
        data = save(picture, kind, save_all=True, append_images=frames, lossless=True)
        photo = Photo.open(data)
        assert photo.media_type == "image/png"
        assert decoded(photo.data) == decoded(save(picture, "PNG"))
        assert b"acTL" not in photo.data


def test_a_lossy_animation_becomes_a_jpeg(picture, save):
    data = save(picture, "WEBP", save_all=True, append_images=[Image.new("RGB", picture.size)])
    assert Photo.open(data).media_type == "image/jpeg"
