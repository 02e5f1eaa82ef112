"""Pictures for these tests, made on the spot."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deployments.imaging import Pixels


@pytest.fixture(scope="session")
def scene() -> Pixels:
    """40 x 24, smooth, and different in every corner: red top left, green top right, blue bottom left."""
    y, x = np.mgrid[0:24, 0:40].astype(np.float64)
    x, y = x / 39, y / 23
    corners = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y]
    return np.stack([40 + 200 * corner for corner in corners], axis=-1).round().astype(np.uint8)


@pytest.fixture(scope="session")
def picture(scene: Pixels) -> Image.Image:
    return Image.fromarray(scene)


class Save:
    """``save(image, "PNG", **options)`` gives the bytes Pillow writes."""

    def __call__(self, image: Image.Image, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()


@pytest.fixture(scope="session")
def save() -> Save:
    return Save()
