"""The tone curves of an ICC profile (ICC.1:2022, 10.6 and 10.18), taken out of it.

Most profiles of pictures are curves, from samples to light, and a matrix, from light to colours. Samples of 16 bits can
so have their curves applied while they are whole, and wait for the matrix as 8 bits encoded like sRGB's.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from deployments.imaging.srgb import Floats

_CURVES: Final = {"L": (b"kTRC",), "RGB": (b"rTRC", b"gTRC", b"bTRC")}
# Tables of colours, which outrank curves.
_TABLES: Final = (b"A2B", b"D2B")
_HEADER, _ENTRY = 132, struct.Struct(">4sII")
# Parameters by the kind of a parametric curve, and what those that it lacks stand for: gamma, a, b, c, d, e, f.
_PARAMETERS: Final = (1, 3, 4, 5, 7)
_ABSENT: Final = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
_SRGB: Final = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(value * 65_536) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def split(icc: bytes, mode: str) -> tuple[list[Floats], bytes] | None:
    """The light, 0..1, of each 16-bit sample by channel, and the same profile for samples encoded as sRGB's are.

    ``mode`` is ``L`` or ``RGB``. None where the profile is not made of curves, or they make no sense.
    """
    try:
        (count,) = struct.unpack_from(">I", icc, _HEADER - 4)
        tags = {tag: (at, size) for tag, at, size in (_ENTRY.unpack_from(icc, _HEADER + 12 * n) for n in range(count))}
        if icc[20:24] != b"XYZ " or any(tag.startswith(_TABLES) for tag in tags):
            return None
        lights = [_light(icc[at : at + size]) for at, size in (tags[tag] for tag in _CURVES[mode])]
    except (LookupError, ValueError, struct.error):
        return None
    if not np.isfinite(lights).all():
        return None
    return [np.clip(light, 0, 1) for light in lights], _encoded_as_srgb(icc, count, _CURVES[mode])


def _light(curve: bytes) -> Floats:
    samples = np.linspace(0, 1, 2**16)
    kind, form = curve[:4], int.from_bytes(curve[8:10], "big")
    if kind == b"para":
        given = [value / 65_536 for value in struct.unpack_from(f">{_PARAMETERS[form]}i", curve, 12)]
        gamma, a, b, c, d, e, f = given + _ABSENT[len(given) :]
        with np.errstate(all="ignore"):
            power = np.maximum(a * samples + b, 0) ** gamma + (c if form == 2 else e)
        return np.asarray(np.where(samples >= d, power, c * samples + f), dtype=np.float64)
    if kind != b"curv":
        raise ValueError("not a curve")
    points = np.frombuffer(curve, ">u2", int.from_bytes(curve[8:12], "big"), 12)
    if len(points) < 2:
        return samples ** (points[0] / 256 if len(points) else 1)
    return np.interp(samples, np.linspace(0, 1, len(points)), points / 65_535)


def _encoded_as_srgb(icc: bytes, count: int, curves: tuple[bytes, ...]) -> bytes:
    padded = icc + bytes(-len(icc) % 4)
    made = bytearray(padded + _SRGB)
    struct.pack_into(">I", made, 0, len(made))
    for at in range(_HEADER, _HEADER + 12 * count, 12):
        if bytes(made[at : at + 4]) in curves:
            struct.pack_into(">II", made, at + 4, len(padded), len(_SRGB))
    return bytes(made)
