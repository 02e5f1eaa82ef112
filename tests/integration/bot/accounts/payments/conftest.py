"""The calls a router makes about money."""

from __future__ import annotations

import pytest

from bot.accounts.cashier import Cashier
from bot.accounts.tables import User
from tests.integration.bot.accounts.payments.people import ANNA, BORIS, FakeBank


@pytest.fixture(autouse=True)
async def people(accounts, sessions) -> None:
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        await accounts.open(session, BORIS, "ru")


@pytest.fixture
def counter(sessions, payments):
    """The calls a router makes, each in a transaction of its own."""

    class Counter:
        async def offer(self, product="small", user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.offer(session, user_id, product)

        async def check(self, payload, stars, user_id=ANNA, currency="XTR"):
            async with sessions() as session:
                return await payments.check(session, user_id, payload, currency, stars)

        async def paid(self, paid, user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.paid(session, user_id, paid)

        async def refunded(self, charge_id, payload="", stars=50, user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.refunded(session, user_id, charge_id, payload, stars)

        async def changed(self, payload, state):
            async with sessions.begin() as session:
                await payments.subscription_changed(session, ANNA, payload, state)

        async def plus_until(self):
            async with sessions() as session:
                return (await session.get(User, ANNA)).plus_until

    return Counter()


@pytest.fixture
def balance(sessions, credits):
    async def read(user_id=ANNA):
        async with sessions() as session:
            return await credits.balance(session, user_id)

    return read


@pytest.fixture
def bank() -> FakeBank:
    return FakeBank()


@pytest.fixture
def cashier(sessions, payments, bank) -> Cashier:
    return Cashier(sessions, payments, bank)
