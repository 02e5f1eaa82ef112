"""Pictures for the rooms that work with faces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from deployments.imaging import Pixels
from tests.portraits import Portrait, draw


@pytest.fixture(scope="session")
def portrait() -> Callable[..., Portrait]:
    """``portrait(size=200, skin=..., degrees=...)``: see :func:`tests.portraits.draw`."""
    return draw


@pytest.fixture
def picture() -> Pixels:
    """Waves of colour, 400 x 300, which fade smoothly everywhere."""
    y, x = np.mgrid[0:300, 0:400]
    waves = np.stack([np.sin(x / 23), np.sin(y / 31), np.sin((x + y) / 41)], axis=-1)
    return (127 + 90 * waves).astype(np.uint8)
