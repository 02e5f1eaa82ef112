"""Keeps people posted while they wait: their place in the queue, and an activity while their picture is made."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.delivery.messages import Action, Address, NoRoom, NotSent, Outgoing, Sender
from bot.delivery.outbound import room_within
from bot.delivery.tables import Delivery
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

log = logging.getLogger(__name__)

ROUND_S = 4.0
ACTION_S = 4.5
"""Telegram shows an activity for five seconds."""

ROOM_S = 0.5
"""A place in the queue that was looked up so long ago is not worth telling: it is looked up again."""

ANNOUNCEMENTS = 20
"""How often that is tried. Ten seconds later the answer is nearer than the place."""

SPOKEN = frozenset({"authenticity"})
"""Kinds of job that are answered in words."""


def activity(kind: str, *, as_file: bool) -> Action:
    """What Telegram shows the bot doing while it works on a job of this kind."""
    if kind in SPOKEN:
        return "typing"
    return "upload_document" if as_file else "upload_photo"


class Words(Protocol):
    """Puts the state of a request into the person's words."""

    async def status(self, delivery: Delivery, position: int | None) -> Outgoing:
        """``position`` jobs are served before (0: next), or None: the work has begun."""
        ...


@dataclass(frozen=True, slots=True)
class _Stale:
    """A status message that does not say what is true now."""

    delivery: Delivery
    position: int | None

    @property
    def wrong_by(self) -> float:
        """How far off its number is, as a person would feel it: the beginning of the work weighs most."""
        if self.position is None or self.delivery.position is None:
            return float("inf")
        return abs(self.delivery.position - self.position) / (1 + self.position)


class Progress:
    """The status messages of one channel. Any number may run: each edit is made by one of them."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        sender: Sender,
        words: Words,
        *,
        channel: str,
        edits_per_round: int = 20,
        patience_s: float = 2 * ROOM_S,
    ) -> None:
        """``edits_per_round`` is how many edits are made every few seconds at most.

        An edit that the limits leave no room for within ``patience_s`` is given up: answers come first.
        """
        self._ledger = ledger
        self._sessions = sessions
        self._sender = sender
        self._words = words
        self._channel = channel
        self._edits = edits_per_round
        self._patience_s = patience_s

    async def show(self, job_ids: Sequence[str], message_id: int, position: int | None) -> None:
        """Keep this message true for these jobs (one request's); it said ``position`` when it was sent.

        Were they faster than the message, it is deleted again.
        """
        mine = update(Delivery).where(Delivery.job_id.in_(job_ids))
        unanswered = select(Delivery).where(Delivery.job_id.in_(job_ids), Delivery.sent.is_(None)).limit(1)
        async with self._sessions.begin() as session:
            await session.execute(mine.values(status_id=message_id, position=position))
            waiting = (await session.execute(unanswered)).scalar_one_or_none() is not None
            chat = select(Delivery.chat_id).where(Delivery.job_id.in_(job_ids)).limit(1)
            chat_id = (await session.execute(chat)).scalar_one_or_none()
        if chat_id is not None and not waiting:
            await self._sender.remove(chat_id, message_id)

    async def announce(self, job_ids: Sequence[str], to: Address) -> None:
        """Send a new request's status message, and keep it true.

        Where the limits leave no room for it, answers come first. That it cannot be shown is no reason to fail.
        """
        for _ in range(ANNOUNCEMENTS):
            async with self._sessions() as session:
                slip, job = await session.get(Delivery, job_ids[0]), await session.get(Job, job_ids[0])
                if slip is None or job is None or job.state not in {State.QUEUED, State.RUNNING}:
                    return
                position = await self._ledger.position(session, job) if job.state == State.QUEUED else None
            status = await self._words.status(slip, position)
            try:
                with room_within(ROOM_S):
                    sent = await self._sender.send(to, status)
            except NoRoom:
                continue
            except NotSent:
                return
            await self.show(job_ids, sent.message_ids[0], position)
            return

    async def round(self) -> int:
        """Edit the messages that are furthest from the truth; returns how many."""
        async with self._sessions() as session:
            stale = await self._stale(session)
        stale.sort(key=lambda message: message.wrong_by, reverse=True)
        edited = await asyncio.gather(*(self._edit(message) for message in stale[: self._edits]))
        return sum(edited)

    async def run(self) -> None:
        """Go round every few seconds until cancelled."""
        while True:
            try:
                await self.round()
            except (OSError, SQLAlchemyError):
                log.exception("the ledger is out of reach; trying again")
            await asyncio.sleep(ROUND_S)

    @asynccontextmanager
    async def acting(self, job_id: str) -> AsyncIterator[None]:
        """Show an activity in the job's chat until the block ends. To be put around the work on a job."""
        async with self._sessions() as session:
            slip, job = await session.get(Delivery, job_id), await session.get(Job, job_id)
        if slip is None or job is None:
            yield
            return
        action = activity(job.kind, as_file=slip.as_file)
        task = asyncio.create_task(self._act(Address(slip.chat_id, slip.thread_id), action))
        try:
            yield
        finally:
            task.cancel()

    async def _act(self, to: Address, action: Action) -> None:
        while True:
            await self._sender.act(to, action)
            await asyncio.sleep(ACTION_S)

    async def _stale(self, session: AsyncSession) -> list[_Stale]:
        places = {job_id: place for place, job_id in enumerate(await self._ledger.queue(session, self._channel))}
        statement = (
            select(Delivery, Job.state)
            .join(Job, Job.id == Delivery.job_id)
            .where(
                Job.channel == self._channel,
                Job.state.in_([State.QUEUED, State.RUNNING]),
                Delivery.status_id.is_not(None),
            )
            .order_by(Job.turn)
        )
        # A request of several jobs has one message; its first unfinished job speaks for it.
        first: dict[tuple[int, int | None], _Stale] = {}
        for slip, state in await session.execute(statement):
            position = None if state == State.RUNNING else places.get(slip.job_id)
            first.setdefault((slip.chat_id, slip.status_id), _Stale(slip, position))
        return [message for message in first.values() if message.delivery.position != message.position]

    async def _edit(self, message: _Stale) -> bool:
        """Claim the edit, so that no other replica makes it as well, and make it."""
        slip = message.delivery
        said = Delivery.position.is_(None) if slip.position is None else Delivery.position == slip.position
        claim = update(Delivery).where(Delivery.status_id == slip.status_id, Delivery.chat_id == slip.chat_id, said)
        async with self._sessions.begin() as session:
            claimed = await session.execute(claim.values(position=message.position).returning(Delivery.job_id))
            ours = bool(claimed.all())
        if not ours or slip.status_id is None:
            return False
        with contextlib.suppress(NotSent, TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._sender.edit(slip.chat_id, slip.status_id, await self._words.status(slip, message.position))
                return True
        return False
