"""What kind of file some bytes are, judged by the bytes alone."""

from __future__ import annotations

from typing import Literal

from deployments.errors import NotAnImage

MediaType = Literal["image/jpeg", "image/png", "image/webp"]

# Kinds that people do send, so that the answer can name them.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF document"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF or raw camera file"),
    (0, b"MM\0*", "a TIFF or raw camera file"),
    (0, b"PK\3\4", "a ZIP archive or office document"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypqt", "a video"),
    (4, b"ftypisom", "a video"),
    (4, b"ftypmp4", "a video"),
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def sniff(data: bytes) -> MediaType:
    """The media type the header bytes stand for. Raises :class:`NotAnImage` for everything but JPEG, PNG and WebP."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    raise NotAnImage(_explain(data))


def _explain(data: bytes) -> str:
    if not data:
        return "The file is empty."
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return (
            "This is a HEIC photo, as iPhones store them. Please send it as JPEG: share it from the gallery, or set "
            "Camera > Formats to Most Compatible."
        )
    for offset, magic, name in _OTHERS:
        if data.startswith(magic, offset):
            return f"This is {name}. Please send a JPEG, PNG or WebP picture."
    if data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        return "This is a web page or a vector drawing. Please send a JPEG, PNG or WebP picture."
    return "This is not a picture we can read. Please send a JPEG, PNG or WebP picture."
