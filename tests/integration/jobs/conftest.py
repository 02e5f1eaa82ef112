"""A ledger whose time a test sets."""

from __future__ import annotations

import pytest

from serve_app.jobs.ledger import Ledger
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(lease_s=60, max_attempts=3, clock=clock)
