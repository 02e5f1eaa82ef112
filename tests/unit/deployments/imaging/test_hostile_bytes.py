"""Whatever bytes come in, the answer is a picture or one of our errors, soon."""

from __future__ import annotations

import io
import struct
import time

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deployments.errors import MasqueradeError, Undecodable
from deployments.imaging import Limits, Photo, exif, jpeg

LIMITS = Limits(max_pixels=1_000_000)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seeds() -> list[bytes]:
    rng = np.random.default_rng(7)
    image = Image.fromarray(rng.integers(0, 256, (12, 18, 3), np.uint8)).resize((54, 36), Image.Resampling.BICUBIC)
    tags = Image.Exif()
    tags[0x0112] = 6
    still = [image, image.convert("L")]
    found = [saved(entry, kind, exif=tags) for entry in still for kind in ("JPEG", "PNG", "WEBP")]
    found += [saved(image, "JPEG", progressive=True), saved(image.convert("CMYK"), "JPEG")]
    found += [
        saved(image.convert("RGBA"), "PNG"),
        saved(image.convert("P"), "PNG"),
        saved(image, "WEBP", lossless=True),
    ]
    found += [saved(image, kind, save_all=True, append_images=[image.rotate(9)]) for kind in ("PNG", "WEBP")]
    deep = rng.integers(0, 65_536, (12, 18, 4), np.uint16)
    found += [cv2.imencode(".png", deep[..., :channels])[1].tobytes() for channels in (1, 3, 4)]
    return found


SEEDS = seeds()
SIGNATURES = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x40\x00\x00\x00WEBPVP8 ",
    b"RIFF\x40\x00\x00\x00WEBPVP8X",
]


def answers(data: bytes) -> None:
    started = time.process_time()
    try:
        photo = Photo.open(data, LIMITS)
    except MasqueradeError as error:
        assert error.message
    else:
        assert photo.pixels().shape == (photo.height, photo.width, 3)
        assert max(photo.pixels(16).shape) <= 16
    assert time.process_time() - started < 1


@given(signature=st.sampled_from(SIGNATURES), rest=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes_get_an_answer(signature, rest):
    answers(signature + rest)


@st.composite
def mutated(draw) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data) - 1))
        action = draw(st.sampled_from(["set", "insert", "delete", "repeat", "cut"]))
        length = draw(st.integers(1, 24))
        if action == "set":
            data[at] = draw(st.integers(0, 255))
        elif action == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif action == "delete" and len(data) > length + 1:
            del data[at : at + length]
        elif action == "repeat":
            data[at:at] = data[at : at + length]
        elif at:
            del data[at:]
    return bytes(data)


@given(mutated())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_mutated_pictures_get_an_answer(data):
    answers(data)


@given(st.sampled_from(SEEDS), st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, deadline=None)
def test_a_prefix_of_a_picture_is_never_a_picture(data, share):
    with pytest.raises(MasqueradeError):
        Photo.open(data[: int(len(data) * share)])


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda rest: b"II*\0\x08\0\0\0" + rest))
def test_orientation_is_1_to_8_whatever_exif_says(block):
    assert 1 <= exif.orientation(block) <= 8


def test_orientation_is_read_in_both_byte_orders():
    little = b"II*\0" + struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)
    big = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 8, 0)
    assert (exif.orientation(little), exif.orientation(big)) == (6, 8)


def test_a_jpeg_of_endless_scans_is_refused_at_once():
    data = saved(Image.new("RGB", (64, 64), "red"), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[at:-2] * 100 + b"\xff\xd9"
    with pytest.raises(Undecodable, match="too many scans"):
        Photo.open(bomb)


def test_millions_of_empty_segments_are_refused_soon():
    started = time.process_time()
    for flood in (
        b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_000_000,
        SEEDS[1][:33] + b"\0\0\0\0tEXt\0\0\0\0" * 1_000_000,
        b"RIFF" + (4 + 8 * 1_000_000).to_bytes(4, "little") + b"WEBP" + b"JUNK\0\0\0\0" * 1_000_000,
    ):
        with pytest.raises(Undecodable):
            Photo.open(flood)
    assert time.process_time() - started < 2


def test_two_frame_headers_are_refused():
    data = saved(Image.new("RGB", (16, 16)), "JPEG")
    at = data.index(b"\xff\xc0")
    frame = data[at : at + 19]
    with pytest.raises(Undecodable, match="two frame headers"):
        jpeg.parse(data[:at] + frame + data[at:])


def grey_lossless_jpeg(width: int, height: int) -> bytes:
    """All of one grey: each sample is predicted by its neighbour (T.81, annex H), and its difference, none, is one bit."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    frame = segment(0xC3, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    one_code = segment(0xC4, b"\0" + bytes([1, *[0] * 15]) + b"\0")
    scan = segment(0xDA, b"\1\1\0\1\0\0") + bytes(-(-width * height // 8))
    return b"\xff\xd8" + frame + one_code + scan + b"\xff\xd9"


def test_a_lossless_jpeg_is_refused_before_a_decoder_meets_it():
    # Asked for one pixel in 64 of it, TurboJPEG writes all of them and, with them, over its caller's memory.
    data = grey_lossless_jpeg(480, 320)
    assert Image.open(io.BytesIO(data)).convert("L").getextrema() == (128, 128)
    with pytest.raises(Undecodable, match="lossless JPEG"):
        Photo.open(data)


def test_a_jpeg_of_12_bits_a_colour_is_told_so():
    data = bytearray(saved(Image.new("RGB", (16, 16)), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(Undecodable, match="12 bits a colour"):
        Photo.open(bytes(data))


def test_a_webp_whose_canvas_and_picture_disagree_is_refused():
    data = SEEDS[2]
    at = data.index(b"VP8X") + 12
    lying = data[:at] + b"\x0f\0\0" + data[at + 3 :]
    with pytest.raises(Undecodable, match="contradicts"):
        Photo.open(lying)
