"""Whether this installation can paint by optimisation. Asked by those who only choose models, so it imports nothing."""

from __future__ import annotations

import importlib.util


def runnable() -> bool:
    """Whether the packages it takes are installed."""
    return importlib.util.find_spec("torch") is not None
