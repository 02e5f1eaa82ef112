"""Photographs of chosen sizes to measure with: parts of one real photograph, so that they compress like photographs."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from deployments.imaging import Photo, Pixels, encode
from registry.store import FolderStore
from serve_app.samples import installed_samples
from serve_app.settings import Settings


def photograph(width: int, height: int, *, offset: int = 0) -> Pixels:
    """A photograph of exactly this size, [H, W, 3] RGB. Another ``offset`` shifts it, and gives it other bytes."""
    sample = _sample()
    # Down a little as well whenever it has come round.
    source = np.roll(sample, (61 * (offset // sample.shape[1]), offset), axis=(0, 1))
    scale = max(width / source.shape[1], height / source.shape[0])
    size = (max(width, round(source.shape[1] * scale)), max(height, round(source.shape[0] * scale)))
    larger = cv2.resize(source, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.ascontiguousarray(larger[:height, :width], np.uint8)


def uploads(side: int, count: int, *, first: int = 0) -> list[bytes]:
    """Different square JPEGs, numbered from ``first``: the same numbers give the same ones."""
    return [encode(photograph(side, side, offset=37 * number)) for number in range(first, first + count)]


@functools.cache
def _sample() -> Pixels:
    """The largest photograph that came with the starter models."""
    sample = max(installed_samples(FolderStore(Settings().store_dir)), key=lambda sample: len(sample.data))
    return Photo.open(sample.data).pixels()
