"""Curves of a training run for TensorBoard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


@contextmanager
def board(run: Path, from_step: int | None = None) -> Iterator[SummaryWriter]:
    """A writer into the run's folder; what was written before of ``from_step`` and later is dropped.

    Raises ``OSError`` where it cannot be written, at the latest when the block ends.
    """
    usual = threading.excepthook

    def told_later(failure: threading.ExceptHookArgs) -> None:
        # TensorBoard writes in a thread, and raises what ended that thread at the next call from here.
        if not issubclass(failure.exc_type, OSError):
            usual(failure)

    threading.excepthook = told_later
    try:
        with SummaryWriter(str(run / "tensorboard"), purge_step=from_step) as writer:
            yield writer
    finally:
        threading.excepthook = usual
