"""What a PNG says about its colours (W3C PNG, third edition, 4.3), as an ICC profile, which everything else understands.

Of four ways to say it the first that can be used holds: cICP, iCCP, sRGB, then gAMA with cHRM. None of them, or one that
means sRGB, is no profile at all.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from deployments.imaging import srgb
from deployments.imaging.srgb import Floats

CHUNKS: Final = frozenset((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"))

_Curve = Callable[[Floats], Floats]
"""From samples 0..1 to light, 1 being white."""

_MAX_ICC = 4 * 2**20
# Every 8-bit sample falls on an entry.
_ENTRIES = 255 * 16 + 1
# Light of the scene, by the curve, at a sample of 0.75.
_HLG_WHITE = 0.26496256
_GAMMA_UNIT = 100_000
# libpng's own measure of a gamma that is meant to be the same.
_SAME_GAMMA = 0.05
_MOST_GAMMA = 10.0

# ICC's white, and the cone responses (Bradford) in which one white is turned into another.
_D50 = np.array((0.9642, 1.0, 0.8249))
_CONES = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


class _Primaries(NamedTuple):
    """Chromaticities (x, y) of white and of the three lights."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


class _Space(NamedTuple):
    primaries: _Primaries
    curve: _Curve


def _power(exponent: float) -> _Curve:
    return lambda samples: samples**exponent


def _pq(samples: Floats) -> Floats:
    """SMPTE ST 2084, with white at 203 candela (ITU-R BT.2408); what is brighter is white too."""
    root = samples ** (32 / 2523)
    light = 10_000 * (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305)
    return np.minimum(light / 203, 1)


def _hlg(samples: Floats) -> Floats:
    """Hybrid log-gamma (ITU-R BT.2100) on its reference display, white at 75 %; what is brighter is white too.

    The display's own gamma is of luminance; here, as for greys, each light has its own.
    """
    scene = np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return np.minimum((scene / _HLG_WHITE) ** 1.2, 1)


_D65 = (0.3127, 0.329)
_BT709 = _Primaries(_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_SRGB = _Space(_BT709, srgb.light)
# By ITU-T H.273, as far as photographs and pictures of screens have them.
_PRIMARIES: Mapping[int, _Primaries] = {
    1: _BT709,
    5: _Primaries(_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _Primaries(_D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: _Primaries(_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: _Primaries(_D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
_CURVES: Mapping[int, _Curve] = {
    # Video's own curves are the camera's; screens show video and sRGB alike.
    **dict.fromkeys((1, 6, 13, 14, 15), srgb.light),
    4: _power(2.2),
    5: _power(2.8),
    8: _power(1.0),
    16: _pq,
    18: _hlg,
}


def profile(chunks: Mapping[bytes, bytes], *, grey: bool) -> bytes | None:
    """The ICC profile of a PNG whose :data:`CHUNKS` have these bodies; None where its samples are sRGB.

    ``grey`` asks for a profile of grey samples. What is damaged, or not supported, counts as absent.
    """
    space = _coded(chunks.get(b"cICP", b""))
    if space is None:
        if (embedded := _embedded(chunks.get(b"iCCP", b""))) is not None:
            return embedded
        if b"sRGB" in chunks:
            return None
        space = _Space(_chromaticities(chunks.get(b"cHRM", b"")), _gamma(chunks.get(b"gAMA", b"")))
    if grey:
        return None if space.curve is srgb.light else _icc(b"GRAY", {b"kTRC": _sampled(space.curve)})
    return None if space == _SRGB else _icc(b"RGB ", _colorants(space.primaries) | _curves(space.curve))


def _coded(body: bytes) -> _Space | None:
    if len(body) != 4 or body[2:] != b"\0\1" or body[0] not in _PRIMARIES or body[1] not in _CURVES:
        return None
    return _Space(_PRIMARIES[body[0]], _CURVES[body[1]])


def _embedded(body: bytes) -> bytes | None:
    """The profile inside an iCCP chunk, or None when it is broken or would inflate without end."""
    _, _, rest = body.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(rest[1:], _MAX_ICC)
    except zlib.error:
        return None
    return found if inflater.eof else None


def _gamma(body: bytes) -> _Curve:
    encoding = int.from_bytes(body, "big") / _GAMMA_UNIT if len(body) == 4 else 0.0
    if not 1 / _MOST_GAMMA <= encoding <= _MOST_GAMMA:
        return srgb.light
    # 1/2.2 is what goes with sRGB pictures for those who know no better.
    return srgb.light if abs(encoding * 2.2 - 1) < _SAME_GAMMA else _power(1 / encoding)


def _chromaticities(body: bytes) -> _Primaries:
    if len(body) != 32:
        return _BT709
    values = [value / _GAMMA_UNIT for value in struct.unpack(">8i", body)]
    said = _Primaries(*zip(values[::2], values[1::2], strict=True))
    if np.abs(np.subtract(said, _BT709)).max() < 0.001:
        return _BT709
    return said if _possible(said) else _BT709


def _possible(primaries: _Primaries) -> bool:
    """Whether a positive amount of each light makes this white, and the eye can see it."""
    if any(not (0 < y <= 1 and 0 <= x <= 1) for x, y in primaries) or sum(primaries.white) >= 1:
        return False
    lights = np.stack([_xyz(*light) for light in primaries[1:]], axis=1)
    if abs(np.linalg.det(lights / lights.sum(axis=0))) < 1e-3:
        return False
    amounts = np.linalg.solve(lights, _xyz(*primaries.white))
    return bool((amounts > 0).all() and (_CONES @ _xyz(*primaries.white) > 0).all())


def _xyz(x: float, y: float) -> Floats:
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _colorants(primaries: _Primaries) -> dict[bytes, bytes]:
    lights = np.stack([_xyz(*light) for light in primaries[1:]], axis=1)
    white = _xyz(*primaries.white)
    adapted = np.linalg.inv(_CONES) @ np.diag((_CONES @ _D50) / (_CONES @ white)) @ _CONES
    colorants = adapted @ (lights * np.linalg.solve(lights, white))
    return {tag: _xyz_tag(colorants[:, at]) for at, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}


def _curves(curve: _Curve) -> dict[bytes, bytes]:
    return dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _sampled(curve))


def _sampled(curve: _Curve) -> bytes:
    light = np.round(curve(np.linspace(0, 1, _ENTRIES)) * 65_535).astype(">u2")
    return b"curv" + struct.pack(">II", 0, _ENTRIES) + light.tobytes()


def _xyz_tag(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: Floats) -> bytes:
    return np.round(np.clip(values, -32_768, 32_767) * 65_536).astype(">i4").tobytes()


def _icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 2.2 (ICC.1:1998-09); tags with the same contents share them."""
    tags = tags | {b"wtpt": _xyz_tag(_D50)}
    table, data, at = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for tag, body in tags.items():
        if body not in at:
            at[body] = 128 + 4 + 12 * len(tags) + len(data)
            data += body + bytes(-len(body) % 4)
        table += struct.pack(">4sII", tag, at[body], len(body))
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4xI4s4s4s12x4s28x12s48x", size, 0x02200000, b"mntr", space, b"XYZ ", b"acsp", _fixed(_D50))
    return head + table + data
