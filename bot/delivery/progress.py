"""Keeps people posted while they wait: their place in the queue, and an activity while their picture is made."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.delivery.limiter import Limiter
from bot.delivery.messages import Action, Address, Flooded, NotSent, Sender
from bot.delivery.outbound import in_lull
from bot.delivery.places import Places, Stale
from bot.delivery.presenter import Presenter
from bot.delivery.tables import Delivery
from serve_app.duties import beside, keep_doing
from serve_app.jobs.tables import Job

ROUND_S = 4.0
ACTION_S = 4.5
"""Telegram shows an activity for five seconds."""

ATTEMPTS = 5
"""News that found no room so often is set aside until the next look: it would take the room of others."""

TELLING = -1
"""The ``position`` of a delivery whose status message is on its way."""

HANDS = 4
"""How many status messages are on their way at a time: a slow one does not hold up the others."""

SPOKEN = frozenset({"authenticity"})
"""Kinds of job that are answered in words."""


def activity(kind: str, *, as_file: bool) -> Action:
    """What Telegram shows the bot doing while it works on a job of this kind."""
    if kind in SPOKEN:
        return "typing"
    return "upload_document" if as_file else "upload_photo"


@dataclass(slots=True, eq=False)
class _Untold:
    """A new request whose owner has not heard of it yet."""

    job_ids: tuple[str, ...]
    to: Address
    attempts: int = 0


class Progress:
    """The status messages. Any number may run: each edit is made by one of them.

    They leave in lulls between the answers, and what they say is looked up when there is room: a place that waited for
    its turn would be where somebody stood a while ago.
    """

    def __init__(
        self,
        places: Places,
        sessions: async_sessionmaker[AsyncSession],
        sender: Sender,
        presenter: Presenter,
        limiter: Limiter,
    ) -> None:
        self._places = places
        self._sessions = sessions
        self._sender = sender
        self._presenter = presenter
        self._limiter = limiter
        self._untold: deque[_Untold] = deque()
        self._aside: list[_Untold] = []
        self._stale: deque[Stale] = deque()
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()

    def announce(self, job_ids: Sequence[str], to: Address) -> None:
        """Send a new request's status message as soon as there is room, and keep it true.

        Should the work end before that, there is nothing to say any more.
        """
        self._untold.append(_Untold(tuple(job_ids), to))
        self._news.set()

    async def run(self) -> None:
        """Send new status messages and bring others up to date, until cancelled; first those an earlier process left."""
        await self._take_up()
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_doing(self._look, ROUND_S))
            for _ in range(HANDS):
                group.create_task(keep_doing(self._tell_next, 0.0))

    async def show(self, job_ids: Sequence[str], chat_id: int, message_id: int, position: int | None) -> None:
        """Keep this message true for these jobs (one request's); it said ``position`` when it was sent.

        Were they faster than the message, or is their owner's account gone, it is deleted again.
        """
        mine = update(Delivery).where(Delivery.job_id.in_(job_ids)).values(status_id=message_id, position=position)
        async with self._sessions.begin() as session:
            answered = (await session.execute(mine.returning(Delivery.sent))).scalars().all()
        if all(sent is not None for sent in answered):
            await self._sender.remove(chat_id, message_id)

    @asynccontextmanager
    async def acting(self, job_id: str) -> AsyncIterator[None]:
        """Show an activity in the job's chat until the block ends. To be put around the work on a job."""
        async with self._sessions() as session:
            slip, job = await session.get(Delivery, job_id), await session.get(Job, job_id)
        if slip is None or job is None:
            yield
            return
        action = activity(job.kind, as_file=slip.as_file)
        async with beside(self._act(Address(slip.chat_id, slip.thread_id), action)):
            yield

    async def _act(self, to: Address, action: Action) -> None:
        while True:
            await self._sender.act(to, action)
            await asyncio.sleep(ACTION_S)

    async def _tell_next(self) -> bool:
        """Wait for news and for room, and tell. Whether a message left."""
        # One at a time waits for room, and decides whom it is for when it is there.
        async with self._turn:
            await self._news.wait()
            await self._limiter.lull()
            news = self._next()
        return news is not None and await self._tell(news)

    async def _take_up(self) -> None:
        """A process that ended may have left its news untold."""
        async with self._sessions() as session:
            left = await self._places.untold(session)
        news = [_Untold(names, Address(slip.chat_id, slip.thread_id)) for names, slip in left]
        self._untold.extendleft(reversed(news))
        if news:
            self._news.set()

    async def _look(self) -> None:
        """Forget the news about what has ended, and find the messages that are out of date."""
        # What is announced, or taken up again, during the look was not asked about.
        asked = [*self._aside, *self._untold]
        async with self._sessions() as session:
            waiting = await self._places.unfinished(session, [name for news in asked for name in news.job_ids])
            stale = await self._places.stale(session)
        over = [news for news in asked if waiting.isdisjoint(news.job_ids)]
        self._untold = deque(news for news in [*self._aside, *self._untold] if news not in over)
        self._aside = []
        self._stale = deque(stale)
        self._set_news()

    def _next(self) -> _Untold | Stale | None:
        """Who came last is told first: they have the longest wait before them, and others' results are nearer."""
        news = self._untold.pop() if self._untold else self._stale.popleft() if self._stale else None
        self._set_news()
        return news

    def _set_news(self) -> None:
        if self._untold or self._stale:
            self._news.set()
        else:
            self._news.clear()

    async def _tell(self, news: _Untold | Stale) -> bool:
        """Whether a message left. News that found no room comes again; a stale message is found again anyway."""
        if isinstance(news, Stale):
            return await self._edit(news)
        try:
            refused = not await self._limiter.enter(news.to.chat_id)
            if not refused:
                return await self._send(news)
        except Flooded:
            refused = True
        except NotSent:
            return False
        except (OSError, SQLAlchemyError):
            # Whether it was told already, the deliveries say when they are in reach again.
            self._put_back(news)
            raise
        if refused:
            self._put_back(news)
        return False

    def _put_back(self, news: _Untold) -> None:
        """Nothing was sent: try again soon, or after the next look when that was in vain several times."""
        news.attempts += 1
        if news.attempts % ATTEMPTS == 0:
            self._aside.append(news)
        else:
            self._untold.appendleft(news)
            self._news.set()

    async def _send(self, news: _Untold) -> bool:
        async with self._sessions.begin() as session:
            found = await self._places.of(session, news.job_ids)
            if found is None or not await self._mark(session, news, None, TELLING):
                return False
        slip, position = found
        message = await self._presenter.status(slip, position)
        try:
            with in_lull():
                sent = await self._sender.send(news.to, message)
        except Flooded:
            async with self._sessions.begin() as session:
                await self._mark(session, news, TELLING, None)
            raise
        await self.show(news.job_ids, news.to.chat_id, sent.message_ids[0], position)
        return True

    async def _mark(self, session: AsyncSession, news: _Untold, before: int | None, now: int | None) -> bool:
        """Say in the deliveries who tells: of several replicas that took up the same news, one. False for the others."""
        untold = (Delivery.job_id.in_(news.job_ids), Delivery.status_id.is_(None))
        was = Delivery.position.is_not_distinct_from(before)
        mark = update(Delivery).where(*untold, was).values(position=now).returning(Delivery.job_id)
        return bool((await session.execute(mark)).all())

    async def _edit(self, stale: Stale) -> bool:
        """Claim the edit, so that no other replica makes it as well, and make it."""
        slip = stale.slip
        if slip.status_id is None or not await self._limiter.enter(slip.chat_id):
            return False
        mine = (Delivery.status_id == slip.status_id, Delivery.chat_id == slip.chat_id)
        said = Delivery.position.is_(None) if slip.position is None else Delivery.position == slip.position
        async with self._sessions.begin() as session:
            jobs = (await session.execute(select(Delivery.job_id).where(*mine))).scalars().all()
            found = await self._places.of(session, jobs)
            if found is None or found[1] == slip.position:
                return False
            position = found[1]
            claim = update(Delivery).where(*mine, said).values(position=position).returning(Delivery.job_id)
            if not (await session.execute(claim)).all():
                return False
        message = await self._presenter.status(slip, position)
        try:
            with in_lull():
                await self._sender.edit(slip.chat_id, slip.status_id, message)
        except NotSent:
            return False
        return True
