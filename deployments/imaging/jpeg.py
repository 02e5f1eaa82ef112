"""The JPEG container (ITU-T T.81): its segments walked, sized, stripped and rebuilt without touching a coefficient."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployments.errors import Undecodable
from deployments.imaging import exif
from deployments.imaging.types import Container

_EOI, _SOS, _DHT, _DQT, _DRI, _DAC = 0xD9, 0xDA, 0xC4, 0xDB, 0xDD, 0xCC
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
# C4, C8 and CC lie in the same range, but are not frame headers.
_SOF = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, _DAC}
# Baseline, extended and progressive; Huffman or arithmetic coding. The rest are lossless and hierarchical frames: TurboJPEG
# writes a lossless one past the end of the pixels it was given when it is asked for a reduced scale.
_LOSSY_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_CODING = _SOF | {_DHT, _DQT, _DRI, _DAC, _SOS}

# A marker that ends entropy-coded data: not a stuffed zero (00), a restart (D0..D7) or a fill byte (FF).
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

_MAX_SEGMENTS = 10_000
# Every progressive scan walks the whole picture again, however few bytes it has. Real encoders write 6 to 20.
_MAX_SCANS = 64
_MAX_SCANNED_PIXELS = 600_000_000

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_PAYLOAD = 65_533


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """``(marker, payload, entropy-coded data that follows)`` of every segment between SOI and EOI.

    Raises :class:`Undecodable` where the structure breaks or the file ends before EOI.
    """
    at = 2
    for _ in range(_MAX_SEGMENTS):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        head = data[at : at + 4]
        if len(head) < 2 or head[0] != 0xFF:
            raise Undecodable("The JPEG is incomplete or damaged.")
        marker = head[1]
        if marker == _EOI:
            return
        size = int.from_bytes(head[2:4], "big")
        end = at + 2 + size
        if len(head) < 4 or size < 2 or end > len(data):
            raise Undecodable("The JPEG is incomplete or damaged.")
        payload, at = data[at + 4 : end], end
        if marker == _SOS:
            found = _MARKER.search(data, end)
            if found is None:
                raise Undecodable("The JPEG is incomplete: its end is missing.")
            at = found.start()
        yield marker, payload, data[end:at]
    raise Undecodable("The JPEG has too many segments.")


def _frame(marker: int, payload: bytes) -> tuple[int, int, int]:
    """``(height, width, components)`` from the header of a lossy frame of 8 bits a sample; other kinds are refused."""
    if len(payload) < 6:
        raise Undecodable("The JPEG's frame header is damaged.")
    if marker not in _LOSSY_SOF:
        raise Undecodable(
            "This is a lossless JPEG, of a kind few programs read. Please save it as a usual JPEG or a PNG."
        )
    if payload[0] != 8:
        raise Undecodable(
            f"This JPEG has {payload[0]} bits a colour. Please save it as a usual JPEG, with 8 bits, or a PNG."
        )
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    if not height or not width:
        raise Undecodable("The JPEG does not say how large it is.")
    return height, width, payload[5]


def size(data: bytes) -> tuple[int, int]:
    """``(width, height)`` from the frame header, before anything is decoded. Raises :class:`Undecodable`."""
    for marker, payload, _ in _segments(data):
        if marker in _SOF:
            height, width, _ = _frame(marker, payload)
            return width, height
        if marker == _SOS:
            break
    raise Undecodable("The JPEG has no frame header.")


def _icc(chunks: dict[int, bytes]) -> bytes | None:
    """The profile put together from its numbered chunks (ICC.1, annex B.4), or None when some are missing."""
    if not chunks or sorted(chunks) != list(range(1, len(chunks) + 1)):
        return None
    return b"".join(chunks[number] for number in sorted(chunks))


def parse(data: bytes) -> Container:
    """Walk the whole file. Raises :class:`Undecodable` when it is not one well-formed, complete, bearable JPEG."""
    out = [b"\xff\xd8"]
    turn, chunks, frame, scans = 1, dict[int, bytes](), None, 0
    for marker, payload, coded in _segments(data):
        if marker in _CODING:
            out.append(_segment(marker, payload) + coded)
        if marker in _SOF:
            if frame is not None:
                raise Undecodable("The JPEG has two frame headers.")
            frame = _frame(marker, payload)
        elif marker == _SOS:
            scans += 1
        elif marker == _APP0 and payload.startswith(b"JFIF\0"):
            # Decoders take three components for YCbCr when they see JFIF. Version and square pixels; no thumbnail.
            out.insert(1, _segment(_APP0, b"JFIF\0\1\1\0\0\1\0\1\0\0"))
        elif marker == _APP14 and payload.startswith(b"Adobe"):
            # Its last byte says whether the components are YCbCr, YCCK or untransformed.
            out.append(_segment(_APP14, payload[:12]))
        elif marker == _APP1 and payload.startswith(b"Exif\0\0"):
            turn = turn if turn != 1 else exif.orientation(payload)
        elif marker == _APP2 and payload.startswith(b"ICC_PROFILE\0") and len(payload) > 14:
            chunks.setdefault(payload[12], payload[14:])
    if frame is None or not scans:
        raise Undecodable("The JPEG holds no picture.")
    height, width, components = frame
    if scans > _MAX_SCANS or scans * width * height > _MAX_SCANNED_PIXELS:
        raise Undecodable("The JPEG is built from too many scans.")
    out.append(b"\xff\xd9")
    return Container(
        clean=b"".join(out),
        width=width,
        height=height,
        orientation=turn,
        icc=_icc(chunks),
        opaque_8bit=components in (1, 3),
        lossless=False,
    )


def turned(clean: bytes, orientation: int) -> bytes:
    """A file without metadata, now saying which way up it is: no coefficient is touched, and a person sees it upright."""
    head = clean[2:4] == bytes((0xFF, _APP0))
    at = 4 + int.from_bytes(clean[4:6], "big") if head else 2
    return clean[:at] + _segment(_APP1, exif.block(orientation)) + clean[at:]


def orientation(data: bytes) -> int:
    """What :func:`turned` said; 1 where it said nothing. Reads the first segments only."""
    for marker, payload, _ in _segments(data):
        if marker == _APP1 and payload.startswith(b"Exif\0\0"):
            return exif.orientation(payload)
        if marker not in (_APP0, _APP1):
            break
    return 1


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def write_xmp(data: bytes, packet: bytes) -> bytes:
    """The same picture carrying ``packet`` (and no other XMP). Raises ``ValueError`` when it is over 64 KB."""
    if len(_XMP) + len(packet) > _MAX_PAYLOAD:
        raise ValueError("an XMP packet in a JPEG has to fit in one segment")
    head: list[bytes] = [b"\xff\xd8"]
    body: list[bytes] = []
    for marker, payload, coded in _segments(data):
        if marker == _APP0 and not body:
            head.append(_segment(marker, payload))
        elif not (marker == _APP1 and payload.startswith(_XMP)):
            body.append(_segment(marker, payload) + coded)
    return b"".join([*head, _segment(_APP1, _XMP + packet), *body, b"\xff\xd9"])
