"""The payments drill: successes told twice, checkouts too late, refunds of refunds, and kills between money and credit."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from benchmarks.figures import Figure, never
from bot.accounts.tariff import Pack, Subscription, Tariff
from bot.playground.client import Person
from bot.playground.telegram.payments import PaymentFailed
from drills import databases
from drills.bot.customers import PATIENCE_S, Customers
from drills.bot.purse import Holdings
from drills.bot.stage import BAD_WEATHER, Setting, Stage, stage
from drills.bot.studio import Pace
from drills.telling import Tell

PACK: Final = Pack(name="small", stars=50, credits=10)
TARIFF: Final = Tariff(free_daily=0, packs=(PACK,), subscription=Subscription(stars=250, daily=20))
OPERATOR: Final = 5_000_000_001
"""Who is first in a playground."""

NOTHING: Final = Holdings(0, 0, None)


async def run(database: databases.Kind, each: int, tell: Tell) -> list[Figure]:
    """Drill once, ``each`` people going through each kind of trouble."""
    setting = Setting(database, "webhook", 2, 2, TARIFF, Pace(0.0, 0.1), admins=frozenset({OPERATOR}), takeover_s=10.0)
    began = time.monotonic()
    async with stage(setting, faults=BAD_WEATHER, patience=PATIENCE_S) as running:
        drill = PaymentsDrill(running, tell)
        await drill.run(each)
        figures = await drill.figures()
        complaints = running.complaints()
    return [
        *figures,
        Figure("processes killed", len(running.troupe.kills), bar=1),
        running.troupe.breakages(),
        never("errors logged", len(complaints)),
        Figure("time taken", time.monotonic() - began, unit="s"),
    ]


class PaymentsDrill:
    """One run on a stage."""

    def __init__(self, running: Stage, tell: Tell) -> None:
        self._stage = running
        self._tell = tell
        self._customers = Customers(running, PACK)
        self._counts = Counter[str]()

    async def run(self, each: int) -> None:
        """Every kind of trouble, one after the other, and then a look at the books."""
        troubles = {
            "successes told twice": self._doubled,
            "checkouts answered too late": self._late,
            "kills between money and credit": self._killed,
            "refunds of refunds": self._refunded_twice,
            "refunds made elsewhere": self._refunded_elsewhere,
            "refunds of what was spent": self._spent,
            "subscriptions": self._subscribed,
        }
        await self._customers.operator.start()
        for done, (name, trouble) in enumerate(troubles.items()):
            self._tell(name, done, len(troubles))
            await trouble([self._customers.newcomer() for _ in range(each)])
        self._tell("balancing the books", len(troubles), len(troubles))
        await self._customers.at_rest()

    async def figures(self) -> list[Figure]:
        """Telegram's books against the bot's, and against what the bot tells people."""
        customers = self._customers
        due, held = customers.due(), await customers.books.held()
        told = {person.user.id: await customers.told(person) for person in customers.people}
        charges = [charge for mine in customers.charges().values() for charge in mine]
        pairs = [(held.get(user_id, NOTHING), must) for user_id, must in due.items()]
        return [
            Figure("payments", len(charges), bar=1),
            Figure("successes told once more", self._counts["repeated"], bar=1),
            Figure("checkouts answered too late", self._counts["late"], bar=1),
            Figure("refunds", sum(charge.refunded for charge in charges), bar=1),
            Figure("refunds of refunds, refused", self._counts["refused"], bar=1),
            never("balances that are not exact", sum(has.credits != must.credits for has, must in pairs)),
            never("debts that are not exact", sum(has.debt != must.debt for has, must in pairs)),
            never("subscriptions that are not exact", sum(has.plus_until != must.plus_until for has, must in pairs)),
            never("wallets that are not the sum of their entries", len(await customers.books.unbalanced())),
            never("balances told wrongly", sum(told[i] != due[i].credits for i in due)),
        ]

    async def _doubled(self, people: Sequence[Person]) -> None:
        """Every success is told three times, and the invoice is paid twice."""
        for person in people:
            invoice = await self._customers.invoice(person)
            for _ in range(2):
                charge = await self._customers.pay(person, invoice)
                for _ in range(2):
                    person.repeat_success(charge)
                    self._counts["repeated"] += 1

    async def _late(self, people: Sequence[Person]) -> None:
        """The bot stands still for a checkout's ten seconds, and says yes when it is too late."""
        invoices = [await self._customers.invoice(person) for person in people]
        paying = list(zip(people, invoices, strict=True))
        with self._stage.troupe.paused():
            outcomes = await asyncio.gather(*(person.pay(bill) for person, bill in paying), return_exceptions=True)
        self._counts["late"] += sum(isinstance(outcome, PaymentFailed) for outcome in outcomes)
        for person, bill in paying:
            await self._customers.pay(person, bill)

    async def _killed(self, people: Sequence[Person]) -> None:
        """Every process dies when the Stars have changed hands: first on the way in, then on the way back."""
        for person in people:
            invoice = await self._customers.invoice(person)
            async with self._customers.killed_at("payment"):
                charge = await self._customers.pay(person, invoice)
            await self._customers.settled(person)
            async with self._customers.killed_at("refund"):
                await self._customers.operator.say(f"/refund {charge.id}")
                await self._customers.gone_back(charge)

    async def _refunded_twice(self, people: Sequence[Person]) -> None:
        """The operator gives the same charge back twice."""
        for person in people:
            charge = await self._customers.buy(person)
            await self._customers.refund(charge)
            await self._customers.refund(charge, "went back already")
            self._counts["refused"] += 1

    async def _refunded_elsewhere(self, people: Sequence[Person]) -> None:
        """Telegram gives the Stars back at the moment the operator asks for it."""
        api = TelegramAPIServer.from_base(self._stage.playground.url)
        async with Bot(self._stage.playground.token, session=AiohttpSession(api=api)) as elsewhere:
            for person in people:
                charge = await self._customers.buy(person)
                await elsewhere.refund_star_payment(person.user.id, charge.id)
                # Whether the bot has heard of it yet decides which of the two it answers.
                await self._customers.refund(charge, "went back")

    async def _spent(self, people: Sequence[Person]) -> None:
        """What was spent of a charge that goes back is owed, and the next payment makes up for it."""
        for person in people:
            charge = await self._customers.buy(person)
            for _ in range(3):
                await self._customers.paint(person)
            await self._customers.refund(charge)
            await self._customers.settled(person)
            await self._customers.pay(person, await self._customers.invoice(person))

    async def _subscribed(self, people: Sequence[Person]) -> None:
        """Three months are paid, one fails; the subscription is cancelled and resumed, and the last month goes back."""
        for person in people:
            await person.tap(await self._customers.plans(person), "pictures a day")
            offer = await person.chat.find("20 pictures a day")
            charge = await self._customers.pay(person, str(offer.button("Subscribe")["url"]))
            if charge.subscription is None:
                raise RuntimeError("the link sold no subscription")
            renewed = [person.renew(charge.subscription) for _ in range(2)]
            person.cancel(charge.subscription)
            person.resume(charge.subscription)
            stars, person.user.stars = person.user.stars, 0
            person.renew(charge.subscription)
            person.user.stars = stars
            await self._customers.settled(person)
            for month in filter(None, renewed[-1:]):
                person.repeat_success(month)
                self._counts["repeated"] += 1
                await self._customers.refund(month)
