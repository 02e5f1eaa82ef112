"""What Telegram does to a photo: re-encodes it as JPEG in a ladder of sizes and drops everything but the pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import BmpImagePlugin, GifImagePlugin, Image, ImageFile, ImageOps, JpegImagePlugin, PngImagePlugin
from PIL import WebPImagePlugin as WebpImagePlugin

from bot.playground.telegram.errors import bad_request

MAX_PHOTO_BYTES = 10 * 2**20
MAX_PHOTO_SIDES = 10_000
MAX_PHOTO_RATIO = 20
SIDE = 1280
"""Longest side of a photo, in pixels."""
_LADDER = (90, 320, 800)
_THUMBNAIL_SIDE = 320
_MAX_THUMBNAIL_SOURCE = 100_000_000
_QUALITY = 87
_OPENERS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size of a picture: JPEG bytes and its sides in pixels."""

    data: bytes
    width: int
    height: int


def photo_sizes(data: bytes) -> tuple[Rendition, ...]:
    """The photo at Telegram's sizes, smallest first; raises `ApiError` for what it takes for no photo.

    The largest has its longest side at :data:`SIDE` pixels, or its own where that is less.
    """
    _check_bytes(data)
    header = _open(data)
    if header is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = header.size
    if width + height > MAX_PHOTO_SIDES or max(width, height) > MAX_PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    picture = _decoded(header, SIDE)
    if picture is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    top = min(max(picture.size), SIDE)
    ladder = *(side for side in _LADDER if side < top), top
    return tuple(_rendered(picture, side) for side in ladder)


def _check_bytes(data: bytes) -> None:
    """The checks made before a file is looked into."""
    if not data:
        raise bad_request("file must be non-empty")
    if len(data) > MAX_PHOTO_BYTES:
        raise bad_request(
            f"file of size {len(data)} bytes is too big for a photo; the maximum size is {MAX_PHOTO_BYTES} bytes"
        )


def thumbnail(data: bytes) -> Rendition | None:
    """A small preview of a picture sent as a file, or None where the file is no picture."""
    header = _open(data)
    if header is None or header.width * header.height > _MAX_THUMBNAIL_SOURCE:
        return None
    picture = _decoded(header, _THUMBNAIL_SIDE)
    return None if picture is None else _rendered(picture, _THUMBNAIL_SIDE)


def _open(data: bytes) -> ImageFile.ImageFile | None:
    opener = next((kind for magic, kind in _OPENERS if data.startswith(magic)), None)
    if opener is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        opener = WebpImagePlugin.WebPImageFile
    if opener is None:
        return None
    try:
        # Not Image.open: it warns of large pictures, which is for the checks here to judge by Telegram's limits.
        return opener(io.BytesIO(data))
    except (OSError, SyntaxError, ValueError):
        return None


def _decoded(picture: ImageFile.ImageFile, longest: int) -> Image.Image | None:
    try:
        picture.draft("RGB", (longest, longest))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in {"RGBA", "LA", "PA", "P"}:
            transparent = upright.convert("RGBA")
            opaque = Image.new("RGBA", transparent.size, "white")
            opaque.alpha_composite(transparent)
            upright = opaque
        return upright.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None


def _rendered(picture: Image.Image, side: int) -> Rendition:
    scale = min(side / max(picture.size), 1.0)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    small = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    # Pillow would carry the colour profile and the comment of the original into the file.
    bare = small.copy()
    bare.info.clear()
    bare.save(encoded, "JPEG", quality=_QUALITY)
    return Rendition(encoded.getvalue(), *size)
