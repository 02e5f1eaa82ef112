"""The WebP container (RIFF, RFC 9649): its chunks walked, sized and stripped."""

from __future__ import annotations

from collections.abc import Iterator

from deployments.errors import Undecodable
from deployments.imaging.exif import orientation
from deployments.imaging.types import Container

_ALPHA, _XMP, _ANIMATION = 0x10, 0x04, 0x02
_MAX_CHUNKS = 65_536


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``(type, body)`` of every chunk inside the RIFF. Raises :class:`Undecodable` where the structure breaks."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Undecodable("The WebP is incomplete.")
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at >= end:
            return
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise Undecodable("The WebP is damaged.")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise Undecodable("The WebP has too many chunks.")


def _bitstream_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """``(width, height)`` of one still frame: a VP8 key frame (RFC 6386) or a VP8L image."""
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        packed = int.from_bytes(body[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    raise Undecodable("The WebP's picture header is damaged.")


def _canvas(body: bytes) -> tuple[int, int]:
    if len(body) < 10:
        raise Undecodable("The WebP's header is damaged.")
    return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1


def size(data: bytes) -> tuple[int, int]:
    """``(width, height)`` of the canvas, before anything is decoded. Raises :class:`Undecodable`."""
    kind, body = next(_chunks(data), (b"", b""))
    width, height = _canvas(body) if kind == b"VP8X" else _bitstream_size(kind, body)
    if not width or not height:
        raise Undecodable("The WebP says it has no pixels.")
    return width, height


def parse(data: bytes) -> Container:
    """Walk the whole file. Raises :class:`Undecodable` when it is not one well-formed, complete WebP.

    An animation is left as it is, to be decoded (first frame only) and encoded anew.
    """
    width, height = size(data)
    turn, icc, flags, picture, lossless, framed = 1, None, 0, [], True, False
    for kind, body in _chunks(data):
        if kind == b"VP8X":
            _canvas(body)
            flags = body[0]
        elif kind in (b"VP8 ", b"VP8L", b"ALPH"):
            if kind != b"ALPH":
                _bitstream_size(kind, body)
            picture.append((kind, body))
            lossless = lossless and kind == b"VP8L"
        elif kind == b"ANMF":
            framed = True
            lossless = lossless and body[16:20] == b"VP8L"
        elif kind == b"EXIF":
            turn = orientation(body)
        elif kind == b"ICCP":
            icc = icc or body
    animated = bool(flags & _ANIMATION)
    # The alpha bit of a lossless bitstream lies behind its two 14-bit sizes.
    alpha = any(kind == b"ALPH" or (kind == b"VP8L" and body[4] & 0x10) for kind, body in picture)
    stills = [entry for entry in picture if entry[0] != b"ALPH"]
    if animated:
        if not framed:
            raise Undecodable("The WebP holds no picture.")
    elif len(stills) != 1 or _bitstream_size(*stills[0]) != (width, height):
        raise Undecodable("The WebP contradicts itself about its picture.")
    plain = not animated and not alpha
    return Container(
        clean=_riff(stills) if plain else data,
        width=width,
        height=height,
        orientation=turn,
        icc=icc,
        opaque_8bit=plain,
        lossless=lossless,
    )


def _riff(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2) for kind, body in chunks)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def write_xmp(data: bytes, packet: bytes) -> bytes:
    """The same picture carrying ``packet`` and no other XMP."""
    width, height = size(data)
    chunks = [(kind, body) for kind, body in _chunks(data) if kind != b"XMP "]
    if chunks[0][0] == b"VP8X":
        flags = chunks.pop(0)[1][0]
    else:
        flags = _ALPHA if chunks[0][0] == b"VP8L" and chunks[0][1][4] & 0x10 else 0
    extent = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _riff([(b"VP8X", bytes((flags | _XMP, 0, 0, 0)) + extent), *chunks, (b"XMP ", packet)])
