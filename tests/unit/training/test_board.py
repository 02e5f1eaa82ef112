"""Curves for TensorBoard, and what becomes of them where they cannot be written."""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.board import board


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond half a megabyte: the system refuses as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    usual = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, usual)


def test_what_cannot_be_written_is_an_error_here_and_no_traceback_of_a_thread(
    tmp_path: Path, small_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    with pytest.raises(OSError, match="too large"), board(tmp_path) as curves:
        curves.add_image("noise", noise, dataformats="HWC")
        curves.flush()
    assert told == []


def test_a_run_that_goes_on_takes_back_what_came_after(tmp_path: Path) -> None:
    for first, values in ((None, (1.0, 2.0, 3.0)), (2, (5.0,))):
        with board(tmp_path, first) as curves:
            for step, value in enumerate(values, start=first or 1):
                curves.add_scalar("loss", value, step)
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in found] == [(1, 1.0), (2, 5.0)]
