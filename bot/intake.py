"""From a message to durable work: photos kept, jobs ordered and credits reserved before the update is acknowledged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import Account
from bot.accounts.credits import Credits
from bot.accounts.tariff import Tariff
from bot.delivery.messages import Address
from bot.delivery.tables import Bundle
from deployments.errors import MasqueradeError
from deployments.imaging import Photo
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore

CHANNEL = "telegram"

OpenPhoto = Callable[[bytes], Awaitable[Photo]]


class AlbumTooLarge(MasqueradeError):
    """More photos than the plan allows in one request; ``details`` has ``most`` and ``given``."""

    slug, title, status = "album-too-large", "Too many photos at once", 422


class QueueFull(MasqueradeError):
    """The person has as many unfinished jobs as anybody may have; ``details['most']``."""

    slug, title, status = "queue-full", "Too many unfinished jobs", 429


class Expired(MasqueradeError):
    """The photos of this request were removed, as was said they would be."""

    slug, title, status = "expired", "The photo is no longer here", 410


@dataclass(frozen=True, slots=True)
class Incoming:
    """A photo as it came: which update brought it, and where. ``album`` is Telegram's ``media_group_id``."""

    update_id: int
    chat_id: int
    message_id: int
    data: bytes
    thread_id: int | None = None
    album: str | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo of a bundle; ``key`` names its bytes in the object store."""

    update_id: int
    message_id: int
    key: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One job of a request: the pictures by field (an object's key, or bytes to store), and what it answers.

    ``name`` tells the pieces of one request apart, the same way each time the request is handled: a photo's update id.
    """

    name: str
    pictures: Mapping[str, str | bytes]
    units: int = 1
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for. ``origin`` is what asked: ``update:<id>`` of a tap, or ``bundle:<id>`` of a caption.

    ``fields`` are those of the job kind (:mod:`serve_app.jobs.kinds`). A request with an origin seen before is the same
    request again.
    """

    origin: str
    account: Account
    kind: str
    fields: Mapping[str, Any]
    pieces: Sequence[Piece]
    address: Address
    bundle_id: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """``new`` is False when this very request had been accepted before. ``position``: jobs served before the first."""

    jobs: tuple[Job, ...]
    new: bool
    position: int
    cost: int = field(default=0)


class Intake:
    """The one door through which people's photos come in."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        ledger: Ledger,
        credits: Credits,
        tariff: Tariff,
        *,
        keep_s: float,
        history_keep_s: float,
        max_unfinished: int = 50,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._objects = objects
        self._ledger = ledger
        self._credits = credits
        self._tariff = tariff
        self._keep_s = keep_s
        self._history_keep_s = history_keep_s
        self._max_unfinished = max_unfinished
        self._clock = clock

    async def order(self, request: Request) -> Accepted:
        """Record the jobs and reserve what they cost, all or nothing; repeated, it returns what was accepted first.

        Raises ``InsufficientCredits``, :class:`AlbumTooLarge`, :class:`QueueFull`; then nothing was recorded.
        """
        if not request.pieces:
            raise ValueError("a request has at least one piece")
        stored = await self._store(request.pieces)
        try:
            async with self._sessions.begin() as session:
                accepted = await self._order(session, request, stored)
        except BaseException:
            await self._discard(request.pieces, stored)
            raise
        if not accepted.new:
            await self._discard(request.pieces, stored)
        return accepted

    async def cancel(self, user_id: int, job_ids: Sequence[str]) -> int:
        """Withdraw those of a person's jobs that are not finished and give their credits back; returns how many."""
        cancelled = 0
        async with self._sessions.begin() as session:
            mine = select(Job.id).where(Job.id.in_(job_ids), Job.owner == owner_of(user_id)).order_by(Job.id)
            for job_id in (await session.execute(mine)).scalars().all():
                if await self._ledger.cancel(session, job_id):
                    await self._credits.release(session, job_id)
                    cancelled += 1
        return cancelled

    async def _order(
        self, session: AsyncSession, request: Request, stored: Sequence[Mapping[str, str]]
    ) -> Accepted:
        account = request.account
        unfinished = await self._ledger.waiting(session, account.owner)
        jobs: list[Job] = []
        cost = 0
        for piece, inputs in zip(request.pieces, stored, strict=True):
            job, new = await self._ledger.submit(session, self._order_of(request, piece, inputs))
            jobs.append(job)
            if not new:
                continue
            price = self._tariff.cost(request.kind, piece.units)
            await self._credits.reserve(session, account.id, price, job.id)
            session.add(self._delivery(request, piece, job.id, price))
            cost += price
        if cost_free := [job for job in jobs if job.state != State.QUEUED]:
            del cost_free
        return Accepted(tuple(jobs), True, 0, cost)
