"""The bot's rooms over real databases, on a Monday at noon."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.accounts.accounts import Accounts
from bot.accounts.credits import Credits
from bot.accounts.payments import Payments
from bot.accounts.tariff import Pack, Subscription, Tariff
from serve_app.jobs.ledger import Ledger
from serve_app.objects import FolderObjects
from tests.clock import Clock

MIDDAY = 1_750_075_200.0
"""2025-06-16 12:00 UTC, a Monday."""


@pytest.fixture
def clock() -> Clock:
    return Clock(MIDDAY)


@pytest.fixture
def tariff() -> Tariff:
    return Tariff(
        free_daily=3,
        free_album=3,
        plus_album=10,
        costs={"style": 1, "swap": 2},
        packs=(Pack(name="small", stars=50, credits=10), Pack(name="large", stars=200, credits=50)),
        subscription=Subscription(stars=250, daily=20),
    )


@pytest.fixture
def credits(tariff: Tariff, clock: Clock) -> Credits:
    return Credits(tariff, clock=clock)


@pytest.fixture
def accounts(credits: Credits, clock: Clock) -> Accounts:
    return Accounts(credits, b"a key for tests", clock=clock)


@pytest.fixture
def payments(tariff: Tariff, credits: Credits, clock: Clock) -> Payments:
    return Payments(tariff, credits, clock=clock)


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock=clock)


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


@pytest.fixture
def vault(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "vault")
