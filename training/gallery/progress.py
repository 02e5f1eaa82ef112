"""How work on a gallery says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Is told what is going on, how much of it is done, and how much there is."""


def silent(_label: str, _done: int, _total: int) -> None:
    """A :data:`Progress` that shows nothing."""
