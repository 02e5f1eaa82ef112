"""The PNG container (W3C PNG, third edition): its chunks walked, checked, sized and stripped."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from deployments.errors import Undecodable
from deployments.imaging.exif import orientation
from deployments.imaging.types import Container

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_ALPHA_TYPES = frozenset((4, 6))
_MAX_CHUNKS = 65_536
_MAX_ICC = 4 * 2**20
_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``(type, body)`` of every chunk up to IEND. Raises :class:`Undecodable` where the structure breaks.

    Only chunks that decide about pixels have their checksum verified: a damaged comment is no reason to refuse.
    """
    at = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or at + 12 > len(data):
            raise Undecodable("The PNG is incomplete.")
        kind, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if kind in _KEPT and zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[end - 4 : end], "big"):
            raise Undecodable("The PNG is damaged: a checksum does not match.")
        yield kind, body
        if kind == b"IEND":
            return
        at = end
    raise Undecodable("The PNG has too many chunks.")


def _header(kind: bytes, body: bytes) -> tuple[int, int, int, int]:
    """``(width, height, bit depth, colour type)``."""
    if kind != b"IHDR" or len(body) != 13:
        raise Undecodable("The PNG does not start with its header.")
    width, height, depth, colour = struct.unpack_from(">IIBB", body)
    if not width or not height:
        raise Undecodable("The PNG says it has no pixels.")
    return width, height, depth, colour


def size(data: bytes) -> tuple[int, int]:
    """``(width, height)`` from the header, before anything is decompressed. Raises :class:`Undecodable`."""
    width, height, _, _ = _header(*next(_chunks(data)))
    return width, height


def _icc(body: bytes) -> bytes | None:
    """The profile inside an iCCP chunk, or None when it is broken or would inflate without end."""
    _, _, rest = body.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(rest[1:], _MAX_ICC)
    except zlib.error:
        return None
    return profile if inflater.eof else None


def parse(data: bytes) -> Container:
    """Walk the whole file. Raises :class:`Undecodable` when it is not one well-formed, complete PNG.

    Of an animated PNG only the default image is kept.
    """
    chunks = _chunks(data)
    kind, body = next(chunks)
    width, height, depth, colour = _header(kind, body)
    kept, turn, icc, transparent = [_chunk(kind, body)], 1, None, colour in _ALPHA_TYPES
    for kind, body in chunks:
        if kind in _KEPT:
            kept.append(_chunk(kind, body))
        if kind == b"tRNS":
            transparent = True
        elif kind == b"eXIf":
            turn = orientation(body)
        elif kind == b"iCCP" and icc is None:
            icc = _icc(body)
    return Container(
        clean=b"".join([_SIGNATURE, *kept]),
        width=width,
        height=height,
        orientation=turn,
        icc=icc,
        opaque_8bit=depth <= 8 and not transparent,
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet, if there is one."""
    for kind, body in _chunks(data):
        if kind == b"iTXt" and body.startswith(_XMP):
            return body.removeprefix(_XMP)
    return None


def write_xmp(data: bytes, packet: bytes) -> bytes:
    """The same picture carrying ``packet`` and no other XMP."""
    out = [_SIGNATURE]
    for kind, body in _chunks(data):
        if not (kind == b"iTXt" and body.startswith(_XMP)):
            out.append(_chunk(kind, body))
        if kind == b"IHDR":
            out.append(_chunk(b"iTXt", _XMP + packet))
    return b"".join(out)
