"""What a PNG says about its colours besides a profile decides how they come out."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from PIL import Image

from deployments.imaging import Photo
from tests.png import chunk

from .test_colour import WIDE, patch

ORANGE = (200, 100, 50)
SRGB_COLOURS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_COLOURS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
# Linear light by sRGB's curve, then P3 to sRGB (1.2249 -0.2247 0; -0.0420 1.0419 0; -0.0197 -0.0786 1.0979).
ORANGE_OF_P3 = (215, 93, 31)


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def colours(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(f">{len(values)}i", *values))


def coded(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes((primaries, transfer, matrix, full)))


EMBEDDED = chunk(b"iCCP", b"wide\0\0" + zlib.compress(WIDE))
INTENT = chunk(b"sRGB", b"\0")


@pytest.fixture
def png(save):
    """A plain PNG, 16 x 16, with chunks behind its header."""

    def made(colour: tuple[int, ...] | int, *chunks: bytes, mode: str = "RGB") -> bytes:
        data = save(Image.new(mode, (16, 16), colour), "PNG")
        return data[:33] + b"".join(chunks) + data[33:]

    return made


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (128,) * 3), ("L", 128), ("LA", (128, 255)), ("1", 1)])
def test_linear_light_comes_out_as_bright_as_it_is(png, mode: str, colour: tuple[int, ...] | int) -> None:
    # Half the light is 188 of 255 in sRGB.
    expected = 255 if mode == "1" else 188
    assert patch(png(colour, gamma(100_000), mode=mode)) == pytest.approx([expected] * 3, abs=1)


def test_a_steeper_gamma_comes_out_darker(png) -> None:
    # (128 / 255) ** 2.6 is 0.1666 of the light.
    assert patch(png((128,) * 3, gamma(38_462))) == pytest.approx([113] * 3, abs=1)


@pytest.mark.parametrize(
    "chunks",
    [(gamma(45_455),), (colours(SRGB_COLOURS),), (gamma(45_455), colours(SRGB_COLOURS)), (INTENT, gamma(100_000)),
     (coded(1, 13), EMBEDDED), (coded(1, 1), gamma(100_000))],
)  # fmt: skip
def test_what_says_srgb_is_left_as_it_is(png, chunks: tuple[bytes, ...]) -> None:
    assert Photo.open(png(ORANGE, *chunks)).data == png(ORANGE)


@pytest.mark.parametrize(
    "chunks",
    [(coded(12, 13),), (coded(12, 13), gamma(100_000), EMBEDDED, INTENT), (colours(P3_COLOURS), gamma(45_455)),
     (colours(P3_COLOURS),)],
)  # fmt: skip
def test_wide_gamut_is_converted_to_srgb(png, chunks: tuple[bytes, ...]) -> None:
    assert patch(png(ORANGE, *chunks)) == pytest.approx(ORANGE_OF_P3, abs=1)


def test_white_of_any_warmth_stays_white(png) -> None:
    warm = (34570, 35850, *SRGB_COLOURS[2:])
    assert patch(png((255,) * 3, colours(warm))) == pytest.approx([255] * 3, abs=1)


@pytest.mark.parametrize("other", [(), (gamma(100_000),), (INTENT,), (coded(12, 13, full=0),), (coded(12, 99),)])
def test_a_profile_outranks_all_but_a_code_that_is_understood(png, other: tuple[bytes, ...]) -> None:
    assert patch(png(ORANGE, *other, EMBEDDED)) == patch(png(ORANGE, EMBEDDED)) != list(ORANGE)


def test_brighter_than_white_is_white_and_half_of_whites_light_is_half(png) -> None:
    # White is 203 cd/m2: 58 % of PQ (ITU-R BT.2408). PQ says 0.5 for 92.2 cd/m2.
    assert patch(png((149,) * 3, coded(9, 16))) == pytest.approx([255] * 3, abs=1)
    assert patch(png((255,) * 3, coded(9, 16))) == pytest.approx([255] * 3, abs=1)
    assert patch(png((128,) * 3, coded(1, 16))) == pytest.approx([180] * 3, abs=2)
    # 75 % of HLG is the same 203 cd/m2; a half is a twelfth of the scene's light, and 50.6 cd/m2.
    assert patch(png((192,) * 3, coded(9, 18))) == pytest.approx([255] * 3, abs=1)
    assert patch(png((128,) * 3, coded(1, 18))) == pytest.approx([137] * 3, abs=2)


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(0),), (gamma(1),), (gamma(2**32 - 1),), (chunk(b"gAMA", b"\1"),), (gamma(100_000)[:-1] + b"\0",),
        (chunk(b"cHRM", b""),), (colours(P3_COLOURS[:6]),), (colours((0,) * 8),), (colours((31270, 32900) * 4),),
        (colours((80000, 10000, *P3_COLOURS[2:])),), (colours((-31270, *P3_COLOURS[1:])),),
        (coded(0, 13),), (coded(2, 2),), (coded(12, 13, matrix=1),), (chunk(b"cICP", b""),),
        (chunk(b"iCCP", b""),), (chunk(b"iCCP", b"x\0\0nonsense"),),
    ],
)  # fmt: skip
def test_what_is_damaged_or_means_nothing_counts_as_absent(png, chunks: tuple[bytes, ...]) -> None:
    assert Photo.open(png(ORANGE, *chunks)).data == png(ORANGE)


def test_no_colours_that_anybody_may_claim_break_anything(png) -> None:
    chance = random.Random(7)
    for _ in range(300):
        claimed = tuple(chance.choice((chance.randrange(100_000), chance.randrange(-(2**31), 2**31))) for _ in range(8))
        made = png(ORANGE, colours(claimed), gamma(chance.randrange(1, 1_000_000)))
        assert Photo.open(made).width == 16
