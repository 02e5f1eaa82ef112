"""How much of an engine's time went into decoding."""

from __future__ import annotations

import time

import pytest

from deployments.imaging import stopwatch


def test_every_decoding_is_a_lap() -> None:
    with stopwatch.watched() as laps:
        for _ in range(2):
            with stopwatch.decoding():
                time.sleep(0.002)
    assert len(laps) == 2
    assert min(laps) >= 0.002


def test_a_decoding_that_fails_took_its_time_all_the_same() -> None:
    with stopwatch.watched() as laps:
        with pytest.raises(ValueError, match="damaged"), stopwatch.decoding():
            raise ValueError("damaged")
        with stopwatch.decoding():
            pass
    assert len(laps) == 2


def test_nobody_has_to_watch() -> None:
    with stopwatch.decoding():
        pass
