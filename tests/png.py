"""PNG files put together by hand."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """With its length before it and its sum behind it."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, data: bytes, *between: bytes, depth: int = 8, colours: int = 2) -> bytes:
    """A file whose header promises ``width`` x ``height`` pixels of a colour type (2: RGB) and whose rows are ``data``.

    The chunks ``between`` come before the rows.
    """
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(data, 9))
    return SIGNATURE + header + b"".join(between) + rows + chunk(b"IEND", b"")
