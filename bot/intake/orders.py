"""Orders become durable jobs with their credits reserved, before the update that asked for them is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL, Account, Keeping
from bot.accounts.credits import Credits
from bot.accounts.tariff import Tariff
from bot.delivery.messages import Address
from bot.delivery.tables import Delivery
from bot.intake.tables import Bundle
from deployments.errors import MasqueradeError
from serve_app.jobs.ledger import Ledger, Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore, new_key

MAX_UNFINISHED = 50
"""So many jobs of one person may wait or be worked on at a time."""


class AlbumTooLarge(MasqueradeError):
    """More photos than the plan allows in one request; ``details`` has ``most`` and ``given``."""

    slug, title, status = "album-too-large", "Too many photos at once", 422


class QueueFull(MasqueradeError):
    """The person has as many unfinished jobs as anybody may have; ``details['most']``."""

    slug, title, status = "queue-full", "Too many unfinished jobs", 429


@dataclass(frozen=True, slots=True)
class Piece:
    """One job of a request: its pictures by field (an object's key, or bytes to store), and the message it answers.

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
    request again. The answers to several pieces come together, in their order.
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
    """``new`` is False when all of it had been accepted before."""

    jobs: Sequence[Job]
    new: bool


class Intake:
    """Takes orders; all of the bot's jobs come in here."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        ledger: Ledger,
        credits: Credits,
        tariff: Tariff,
        *,
        keeping: Keeping,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Results are kept from when they are ordered."""
        self._sessions = sessions
        self._objects = objects
        self._ledger = ledger
        self._credits = credits
        self._tariff = tariff
        self._keeping = keeping
        self._clock = clock

    async def order(self, request: Request) -> Accepted:
        """Record the jobs and reserve what they cost, all or nothing; repeated, it returns what was accepted first.

        Who taps a button twice wants its picture once: what is still to be delivered is not ordered beside itself.
        Raises ``InsufficientCredits``, :class:`AlbumTooLarge`, :class:`QueueFull`; then nothing was recorded.
        """
        if not request.pieces:
            raise ValueError("a request has at least one piece")
        inputs = [{name: _key(picture) for name, picture in piece.pictures.items()} for piece in request.pieces]
        ours = [_stored(piece, keys) for piece, keys in zip(request.pieces, inputs, strict=True)]
        superfluous = [key for stored in ours for key in stored]
        try:
            for stored in ours:
                for key, data in stored.items():
                    await asyncio.to_thread(self._objects.put, key, data)
            async with self._sessions.begin() as session:
                accepted, taken = await self._order(session, request, inputs)
            superfluous = [key for stored, new in zip(ours, taken, strict=True) if not new for key in stored]
        finally:
            if superfluous:
                await asyncio.to_thread(self._objects.delete, superfluous)
        return accepted

    async def _order(
        self, session: AsyncSession, request: Request, inputs: Sequence[dict[str, str]]
    ) -> tuple[Accepted, list[bool]]:
        """Returns also which pieces were taken now, rather than at an earlier time the same request came."""
        # The person's other orders wait, so that two at once see each other.
        await self._credits.lock(session, request.account.id)
        if (same := await self._in_hand(session, request)) is not None:
            return Accepted(same, new=False), [False] * len(same)
        account = request.account
        batch = request.origin if len(request.pieces) > 1 else None
        jobs: list[Job] = []
        taken: list[bool] = []
        for piece, keys in zip(request.pieces, inputs, strict=True):
            dedupe = f"{request.origin}:{piece.name}"
            order = Order(request.kind, CHANNEL, account.owner, dict(request.fields), keys, dedupe, batch)
            job, new = await self._ledger.submit(session, order)
            jobs.append(job)
            taken.append(new)
        if any(taken):
            await self._check_room(session, request)
        expires = self._clock() + self._keeping.of(account)
        fresh = [
            (piece, job, self._tariff.cost(request.kind, piece.units))
            for piece, job, new in zip(request.pieces, jobs, taken, strict=True)
            if new
        ]
        # Who has too little hears what all of it costs, not what the piece costs that could not be paid any more.
        await self._credits.require(session, account.id, sum(price for _, _, price in fresh))
        for piece, job, price in fresh:
            await self._credits.reserve(session, account.id, price, job.id)
            session.add(_delivery(request, piece, job.id, price, expires))
        if request.bundle_id is not None:
            # Photos that are still being worked with do not expire.
            used = update(Bundle).where(Bundle.id == request.bundle_id, Bundle.expires < expires)
            await session.execute(used.values(expires=expires))
        return Accepted(jobs, new=any(taken)), taken

    async def _in_hand(self, session: AsyncSession, request: Request) -> list[Job] | None:
        """The jobs that do all of this already, and whose results are still to come."""
        coming = Job.state.in_([State.QUEUED, State.RUNNING, State.DONE])
        statement = (
            select(Job)
            .join(Delivery, Delivery.job_id == Job.id)
            .where(
                Job.owner == request.account.owner,
                Job.kind == request.kind,
                Delivery.bundle_id.is_not_distinct_from(request.bundle_id),
                coming,
            )
        )
        jobs = [job for job in (await session.execute(statement)).scalars() if job.request == dict(request.fields)]
        found: list[Job] = []
        for piece in request.pieces:
            alike = [job for job in jobs if job not in found and await self._made_of(job, piece)]
            if not alike:
                return None
            found.append(alike[0])
        return found

    async def _made_of(self, job: Job, piece: Piece) -> bool:
        """Whether a job's pictures are these. A saved face has another key in every job: its bytes are compared."""
        if job.inputs.keys() != piece.pictures.keys():
            return False
        for name, picture in piece.pictures.items():
            key = job.inputs[name]
            if isinstance(picture, str):
                if key != picture:
                    return False
            else:
                with contextlib.suppress(KeyError):
                    if await asyncio.to_thread(self._objects.get, key) == picture:
                        continue
                return False
        return True

    async def _check_room(self, session: AsyncSession, request: Request) -> None:
        most = self._tariff.album(request.account.plan)
        if len(request.pieces) > most:
            given = len(request.pieces)
            raise AlbumTooLarge(f"At most {most} photos can be done at once.", most=most, given=given)
        if await self._ledger.unfinished_of(session, request.account.owner) > MAX_UNFINISHED:
            raise QueueFull(f"At most {MAX_UNFINISHED} pictures can be waiting at once.", most=MAX_UNFINISHED)


def _key(picture: str | bytes) -> str:
    return picture if isinstance(picture, str) else new_key("in")


def _stored(piece: Piece, keys: Mapping[str, str]) -> dict[str, bytes]:
    """What has to be put into the object store for a piece: the pictures given as bytes, by their new keys."""
    return {keys[name]: picture for name, picture in piece.pictures.items() if isinstance(picture, bytes)}


def _delivery(request: Request, piece: Piece, job_id: str, cost: int, expires: float) -> Delivery:
    return Delivery(
        job_id=job_id,
        user_id=request.account.id,
        chat_id=request.address.chat_id,
        thread_id=request.address.thread_id,
        reply_to=piece.reply_to if piece.reply_to is not None else request.address.reply_to,
        bundle_id=request.bundle_id,
        units=piece.units,
        cost=cost,
        as_file=request.account.as_file,
        status_id=None,
        position=None,
        sending=None,
        sent=None,
        repeats=0,
        message_id=None,
        file_id=None,
        expires=expires,
    )
