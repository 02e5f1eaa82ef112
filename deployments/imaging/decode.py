"""Pixels out of a parsed container: complete or not at all, 8-bit, opaque, sRGB, upright."""

from __future__ import annotations

import io

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from deployments.errors import Undecodable
from deployments.imaging import colour, jpeg, png_deep
from deployments.imaging.sniff import MediaType
from deployments.imaging.types import Container, Pixels

# From this EXIF orientation on, a person sees width for height.
FIRST_SIDEWAYS = 5

_FORMATS: dict[MediaType, str] = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def check(media_type: MediaType, data: bytes) -> None:
    """Decode everything and keep nothing. Raises :class:`Undecodable` when any part is missing or damaged.

    For a JPEG every coefficient is read, but only one pixel in 64 computed.
    """
    if media_type == "image/jpeg":
        _jpeg(data, 1, 1)
    else:
        _load(media_type, data)


def plain(media_type: MediaType, data: bytes, min_width: int = 0, min_height: int = 0) -> Pixels:
    """Decode a file that needs no compositing or colour conversion (:attr:`Container.opaque_8bit`), upright.

    With ``min_width`` and ``min_height`` a JPEG comes at the smallest n/8 scale that is still at least that large, and is
    turned after; the other formats know no reduced scale, and are not turned. Raises :class:`Undecodable`.
    """
    if media_type == "image/jpeg":
        orientation = jpeg.orientation(data)
        if orientation >= FIRST_SIDEWAYS:
            min_width, min_height = min_height, min_width
        return _upright(_jpeg(data, min_width, min_height), orientation)
    return np.array(_load(media_type, data).convert("RGB"))


def normalised(media_type: MediaType, container: Container) -> Pixels:
    """Decode anything the formats may hold into upright, opaque, 8-bit sRGB. Raises :class:`Undecodable`."""
    if media_type == "image/jpeg":
        # Pillow keeps what libjpeg says of missing and damaged data to itself.
        check(media_type, container.clean)
    image, icc = _eight_bit(media_type, container)
    return _upright(np.array(colour.to_srgb(image, icc)), container.orientation)


def _eight_bit(media_type: MediaType, container: Container) -> tuple[Image.Image, bytes | None]:
    """The picture, opaque, in mode L, RGB or CMYK, and the profile of its samples."""
    if not container.deep:
        return colour.opaque(_load(media_type, container.clean)), container.icc
    try:
        return png_deep.eight_bit(container.clean, container.icc)
    except Exception as error:  # as in _load
        raise Undecodable("The picture is incomplete or damaged.") from error


def _jpeg(data: bytes, min_width: int, min_height: int) -> Pixels:
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=min_width, min_height=min_height)
    except ValueError as error:
        if str(error).startswith(("Corrupt", "Premature")):
            raise Undecodable("The JPEG is incomplete or damaged.") from error
        # Legal, but beyond TurboJPEG's interface, such as unusual chroma subsampling: libjpeg itself can still do it.
        return np.array(_load("image/jpeg", data).convert("RGB"))
    return pixels


def _load(media_type: MediaType, data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]])
        image.load()
    except Exception as error:  # Pillow's plugins let struct, index and zlib errors through as well as OSError
        raise Undecodable("The picture is incomplete or damaged.") from error
    return image


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo EXIF orientation 1..8: 2 to 4 mirror or turn by 180 degrees, 5 to 8 also exchange width and height."""
    if orientation in (5, 7):
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    turns = {
        3: cv2.ROTATE_180,
        6: cv2.ROTATE_90_CLOCKWISE,
        7: cv2.ROTATE_180,
        8: cv2.ROTATE_90_COUNTERCLOCKWISE,
    }
    if orientation in turns:
        return np.asarray(cv2.rotate(pixels, turns[orientation]), np.uint8)
    mirrors = {2: 1, 4: 0}
    if orientation in mirrors:
        return np.asarray(cv2.flip(pixels, mirrors[orientation]), np.uint8)
    return pixels
