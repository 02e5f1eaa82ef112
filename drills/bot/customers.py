"""People who buy, and what they and the operator do about it, while the bot may be killed at any step."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

from bot.accounts.tariff import Pack
from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.telegram.model import Event, EventKind
from bot.playground.telegram.payments import Charge, PaymentFailed
from drills.bot.books import Books
from drills.bot.numbered import number_of, photo
from drills.bot.purse import Holdings, expected
from drills.bot.stage import Stage

PATIENCE_S = 180.0
LOOK_EVERY_S = 0.5


class Customers:
    """The people of the payments drill, each buying ``pack``, and the operator."""

    def __init__(self, running: Stage, pack: Pack) -> None:
        self.books = Books(running.sessions)
        self.people: list[Person] = []
        self._stage = running
        self._pack = pack
        self._spent = Counter[int]()
        self._numbers = itertools.count(1)
        self._deadly: EventKind | None = None
        self.operator = running.playground.person("Operator")
        running.playground.telegram.listeners.append(self._hear)

    def newcomer(self) -> Person:
        """Somebody else."""
        self.people.append(self._stage.playground.person(f"Person {len(self.people) + 1}"))
        return self.people[-1]

    async def plans(self, person: Person) -> Reply:
        """What the bot says somebody has, and offers."""
        await person.say("/plans")
        return await person.chat.find("Credits:")

    async def told(self, person: Person) -> int:
        """The credits that the bot says somebody has."""
        line = next(line for line in (await self.plans(person)).text.splitlines() if line.startswith("Credits:"))
        return int(line.removeprefix("Credits:").strip())

    async def invoice(self, person: Person) -> Reply:
        """An offer of the pack."""
        await person.tap(await self.plans(person), f"{self._pack.credits} credits")
        return await person.chat.find(lambda reply: reply.kind == "invoice")

    async def pay(self, person: Person, invoice: Reply | str) -> Charge:
        """Press Pay until it works: a bot that was killed a moment ago may miss a checkout's ten seconds."""
        while True:
            with contextlib.suppress(PaymentFailed):
                return await person.pay(invoice)

    async def buy(self, person: Person) -> Charge:
        """Pay for the pack, and wait until its credits are there."""
        charge = await self.pay(person, await self.invoice(person))
        await self.settled(person)
        return charge

    async def paint(self, person: Person) -> None:
        """Spend a credit."""
        number = next(self._numbers)
        await person.send_photo(photo(number), "wave")
        await person.chat.find(lambda reply: reply.kind == "photo" and number_of(reply.file()) == number)
        self._spent[person.user.id] += 1

    async def refund(self, charge: Charge, answer: str = "Stars went back") -> None:
        """The operator gives a charge back, or hears why not."""
        await self.operator.say(f"/refund {charge.id}")
        await self.operator.chat.find(answer)

    async def gone_back(self, charge: Charge) -> None:
        """Return when Telegram has given the Stars of a charge back, or after a while."""

        async def refunded() -> bool:
            return charge.refunded

        await self.until(refunded)

    @contextlib.asynccontextmanager
    async def killed_at(self, kind: EventKind) -> AsyncIterator[None]:
        """Kill every process at the next such event, in the middle of it; then see all of them back."""
        self._deadly = kind
        yield
        await self._stage.troupe.whole()

    def _hear(self, event: Event) -> None:
        if event.kind == self._deadly:
            self._deadly = None
            self._stage.troupe.kill()

    # -- the books -----------------------------------------------------------------------------------------------------

    def charges(self) -> dict[int, list[Charge]]:
        """Telegram's own list, by person."""
        charges: dict[int, list[Charge]] = defaultdict(list)
        for charge in self._stage.playground.telegram.ledger.charges.values():
            charges[charge.user_id].append(charge)
        return charges

    def due(self) -> dict[int, Holdings]:
        """What everybody must have, by person."""
        charges, prices = self.charges(), {self._pack.stars: self._pack.credits}
        ids = [person.user.id for person in self.people]
        return {user_id: expected(charges[user_id], prices, self._spent[user_id]) for user_id in ids}

    async def settled(self, person: Person) -> None:
        """Return when the bot's books agree with Telegram's about somebody, or after a while."""

        async def agree() -> bool:
            return (await self.books.held()).get(person.user.id) == self.due()[person.user.id]

        await self.until(agree)

    async def at_rest(self) -> None:
        """Return when there is nothing left to tell the bot and the books agree, or after a while."""

        async def agree() -> bool:
            held, due = await self.books.held(), self.due()
            return not self._stage.playground.updates.outstanding() and all(held.get(i) == due[i] for i in due)

        await self.until(agree)

    async def until(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Look again and again until it is so, or patience ends: what is wrong then shows in the figures."""
        deadline = time.monotonic() + PATIENCE_S
        while not await look() and time.monotonic() < deadline:  # noqa: ASYNC110 - a database has no events
            await asyncio.sleep(LOOK_EVERY_S)
