"""Any interleaving of reserving, settling, releasing, paying and refunding adds up."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.accounts.credits import EntryKind, InsufficientCredits
from bot.accounts.payments import Paid
from bot.accounts.tables import Entry, Wallet

DAY = 86_400.0

JOBS, CHARGES = range(4), range(3)
STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.sampled_from(JOBS), st.integers(0, 8)),
    st.tuples(st.just("settle"), st.sampled_from(JOBS), st.none() | st.integers(0, 8)),
    st.tuples(st.just("release"), st.sampled_from(JOBS), st.none()),
    st.tuples(st.just("pay"), st.sampled_from(CHARGES), st.none()),
    st.tuples(st.just("refund"), st.sampled_from(CHARGES), st.none()),
    st.tuples(st.just("tomorrow"), st.none(), st.none()),
)


@dataclass
class Model:
    """The same rules in a few lines, without a database: what a person would work out by hand."""

    quota: int = 3
    credits: int = 0
    debt: int = 0
    day: int = 0
    held: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    paid: set[int] = field(default_factory=set)
    refunded: set[int] = field(default_factory=set)

    def give(self, amount: int) -> None:
        repaid = min(amount, self.debt)
        self.debt -= repaid
        self.credits += amount - repaid

    def step(self, what: str, which: int | None, amount: int | None) -> None:
        match what:
            case "reserve" if which not in self.held:
                quota = min(amount, self.quota)
                if amount - quota <= self.credits:
                    self.quota -= quota
                    self.credits -= amount - quota
                    self.held[which] = (quota, amount - quota, self.day)
            case "settle" | "release" if which in self.held and which not in self.ended:
                quota, bought, day = self.held[which]
                used = 0 if what == "release" else min(quota + bought, quota + bought if amount is None else amount)
                back = quota + bought - used
                self.give(min(back, bought))
                if day == self.day:
                    self.quota += back - min(back, bought)
                self.ended.add(which)
            case "pay" if which not in self.paid | self.refunded:
                self.paid.add(which)
                self.give(10)
            case "refund" if which not in self.refunded:
                self.refunded.add(which)
                if which in self.paid:
                    there = min(10, self.credits)
                    self.credits -= there
                    self.debt += 10 - there
            case "tomorrow":
                self.day += 1
                self.quota = 3


people = itertools.count(1)


@pytest.mark.parametrize("transactions", ["one each", "all in one"])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=30))
async def test_whatever_happens_the_balance_is_the_sum_of_its_entries_and_no_job_is_charged_twice(
    accounts, credits, payments, sessions, clock, transactions, steps
) -> None:
    person, model = next(people), Model()
    async with sessions.begin() as session:
        await accounts.open(session, person, "en")
        offers = [await payments.offer(session, person, "small") for _ in CHARGES]

    async def step(session, what, which, amount) -> None:
        name = f"{person}/{which}"
        match what:
            case "reserve":
                try:
                    await credits.reserve(session, person, amount, name)
                except InsufficientCredits:
                    assert which not in model.held
                    assert amount > model.quota + model.credits
            case "settle":
                await credits.settle(session, name, used=amount)
            case "release":
                await credits.release(session, name)
            case "pay":
                await payments.paid(session, person, Paid(name, offers[which].payload, 50, clock.now))
            case "refund":
                await payments.refunded(session, person, name, offers[which].payload, 50)
            case "tomorrow":
                clock.now += DAY
        model.step(what, which, amount)

    if transactions == "one each":
        for what, which, amount in steps:
            async with sessions.begin() as session:
                await step(session, what, which, amount)
            await check(sessions, credits, person, model)
    else:
        async with sessions.begin() as session:
            for what, which, amount in steps:
                await step(session, what, which, amount)
    await check(sessions, credits, person, model)


async def check(sessions, credits, person, model) -> None:
    async with sessions() as session:
        now = await credits.balance(session, person)
        wallet = await session.get(Wallet, person)
        entries = (await session.execute(select(Entry).where(Entry.user_id == person))).scalars().all()
    assert (now.quota_left, now.credits, now.debt) == (model.quota, model.credits, model.debt)
    assert wallet.balance == sum(entry.credits for entry in entries) >= 0
    assert wallet.debt == sum(entry.debt for entry in entries) >= 0
    assert wallet.quota_used == -sum(entry.quota for entry in entries if entry.day == wallet.quota_day) >= 0
    assert not (wallet.balance and wallet.debt)
    unfinished = [hold for job, hold in model.held.items() if job not in model.ended]
    assert now.held == sum(quota + bought for quota, bought, _ in unfinished)
    for job in model.held:
        mine = [entry for entry in entries if entry.reference == f"{person}/{job}" and entry.kind in {*JOB_KINDS}]
        kept = -sum(entry.credits - entry.debt + entry.quota for entry in mine)
        assert len(mine) == (2 if job in model.ended else 1)
        assert 0 <= kept <= sum(model.held[job][:2])


JOB_KINDS = (EntryKind.RESERVE, EntryKind.SETTLE, EntryKind.RELEASE)
