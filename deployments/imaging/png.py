"""The PNG container (W3C PNG, third edition): its chunks walked, checked, sized and stripped."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from deployments.errors import Undecodable
from deployments.imaging import png_colour
from deployments.imaging.exif import orientation
from deployments.imaging.types import Container

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
# Samples of a pixel by colour type: grey, RGB, palette, grey with alpha, RGB with alpha.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ALPHA_TYPES = frozenset((4, 6))
_GREY = 0
_GREYS = frozenset((0, 4))
_PALETTE, _MOST_ENTRIES = 3, 256
# Where the pixels of Adam7's seven passes start, and how far apart they are: x, y, x step, y step.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# What is fed to the inflater at a time, and taken from it.
_PIECE, _MOST_INFLATED = 2**16, 2**20
_MAX_CHUNKS = 65_536
_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    def inflated(self) -> int:
        """Bytes of the whole picture's rows, each with its filter's number in front."""
        bits = self.depth * _CHANNELS[self.colour]
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        sizes = (((self.width - x + dx - 1) // dx, (self.height - y + dy - 1) // dy) for x, y, dx, dy in passes)
        return sum(height * (1 + (width * bits + 7) // 8) for width, height in sizes if width > 0)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``(type, body)`` of every chunk up to IEND. Raises :class:`Undecodable` where the structure breaks.

    Only chunks that decide about pixels have their checksum verified: a damaged comment is no reason to refuse. Damaged
    ones about colours are left out.
    """
    at = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise Undecodable("The PNG is incomplete.")
        kind, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        decides = kind in _KEPT or kind in png_colour.CHUNKS
        damaged = decides and zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[end - 4 : end], "big")
        if damaged and kind in _KEPT:
            raise Undecodable("The PNG is damaged: a checksum does not match.")
        if not damaged:
            yield kind, body
        if kind == b"IEND":
            return
        at = end
    raise Undecodable("The PNG has too many chunks.")


def _header(kind: bytes, body: bytes) -> _Header:
    if kind != b"IHDR" or len(body) != 13:
        raise Undecodable("The PNG does not start with its header.")
    width, height, depth, colour, interlaced = struct.unpack(">IIBBxx?", body)
    if not width or not height:
        raise Undecodable("The PNG says it has no pixels.")
    if colour not in _CHANNELS:
        raise Undecodable("The PNG has a kind of colours that does not exist.")
    return _Header(width, height, depth, colour, interlaced)


def size(data: bytes) -> tuple[int, int]:
    """``(width, height)`` from the header, before anything is decompressed. Raises :class:`Undecodable`."""
    header = _header(*next(_chunks(data)))
    return header.width, header.height


def parse(data: bytes) -> Container:
    """Walk the whole file. Raises :class:`Undecodable` when it is not one well-formed, complete PNG.

    Of an animated PNG only the default image is kept.
    """
    chunks = _chunks(data)
    kind, body = next(chunks)
    header = _header(kind, body)
    kept, turn, transparent = [_chunk(kind, body)], 1, header.colour in _ALPHA_TYPES
    coloured, picture, colours = header.colour != _PALETTE, list[bytes](), dict[bytes, bytes]()
    for kind, raw in chunks:
        body = _in_eight_bits(header, raw) if kind == b"tRNS" else raw
        # Elsewhere a palette is a suggestion to poor screens, at which decoders take offence where it is damaged.
        if kind in _KEPT and (kind != b"PLTE" or header.colour == _PALETTE):
            kept.append(_chunk(kind, body))
        if kind == b"IHDR":
            # Pillow would believe the last one, whose size nobody has looked at.
            raise Undecodable("The PNG has two headers.")
        if kind == b"IDAT":
            picture.append(body)
        elif kind == b"PLTE":
            coloured = True
        elif kind == b"tRNS":
            transparent = True
            if header.colour == _PALETTE and len(body) > _MOST_ENTRIES:
                raise Undecodable("The PNG says more about transparency than it has colours.")
        elif kind == b"eXIf":
            turn = orientation(body)
        elif kind in png_colour.CHUNKS:
            colours.setdefault(kind, body)
    if not coloured:
        raise Undecodable("The PNG lacks its palette.")
    if not _holds(picture, header.inflated()):
        raise Undecodable("The PNG is incomplete or damaged.")
    return Container(
        clean=b"".join([_SIGNATURE, *kept]),
        width=header.width,
        height=header.height,
        orientation=turn,
        icc=png_colour.profile(colours, grey=header.colour in _GREYS),
        opaque_8bit=header.depth <= 8 and not transparent,
        deep=header.depth == 16,
    )


def _in_eight_bits(header: _Header, key: bytes) -> bytes:
    """A tRNS chunk whose colour is told in the 8 bits a sample to which Pillow compares it, where it knows only these."""
    if header.colour == _GREY and header.depth in (1, 2, 4):
        most = (1 << header.depth) - 1
        return ((int.from_bytes(key[:2], "big") & most) * 255 // most).to_bytes(2, "big")
    return key


def _holds(picture: list[bytes], size: int) -> bool:
    """Whether a zlib stream inflates to ``size`` bytes at least. Pillow takes one that ends with any whole row.

    Inflated by pieces that nobody keeps, and no further than it takes to know.
    """
    inflater = zlib.decompressobj()
    pieces = (body[at : at + _PIECE] for body in picture for at in range(0, len(body), _PIECE))
    try:
        for piece in pieces:
            rest = piece
            while size > 0 and not inflater.eof and (found := inflater.decompress(rest, _MOST_INFLATED)):
                size -= len(found)
                rest = inflater.unconsumed_tail
    except zlib.error:
        return False
    return size <= 0


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big")


def write_xmp(data: bytes, packet: bytes) -> bytes:
    """The same picture carrying ``packet`` and no other XMP."""
    out = [_SIGNATURE]
    for kind, body in _chunks(data):
        if not (kind == b"iTXt" and body.startswith(_XMP)):
            out.append(_chunk(kind, body))
        if kind == b"IHDR":
            out.append(_chunk(b"iTXt", _XMP + packet))
    return b"".join(out)
