"""Bytes to pixels and back: sniffing, limits, orientation, colour, metadata, reduced-scale decoding.

Everything that comes from outside passes :meth:`Photo.open` once. What it returns is a JPEG, PNG or WebP that is known
to decode completely, upright, in sRGB (or grey), opaque, within the limits and free of metadata, but for a JPEG's
orientation.
"""

from __future__ import annotations

from deployments.imaging.photo import Limits, Photo, encode
from deployments.imaging.scaling import resized
from deployments.imaging.sniff import MediaType, sniff
from deployments.imaging.types import FloatArray, Pixels

__all__ = ["FloatArray", "Limits", "MediaType", "Photo", "Pixels", "encode", "resized", "sniff"]
