"""A post office without Telegram: what is sent is written down, and goes wrong on demand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.accounts.accounts import CHANNEL, Account, Keeping
from bot.delivery.courier import Courier
from bot.delivery.handover import Handover
from bot.delivery.limiter import Limiter
from bot.delivery.messages import Action, Address, Attachment, Outgoing, Sent
from bot.delivery.presenter import Parcel, Wrapping
from bot.delivery.tables import Delivery
from bot.intake.orders import Intake, Piece, Request
from serve_app.jobs.tables import Job
from serve_app.objects import new_key
from tests.memory_buckets import MemoryBuckets

ANNA, BORIS = 1001, 1002


class FakeSender:
    """``mishaps`` are raised in turn instead of sending; ``hook`` runs when a message has arrived."""

    def __init__(self) -> None:
        self.sent: list[tuple[Address, Outgoing]] = []
        self.edits: list[tuple[int, int, str]] = []
        self.removed: list[tuple[int, int]] = []
        self.actions: list[tuple[Address, Action]] = []
        self.mishaps: list[Exception | None] = []
        self.hook = None

    async def send(self, to: Address, message: Outgoing) -> Sent:
        if self.mishaps and (mishap := self.mishaps.pop(0)) is not None:
            raise mishap
        self.sent.append((to, message))
        number = len(self.sent) * 10
        if self.hook is not None:
            await self.hook()
        count = max(1, len(message.pictures))
        return Sent(
            tuple(range(number, number + count)), tuple(f"file-{number + n}" for n in range(len(message.pictures)))
        )

    async def edit(self, chat_id: int, message_id: int, message: Outgoing) -> None:
        self.edits.append((chat_id, message_id, message.text))

    async def remove(self, chat_id: int, message_id: int) -> None:
        self.removed.append((chat_id, message_id))

    async def act(self, to: Address, action: Action) -> None:
        self.actions.append((to, action))

    @property
    def texts(self) -> list[str]:
        return [message.text for _, message in self.sent]


class Plain:
    """The plainest presenter there is."""

    closing: Outgoing | None = None

    async def results(self, parcels: Sequence[Parcel]) -> Wrapping:
        pictures = tuple(Attachment(f"{parcel.job.id}.jpg", parcel.data) for parcel in parcels)
        return Wrapping(Outgoing("done", pictures, as_file=parcels[0].delivery.as_file), self.closing)

    async def failures(self, parcels: Sequence[Parcel]) -> Wrapping:
        return Wrapping(Outgoing("failed: " + ", ".join(parcel.job.error["slug"] for parcel in parcels)))


class Office:
    """A person's orders from the first tap to the answer, each step in its own transaction."""

    def __init__(self, sessions, accounts, credits, ledger, objects, intake, handover, courier, clock) -> None:
        self.sessions = sessions
        self.accounts = accounts
        self.credits = credits
        self.ledger = ledger
        self.objects = objects
        self.intake = intake
        self.handover = handover
        self.courier = courier
        self.clock = clock
        self._updates = 0

    async def account(self, user_id: int = ANNA) -> Account:
        async with self.sessions.begin() as session:
            return await self.accounts.open(session, user_id, "en")

    async def order(
        self, pieces: int = 1, user_id: int = ANNA, kind: str = "style", units: int = 1, chat_id: int | None = None
    ) -> list[Job]:
        self._updates += 1
        self.clock.now += 0.001
        account = await self.account(user_id)
        photos = [f"photo {n} of {self._updates}".encode() for n in range(pieces)]
        parts = [Piece(str(n), {"image": photo}, units, reply_to=100 + n) for n, photo in enumerate(photos)]
        request = Request(
            f"update:{self._updates}", account, kind, {"style": ["wave"]}, parts, Address(chat_id or user_id)
        )
        return list((await self.intake.order(request)).jobs)

    async def work(self, outcome: bytes | dict = b"a picture", notes: Sequence[str] = ()) -> Job:
        """Do the next job: with this result, or this error."""
        async with self.sessions.begin() as session:
            job = await self.ledger.claim(session, channel=CHANNEL)
        assert job is not None
        async with self.sessions.begin() as session:
            if isinstance(outcome, dict):
                assert await self.ledger.fail(session, job.id, job.lease, outcome)
                return job
            key = new_key("out")
            self.objects.put(key, outcome)
            result = {"key": key, "media_type": "image/jpeg", "models": ["style-lean@v1"], "notes": list(notes)}
            assert await self.ledger.finish(session, job.id, job.lease, result)
        return job

    async def deliver_once(self, courier: Courier | None = None) -> bool:
        """Have one request answered. False when there was none to answer."""
        courier = courier or self.courier
        if jobs := await courier._claim():
            await courier._serve(jobs)
        return bool(jobs)

    async def deliver(self, courier: Courier | None = None) -> int:
        """Deliver until there is nothing left; returns how many requests were answered."""
        count = 0
        while await self.deliver_once(courier):
            count += 1
        return count

    async def job(self, job_id: str) -> Job:
        async with self.sessions() as session:
            return await session.get_one(Job, job_id)

    async def slip(self, job_id: str) -> Delivery:
        async with self.sessions() as session:
            return await session.get_one(Delivery, job_id)

    async def balance(self, user_id: int = ANNA):
        async with self.sessions() as session:
            return await self.credits.balance(session, user_id)

    async def pay(self, amount: int, user_id: int = ANNA) -> None:
        await self.account(user_id)
        async with self.sessions.begin() as session:
            await self.credits.pay_in(session, user_id, amount, f"charge {user_id} {amount}")


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()


@pytest.fixture
def presenter() -> Plain:
    return Plain()


@pytest.fixture
def intake(sessions, objects, ledger, credits, tariff, clock) -> Intake:
    return Intake(sessions, objects, ledger, credits, tariff, keeping=Keeping(3600, 86_400), clock=clock)


@pytest.fixture
def handover(ledger, sessions, objects, sender, presenter, credits, clock) -> Handover:
    return Handover(ledger, sessions, objects, sender, presenter, credits, clock=clock)


@pytest.fixture
def limiter(clock) -> Limiter:
    return Limiter(MemoryBuckets(clock=clock), clock=clock)


@pytest.fixture
def courier(ledger, sessions, handover, limiter, clock) -> Courier:
    return Courier(ledger, sessions, handover, limiter, hands=4, drain_s=5.0, heartbeat_s=15.0, clock=clock)


@pytest.fixture
def office(sessions, accounts, credits, ledger, objects, intake, handover, courier, clock) -> Office:
    return Office(sessions, accounts, credits, ledger, objects, intake, handover, courier, clock)
