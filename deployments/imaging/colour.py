"""Whatever samples a file holds, as 8-bit opaque sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from deployments.imaging.types import Pixels

# Real CMYK profiles reach two or three megabytes.
_MAX_ICC = 4 * 2**20
_CHANNELS = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# How far a profile may move any colour and still count as sRGB: rounding, not a visible shift.
_TOLERANCE = 3


def is_srgb(icc: bytes | None) -> bool:
    """Whether ignoring the profile changes nothing anybody could see.

    Judged by what the profile does to a grid of colours, not by its name: there are dozens of spellings of sRGB. A
    profile that cannot be used counts as none at all.
    """
    transform = _transform(icc, "RGB")
    if transform is None:
        return _transform(icc, "L") is None and _transform(icc, "CMYK") is None
    steps = np.array((0, 8, 16, 32, 64, 128, 192, 255), np.uint8)  # dense in the shadows, where tone curves differ
    grid: Pixels = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, 8, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(grid), transform))
    return bool(np.abs(moved.astype(int) - grid).max() <= _TOLERANCE)


def opaque(image: Image.Image) -> Image.Image:
    """Transparent pixels laid over white paper; the result has mode L, RGB or CMYK.

    Grey stays grey: a profile for grey samples would fit no others.
    """
    if image.has_transparency_data:
        solid, see_through = ("L", "LA") if image.mode in ("1", "L", "LA") else ("RGB", "RGBA")
        image = image if image.mode == see_through else image.convert(see_through)
        paper = Image.new(solid, image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """An L, RGB or CMYK picture in RGB; colours follow the embedded profile when it fits the samples."""
    transform = _transform(icc, image.mode)
    if transform is None:
        return image.convert("RGB")
    converted = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted


def applies(icc: bytes | None, mode: str) -> bool:
    """Whether this is a usable profile for samples of ``mode`` (L, RGB or CMYK)."""
    return _transform(icc, mode) is not None


def _transform(icc: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB for samples of ``mode``, or None when there is no usable profile for that mode."""
    if not icc or len(icc) > _MAX_ICC:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if _CHANNELS.get(profile.profile.xcolor_space.strip()) != mode:
            return None
        return ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
