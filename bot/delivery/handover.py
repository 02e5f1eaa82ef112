"""Handing one request's answers over, so that a crash at any point loses none and charges none twice.

Before a message leaves, the intent is recorded; after it arrived, the delivery is, together with the settlement of the
job's credits. A crash in between can make a picture arrive twice (``Delivery.repeats`` counts that). What cannot be
delivered is not charged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts import events
from bot.accounts.credits import Credits
from bot.accounts.events import EventKind
from bot.delivery.messages import Address, Flooded, NoPictures, NotSent, Outgoing, Rejected, Sender, Sent, Unreachable
from bot.delivery.presenter import Parcel, Presenter, Wrapping
from bot.delivery.tables import Delivery
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore

log = logging.getLogger(__name__)

Present = Callable[[Sequence[Parcel]], Awaitable[Wrapping]]

GIVE_UP_S = 24 * 3600.0
LONGEST_PAUSE_S = 300.0

UNDELIVERABLE = {"slug": "undeliverable", "message": "The answer could not be delivered.", "status": 410}
GONE = {"slug": "expired", "message": "The result is no longer here.", "status": 410}
NO_PICTURES = {"slug": "no-pictures", "message": "This group lets nobody send pictures.", "status": 403}
REJECTED = {"slug": "internal", "message": "Telegram does not take this result.", "status": 500}


class Handover:
    """Answers claimed jobs. A job whose lease is lost meanwhile is somebody else's to answer."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        sender: Sender,
        presenter: Presenter,
        credits: Credits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._objects = objects
        self._sender = sender
        self._presenter = presenter
        self._credits = credits
        self._clock = clock

    async def answer(self, jobs: Sequence[Job]) -> None:
        """Send the results and the failures of one request's jobs, which are claimed for delivery."""
        statement = select(Delivery).where(Delivery.job_id.in_([job.id for job in jobs]))
        async with self._sessions() as session:
            slips = {slip.job_id: slip for slip in (await session.execute(statement)).scalars()}
        # Without a slip, the account went while the work was going on.
        await self._give_up([job for job in jobs if job.id not in slips])
        parcels = [Parcel(job, slips[job.id]) for job in jobs if job.id in slips]
        done = await self._with_results([parcel for parcel in parcels if parcel.job.state == State.DONE])
        failed = [parcel for parcel in parcels if parcel.job.state == State.FAILED]
        answers = [
            await self._hand_over(part, present)
            for part, present in ((done, self._presenter.results), (failed, self._presenter.failures))
            if part
        ]
        closing = next((answer.closing for answer in answers if answer is not None), None)
        # What can be done next waits for nothing that is still to come; that there is nothing to wait for does.
        if closing is not None or (answers and None not in answers):
            await self._close(parcels, closing)

    async def put_off(self, jobs: Sequence[Job], seconds: float) -> None:
        """Let go of claimed jobs; they may be claimed again after so long."""
        async with self._sessions.begin() as session:
            for job in jobs:
                await self._ledger.postpone(session, job.id, job.token, seconds)

    async def _with_results(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """The parcels with the bytes of their results; a job whose result is gone has failed and will be told as such."""
        whole: list[Parcel] = []
        for parcel in parcels:
            try:
                data = await asyncio.to_thread(self._objects.get, (parcel.job.result or {})["key"])
            except KeyError:
                await self._fail([parcel.job], GONE)
            else:
                whole.append(replace(parcel, data=data))
        return whole

    async def _hand_over(self, parcels: Sequence[Parcel], present: Present) -> Wrapping | None:
        """Send one message about these parcels; None when it did not arrive, as far as is known."""
        parcels = await self._intend(parcels)
        jobs = [parcel.job for parcel in parcels]
        if not parcels:
            return None
        try:
            wrapping = await present(parcels)
            sent = await self._sender.send(_address(parcels[0].delivery), wrapping.message)
        except Unreachable as error:
            log.info("nobody takes the answer of %s: %s", jobs[0].id, error)
            await self._give_up(jobs)
        except NoPictures:
            await self._fail(jobs, NO_PICTURES)
        except Rejected:
            log.exception("Telegram does not take the answer of %s", jobs[0].id)
            await self._fail(jobs, REJECTED)
        except Flooded as error:
            await self._not_sent(parcels)
            await self.put_off(jobs, error.retry_after)
        except Exception as error:
            log.warning("the answer of %s may not have arrived", jobs[0].id, exc_info=not isinstance(error, NotSent))
            await self._later(jobs)
        else:
            if await self._record(parcels, sent):
                return wrapping
            # Their owner had everything deleted while this was on its way, and nothing comes after that.
            for message_id in sent.message_ids:
                await self._sender.remove(parcels[0].delivery.chat_id, message_id)
        return None

    async def _intend(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Record that these are about to be sent, and give failed jobs' credits back; returns those still ours."""
        ours: list[Parcel] = []
        async with self._sessions.begin() as session:
            for parcel in parcels:
                if not await self._ledger.renew(session, parcel.job.id, parcel.job.token):
                    continue
                slip = await session.get(Delivery, parcel.job.id)
                if slip is None:
                    continue
                if slip.sending is not None:
                    slip.repeats += 1
                slip.sending = self._clock()
                ours.append(replace(parcel, delivery=slip))
            # Wallets are locked after all the jobs, here and below, as everybody does who has to do with both.
            for parcel in ours:
                if parcel.job.state == State.FAILED:
                    await self._credits.release(session, parcel.job.id)
        return ours

    async def _not_sent(self, parcels: Sequence[Parcel]) -> None:
        """Telegram refused for the time being: whoever sends these next does not repeat anything."""
        async with self._sessions.begin() as session:
            ids = [parcel.job.id for parcel in parcels]
            await session.execute(update(Delivery).where(Delivery.job_id.in_(ids)).values(sending=None))

    async def _record(self, parcels: Sequence[Parcel], sent: Sent) -> bool:
        """These have arrived: the jobs are delivered and their credits spent, in one transaction.

        False when their owner's account is gone.
        """
        now = self._clock()
        delivered: list[tuple[Job, Delivery]] = []
        known = False
        async with self._sessions.begin() as session:
            for index, parcel in enumerate(parcels):
                slip = await session.get(Delivery, parcel.job.id)
                known = known or slip is not None
                if slip is None or not await self._ledger.deliver(session, parcel.job.id, parcel.job.token):
                    continue
                slip.sent, slip.sending = now, None
                slip.message_id = sent.message_ids[min(index, len(sent.message_ids) - 1)]
                slip.file_id = sent.file_ids[index] if index < len(sent.file_ids) else None
                slip.as_file = sent.as_file
                delivered.append((parcel.job, slip))
            for job, slip in delivered:
                if job.state == State.DONE:
                    await self._credits.settle(session, job.id, used=_used(job, slip))
        for parcel in parcels if known else ():
            _log(parcel, now)
        return known

    async def _later(self, jobs: Sequence[Job]) -> None:
        """Try again after a pause that grows with the attempts, but not for ever."""
        if self._clock() - (jobs[0].finished or 0.0) > GIVE_UP_S:
            await self._give_up(jobs)
        else:
            await self.put_off(jobs, min(LONGEST_PAUSE_S, 2.0 ** min(jobs[0].attempts, 16)))

    async def _give_up(self, jobs: Sequence[Job]) -> None:
        """There is nobody to take these: nothing is charged, and nobody tries again."""
        ours: list[Job] = []
        async with self._sessions.begin() as session:
            for job in jobs:
                lease = job.token
                if job.state == State.FAILED:
                    ended = await self._ledger.deliver(session, job.id, lease)
                else:
                    ended = await self._ledger.undeliverable(session, job.id, lease, UNDELIVERABLE)
                if ended:
                    ours.append(job)
                    slip = await session.get(Delivery, job.id)
                    if slip is not None:
                        events.record(session, slip.user_id, EventKind.UNREACHABLE, self._clock())
            for job in ours:
                await self._credits.release(session, job.id)

    async def _fail(self, jobs: Sequence[Job], error: dict[str, Any]) -> None:
        """There is no result to deliver after all, which is news to deliver; a failure that cannot be told stays untold."""
        async with self._sessions.begin() as session:
            for job in jobs:
                if job.state == State.FAILED:
                    await self._ledger.deliver(session, job.id, job.token)
                else:
                    await self._ledger.fail(session, job.id, job.token, error)
                await session.execute(update(Delivery).where(Delivery.job_id == job.id).values(sending=None))

    async def _close(self, parcels: Sequence[Parcel], closing: Outgoing | None) -> None:
        """Take the request's status message away, and say the closing words below what has come."""
        mine = Delivery.job_id.in_([parcel.job.id for parcel in parcels])
        async with self._sessions.begin() as session:
            # Read only now: quick work can be done before its status message was even recorded.
            statement = select(Delivery.status_id).where(mine, Delivery.status_id.is_not(None)).limit(1)
            status = (await session.execute(statement)).scalar_one_or_none()
            await session.execute(update(Delivery).where(mine).values(status_id=None))
        slip = parcels[0].delivery
        with contextlib.suppress(NotSent):
            if status is not None:
                await self._sender.remove(slip.chat_id, status)
            if closing is not None:
                await self._sender.send(replace(_address(slip), reply_to=None), closing)


def _log(parcel: Parcel, now: float) -> None:
    """One line per job; times in seconds."""
    job = parcel.job
    facts = {
        "job": job.id,
        "kind": job.kind,
        "outcome": (job.error or {}).get("slug", "failed") if job.state == State.FAILED else "delivered",
        "queue_s": round((job.started or job.created) - job.created, 3),
        "work_s": round((job.finished or now) - (job.started or job.created), 3),
        "delivery_s": round(now - (job.finished or now), 3),
        "repeats": parcel.delivery.repeats,
    }
    log.info("job", extra=facts)


def _address(slip: Delivery) -> Address:
    return Address(slip.chat_id, slip.thread_id, slip.reply_to)


def _used(job: Job, slip: Delivery) -> int | None:
    """What of the reserved credits was earned: each of the result's notes names a unit that could not be done."""
    undone = len((job.result or {}).get("notes", ()))
    return None if undone == 0 else slip.cost - slip.cost * min(undone, slip.units) // slip.units
