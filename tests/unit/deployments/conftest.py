"""Drawn portraits, for the rooms that work with faces."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.portraits import Portrait, draw


@pytest.fixture(scope="session")
def portrait() -> Callable[..., Portrait]:
    """``portrait(size=200, skin=..., degrees=...)``: see :func:`tests.portraits.draw`."""
    return draw
