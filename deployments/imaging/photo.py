"""The picture as it travels between deployments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import simplejpeg

from deployments.errors import TooLarge
from deployments.imaging import colour, decode, jpeg, stopwatch
from deployments.imaging.formats import FORMATS
from deployments.imaging.sniff import MediaType, sniff
from deployments.imaging.types import Pixels

# Re-encoding a photo as it is must not be seen; results for people use encode()'s default.
_DOOR_QUALITY = 95

# The least short side of a reduced copy: enough for moderation's glance.
_REDUCED_SIDE = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still accepted. Checked against the header, before anything is decoded."""

    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 16_384


@dataclass(frozen=True, slots=True)
class Photo:
    """An encoded picture that is known to be sound.

    ``data`` is a JPEG, PNG or WebP (``media_type``), upright, opaque, 8-bit, sRGB or grey, without metadata. A JPEG that a
    camera took sideways keeps its samples, and of its metadata which way up it is: :meth:`pixels` are upright all the same.
    ``width`` and ``height`` are its size as a person sees it. ``digest`` is the SHA-256 (hex) of the bytes as they were
    received, before anything was stripped; a result has its photo's. ``reduced`` is the same picture as a small JPEG, where
    whoever made it had the pixels at hand: :meth:`coarse` then need not read the large one.
    """

    data: bytes = field(repr=False)
    media_type: MediaType
    width: int
    height: int
    digest: str
    reduced: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(cls, data: bytes, limits: Limits = Limits()) -> Photo:
        """Take in bytes from outside.

        A picture that needs no change, and a JPEG that has to be turned, keeps its samples bit for bit and loses its
        metadata only; others that have to be turned, composited on white or converted to sRGB are encoded anew (JPEG, or
        PNG if it was lossless and that is within the limits). Of an animation the first frame is kept.

        Raises :class:`TooLarge` over any limit, :class:`NotAnImage` for other kinds of file and :class:`Undecodable`
        for a picture that is incomplete or damaged.
        """
        if len(data) > limits.max_bytes:
            raise TooLarge(f"The file has {len(data) / 2**20:.1f} MB; up to {limits.max_bytes / 2**20:g} MB are fine.")
        media_type = sniff(data)
        container_format = FORMATS[media_type]
        _check_size(*container_format.size(data), limits)
        container = container_format.parse(data)
        digest = hashlib.sha256(data).hexdigest()
        stands = container.orientation == 1
        if container.opaque_8bit and (stands or media_type == "image/jpeg") and colour.is_srgb(container.icc):
            decode.check(media_type, container.clean)
            if stands:
                return cls(container.clean, media_type, container.width, container.height, digest)
            size = container.width, container.height
            width, height = size[::-1] if container.orientation >= decode.FIRST_SIDEWAYS else size
            return cls(jpeg.turned(container.clean, container.orientation), media_type, width, height, digest)
        pixels = decode.normalised(media_type, container)
        target: MediaType = "image/png" if container.lossless else "image/jpeg"
        height, width = pixels.shape[:2]
        encoded = encode(pixels, target, _DOOR_QUALITY)
        if target == "image/png" and len(encoded) > limits.max_bytes:
            # What was let in is let in again: a job opens what was kept for it.
            target, encoded = "image/jpeg", encode(pixels, "image/jpeg", _DOOR_QUALITY)
        return cls(encoded, target, width, height, digest)

    @classmethod
    def made(cls, pixels: Pixels, digest: str) -> Photo:
        """What an engine made of the photo with this ``digest``: a JPEG, and a reduced copy if that saves anybody work."""
        height, width = pixels.shape[:2]
        return cls(encode(pixels), "image/jpeg", width, height, digest, _reduced(pixels))

    def upright(self) -> Photo:
        """For people: what says which way up it is, is turned and encoded anew, for not every viewer listens."""
        if self.media_type == "image/jpeg" and jpeg.orientation(self.data) != 1:
            return replace(self, data=encode(self.pixels(), self.media_type, _DOOR_QUALITY))
        return self

    def pixels(self, max_side: int | None = None) -> Pixels:
        """Decode, at a reduced scale where ``max_side`` allows: the longest side is at most that. Never upscales."""
        with stopwatch.decoding():
            return self._decoded(max_side)

    def coarse(self, min_side: int) -> Pixels:
        """Decode at the smallest scale that comes cheaply at which both sides still have ``min_side`` pixels.

        That is the reduced copy's where it is large enough, else n/8 of the size for a JPEG; for what is smaller already, and
        for other formats, it is the size itself.
        """
        with stopwatch.decoding():
            if self.reduced is not None and min_side <= _REDUCED_SIDE:
                return decode.plain("image/jpeg", self.reduced)
            return decode.plain(self.media_type, self.data, min_side, min_side)

    def _decoded(self, max_side: int | None) -> Pixels:
        longest = max(self.width, self.height)
        if max_side is None or longest <= max_side:
            return decode.plain(self.media_type, self.data)
        width = max(1, round(self.width * max_side / longest))
        height = max(1, round(self.height * max_side / longest))
        pixels = decode.plain(self.media_type, self.data, width, height)
        if pixels.shape[:2] == (height, width):
            return pixels
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _reduced(pixels: Pixels) -> bytes | None:
    """A JPEG of means over squares of as many pixels as leave :data:`_REDUCED_SIDE`; None where that is one."""
    height, width = pixels.shape[:2]
    side = min(height, width) // _REDUCED_SIDE
    if side < 2:
        return None
    # OpenCV averages whole squares several times as fast as parts of them: what is left over at the edges does without.
    squares = pixels[: height // side * side, : width // side * side]
    small = cv2.resize(squares, (width // side, height // side), interpolation=cv2.INTER_AREA)
    return encode(np.asarray(small, np.uint8))


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise TooLarge(
            f"The picture is {width} x {height} pixels; up to {limits.max_pixels / 1e6:g} million pixels and "
            f"{limits.max_side} pixels a side are fine."
        )


def encode(pixels: Pixels, media_type: str = "image/jpeg", quality: int = 92) -> bytes:
    """Encode as ``image/jpeg`` (4:4:4), ``image/png`` or ``image/webp``; ``quality`` 1..100 is ignored for PNG.

    Raises ``ValueError`` for another media type.
    """
    if media_type == "image/jpeg":
        jpeg_bytes: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", "444")
        return jpeg_bytes
    options = {
        "image/png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]),
        "image/webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, quality]),
    }
    if media_type not in options:
        raise ValueError(f"cannot encode {media_type}")
    extension, flags = options[media_type]
    _, encoded = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), flags)
    return encoded.tobytes()
