"""Containers whose parts are sound by themselves and make no sense together: past the checksums, into the parsers."""

from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deployments.errors import MasqueradeError, Undecodable
from deployments.imaging import Limits, Photo
from tests.png import SIGNATURE, chunk

LIMITS = Limits(max_pixels=1_000_000)
Part = tuple[bytes, bytes]

PNG_KINDS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"IEND")
WEBP_KINDS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP")
CANVAS = (b"VP8X", b"\0\0\0\0\x0f\0\0\x0f\0\0")


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(parts: list[Part]) -> bytes:
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def png_parts(data: bytes) -> list[Part]:
    parts, at = [], 8
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        parts.append((data[at + 4 : at + 8], data[at + 8 : end]))
        at = end + 4
    return parts


def webp(parts: list[Part]) -> bytes:
    body = b"".join(kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2) for kind, body in parts)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def webp_parts(data: bytes) -> list[Part]:
    parts, at = [], 12
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append((data[at : at + 4], data[at + 8 : end]))
        at = end + end % 2
    return parts


IMAGE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (16, 16, 3), np.uint8))
TURNED = [IMAGE.rotate(90)]
PNGS = [png_parts(saved(IMAGE.convert(mode), "PNG")) for mode in ("L", "P", "RGB", "RGBA")]
PNGS.append(png_parts(saved(IMAGE, "PNG", save_all=True, append_images=TURNED)))
DEEP = np.random.default_rng(7).integers(0, 65_536, (16, 16, 4), np.uint16)
PNGS += [png_parts(cv2.imencode(".png", DEEP[..., :channels])[1].tobytes()) for channels in (1, 3, 4)]
WEBPS = [
    webp_parts(saved(image, "WEBP", lossless=sharp)) for image in (IMAGE, IMAGE.convert("RGBA")) for sharp in (0, 1)
]
WEBPS.append(webp_parts(saved(IMAGE, "WEBP", save_all=True, append_images=TURNED)))


@st.composite
def rearranged(draw, seeds: list[list[Part]], kinds: tuple[bytes, ...]) -> list[Part]:
    parts = list(draw(st.sampled_from(seeds)))
    some = st.binary(max_size=40) | st.just(bytes(range(256)) * 2)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(parts) - 1))
        action = draw(st.sampled_from(["body", "byte", "repeat", "insert", "remove"]))
        kind, body = parts[at]
        if action == "body":
            parts[at] = (kind, draw(some))
        elif action == "byte" and body:
            place = draw(st.integers(0, min(len(body), 24) - 1))
            parts[at] = (kind, body[:place] + bytes((draw(st.integers(0, 255)),)) + body[place + 1 :])
        elif action == "repeat":
            parts.insert(draw(st.integers(0, len(parts))), parts[at])
        elif action == "insert":
            parts.insert(at + 1, (draw(st.sampled_from(kinds)), draw(some)))
        elif action == "remove" and len(parts) > 1:
            del parts[at]
    return parts


def answers(data: bytes) -> None:
    try:
        photo = Photo.open(data, LIMITS)
    except MasqueradeError as error:
        assert error.message
    else:
        assert photo.pixels().shape == (photo.height, photo.width, 3)


@pytest.mark.parametrize("place", [1, 2])
def test_a_second_png_header_is_refused_for_nobody_has_checked_its_size(place):
    header, pixels, end = PNGS[2]
    parts = [header, pixels, end]
    parts.insert(place, (b"IHDR", (12_000).to_bytes(4, "big") * 2 + header[1][8:]))
    with pytest.raises(Undecodable, match="two headers"):
        Photo.open(png(parts), LIMITS)


@pytest.mark.parametrize(("width", "height"), [(0, 16), (16, 0), (0, 0)])
def test_a_png_without_pixels_says_so(width, height):
    header, pixels, end = PNGS[2]
    empty = b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + header[1][8:]
    with pytest.raises(Undecodable, match="no pixels"):
        Photo.open(png([empty, pixels, end]), LIMITS)


@given(rearranged(PNGS, PNG_KINDS))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_arrangement_of_png_chunks_gets_an_answer(parts):
    answers(png(parts))


@given(rearranged(WEBPS, WEBP_KINDS))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_arrangement_of_webp_chunks_gets_an_answer(parts):
    answers(webp(parts))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([CANVAS, (b"VP8L", b"")], id="a bitstream of nothing"),
        pytest.param([CANVAS, *WEBPS[0], (b"VP8L", b"\x2f")], id="a second one cut short"),
        pytest.param([*WEBPS[0], (b"VP8X", b"")], id="a header of nothing, and too late"),
    ],
)
def test_a_webp_with_a_part_too_short_to_be_one_is_undecodable(parts):
    with pytest.raises(Undecodable):
        Photo.open(webp(parts))


def header(depth: int, colour: int, interlaced: int = 0) -> Part:
    return b"IHDR", (16).to_bytes(4, "big") * 2 + bytes((depth, colour, 0, 0, interlaced))


def rows(data: bytes) -> Part:
    return b"IDAT", zlib.compress(data)


END: Part = (b"IEND", b"")


def test_more_transparency_than_a_palette_can_have_is_undecodable():
    palette = (b"PLTE", bytes(12))
    with pytest.raises(Undecodable, match="transparency"):
        Photo.open(png([header(8, 3), palette, (b"tRNS", bytes(257)), rows(bytes(17 * 16)), END]))


def test_a_palette_picture_without_a_palette_is_not_taken_for_a_black_one():
    with pytest.raises(Undecodable, match="palette"):
        Photo.open(png([header(8, 3), rows(bytes(17 * 16)), END]))


@pytest.mark.parametrize(("depth", "colour", "row"), [(1, 0, 2), (8, 0, 16), (16, 0, 32), (8, 2, 48), (16, 6, 128)])
@pytest.mark.parametrize("missing", [1, 8, 15])
def test_a_png_that_ends_with_a_whole_row_but_not_the_last_is_undecodable(depth, colour, row, missing):
    whole = bytes(16 * (1 + row))
    assert Photo.open(png([header(depth, colour), rows(whole), END])).height == 16
    with pytest.raises(Undecodable):
        Photo.open(png([header(depth, colour), rows(whole[: -missing * (1 + row)]), END]))


def test_an_interlaced_png_is_whole_with_all_its_passes_and_not_with_fewer():
    # Adam7 on 16 x 16: width and height of each pass's picture.
    passes = [(2, 2), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8)]
    pieces = [bytes(height * (1 + 3 * width)) for width, height in passes]
    assert Photo.open(png([header(8, 2, 1), rows(b"".join(pieces)), END])).width == 16
    with pytest.raises(Undecodable):
        Photo.open(png([header(8, 2, 1), rows(b"".join(pieces[:-1])), END]))
