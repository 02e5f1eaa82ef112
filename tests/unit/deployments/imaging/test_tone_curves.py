from __future__ import annotations

import struct

import numpy as np
import pytest

from deployments.imaging import colour, srgb
from deployments.imaging.tone_curves import split

from .test_colour import DARK, WIDE, profile

SAMPLES = np.linspace(0, 1, 2**16)
LINEAR = b"curv" + bytes(8)


def grey(curve: bytes) -> bytes:
    return profile(b"GRAY", [(b"kTRC", curve)])


def parametric(form: int, *values: float) -> bytes:
    fixed = (round(value * 65_536) for value in values)
    return b"para\0\0\0\0" + struct.pack(f">HH{len(values)}i", form, 0, *fixed)


def sampled(*points: int) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)


@pytest.mark.parametrize(
    ("curve", "light"),
    [
        (LINEAR, SAMPLES),
        (sampled(2 * 256), SAMPLES**2),
        (sampled(0, 32_768, 65_535), SAMPLES),
        (sampled(0, 0, 65_535), np.maximum(2 * SAMPLES - 1, 0)),
        (parametric(0, 2), SAMPLES**2),
        (parametric(1, 2, 2, -1), np.maximum(2 * SAMPLES - 1, 0) ** 2),
        (parametric(2, 2, 0.5, 0, 0.25), (SAMPLES / 2) ** 2 + 0.25),
        (parametric(3, 2, 1, 0, 0.5, 0.5), np.where(SAMPLES >= 0.5, SAMPLES**2, SAMPLES / 2)),
        (parametric(4, 2, 1, 0, 0.5, 0.5, 0, 0.25), np.where(SAMPLES >= 0.5, SAMPLES**2, SAMPLES / 2 + 0.25)),
        (parametric(0, 1.5) + b"and more", SAMPLES**1.5),
        (parametric(2, 1, 2, 0, 0), np.minimum(2 * SAMPLES, 1)),
    ],
)
def test_every_kind_of_curve_is_read(curve: bytes, light) -> None:
    (found,), _ = split(grey(curve), "L")
    np.testing.assert_allclose(found, light, atol=2e-5)


@pytest.mark.parametrize(
    "curve",
    [b"", b"curv", LINEAR[:10], sampled(1, 2, 3)[:-1], b"mft2" + bytes(60), parametric(5, 1), parametric(3, 1, 1),
     parametric(1, -1, 1, 0), parametric(1, 30_000, 30_000, 0)],
)  # fmt: skip
def test_curves_that_make_no_sense_are_left_to_others(curve: bytes) -> None:
    assert split(grey(curve), "L") is None


@pytest.mark.parametrize("icc", [b"", WIDE[:140], WIDE[:129] + b"\xff" * 3 + WIDE[132:], DARK])
def test_a_profile_without_the_curves_is_left_to_others(icc: bytes) -> None:
    assert split(icc, "RGB") is None


def test_a_profile_of_tables_is_left_to_others() -> None:
    assert split(profile(b"GRAY", [(b"kTRC", LINEAR), (b"A2B0", bytes(12))]), "L") is None
    assert split(grey(LINEAR).replace(b"GRAYXYZ ", b"GRAYLab "), "L") is None


def test_what_is_left_of_a_profile_has_its_colours_and_the_curve_of_srgb() -> None:
    lights, rest = split(WIDE, "RGB")
    assert len(lights) == 3
    assert rest.startswith(struct.pack(">I", len(rest)))
    assert colour.applies(rest, "RGB")
    again, _ = split(rest, "RGB")
    np.testing.assert_allclose(srgb.encoded(again[0]), SAMPLES, atol=2e-4)
    assert not colour.is_srgb(rest)
