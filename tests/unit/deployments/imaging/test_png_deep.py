"""PNGs of 16 bits a sample: nothing is lost before their light, and their paper, are known."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from deployments.errors import Undecodable
from deployments.imaging import Photo
from tests.png import chunk
from tests.png import png as file_of

from .test_colour import DARK, WIDE, matrix_profile
from .test_png_colour import coded, gamma

GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
SRGB_COLOURS = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)


def embedded(icc: bytes) -> bytes:
    return chunk(b"iCCP", b"named\0\0" + zlib.compress(icc))


def transparent(*key: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))


def png(samples, kind: int, *chunks: bytes) -> bytes:
    """One row: ``samples`` [pixels] are grey, alike in every channel but alpha, or [pixels, channels]."""
    values = np.asarray(samples)
    if values.ndim == 1:
        grey = values[:, None].repeat(3 if kind in (RGB, RGBA) else 1, axis=1)
        values = np.hstack([grey, np.full((len(grey), 1), 65_535)]) if kind in (GREY_ALPHA, RGBA) else grey
    return file_of(len(values), 1, b"\0" + values.astype(">u2").tobytes(), *chunks, depth=16, colours=kind)


def row(data: bytes) -> np.ndarray:
    return Photo.open(data).pixels()[0].astype(int)


def srgb(light):
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", [GREY, RGB, GREY_ALPHA, RGBA])
@pytest.mark.parametrize("said", ["gAMA", "cICP", "iCCP"])
def test_the_dark_tones_of_linear_light_are_all_there(kind: int, said: str) -> None:
    grey = kind in (GREY, GREY_ALPHA)
    icc = DARK if grey else matrix_profile(*SRGB_COLOURS, 1.0)
    how = {"gAMA": gamma(100_000), "cICP": coded(1, 8), "iCCP": embedded(icc)}[said]
    dark = np.linspace(0, 0.02 * 65_535, 4096).round()
    found = row(png(dark, kind, how))
    assert np.abs(found - srgb(dark / 65_535)[:, None]).max() < 0.51
    assert len(np.unique(found)) == 40


def test_the_dark_tones_of_pq_are_all_there() -> None:
    samples = np.linspace(0, 0.3 * 65_535, 4096).round()
    root = (samples / 65_535) ** (32 / 2523)
    nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (8192 / 1305)
    assert np.abs(row(png(samples, RGB, coded(1, 16))) - srgb(nits / 203)[:, None]).max() < 0.6


@pytest.mark.parametrize("how", [gamma(100_000), embedded(DARK)])
def test_grey_with_alpha_follows_what_the_file_says_of_its_tones(how: bytes) -> None:
    # Half the light is 188 of 255 in sRGB.
    assert row(png([32_768], GREY_ALPHA, how)).tolist() == [[188, 188, 188]]


@pytest.mark.parametrize("kind", [RGB, RGBA])
def test_wide_gamut_comes_out_as_from_8_bits(kind: int) -> None:
    orange = np.array([[200, 100, 50]]) * 257
    samples = orange if kind == RGB else np.hstack([orange, [[65_535]]])
    # As in test_colour: linear light by the power curve, then P3 to sRGB.
    assert row(png(samples, kind, embedded(WIDE)))[0] == pytest.approx((215, 92, 24), abs=3)
    assert row(png(samples, kind))[0].tolist() == [200, 100, 50]


def test_a_profile_of_grey_leaves_colours_alone() -> None:
    assert row(png([[51_400, 25_700, 12_850]], RGB, embedded(DARK))).tolist() == [[200, 100, 50]]


@pytest.mark.parametrize(("kind", "key"), [(GREY, (0,)), (RGB, (0, 0, 0))])
def test_colours_next_to_the_transparent_one_stay(kind: int, key: tuple[int, ...]) -> None:
    assert row(png([0, 1, 200, 256], kind, transparent(*key)))[:, 0].tolist() == [255, 0, 1, 1]


@pytest.mark.parametrize("kind", [GREY_ALPHA, RGBA])
def test_half_transparent_is_half_paper(kind: int) -> None:
    black = [0] if kind == GREY_ALPHA else [0, 0, 0]
    samples = [[*black, shown] for shown in (0, 16_384, 32_768, 65_535)]
    assert row(png(samples, kind))[:, 1].tolist() == [255, 191, 127, 0]


def test_a_suggested_palette_that_is_damaged_is_no_reason_to_refuse() -> None:
    assert row(png([0, 65_535], RGB, chunk(b"PLTE", bytes(10))))[:, 0].tolist() == [0, 255]


@pytest.mark.parametrize("kind", [GREY, RGB, GREY_ALPHA, RGBA])
def test_a_row_that_no_filter_made_is_undecodable(kind: int) -> None:
    whole = png([0, 1], kind)
    at = whole.index(b"IDAT") - 4
    damaged = chunk(b"IDAT", zlib.compress(b"\7" + bytes(64)))
    with pytest.raises(Undecodable):
        Photo.open(whole[:at] + damaged + chunk(b"IEND", b""))
