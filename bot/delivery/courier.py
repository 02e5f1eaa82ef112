"""Takes finished jobs to the people who wait for them, exactly once wherever a crash allows it to be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.credits import Credits
from bot.delivery.messages import Outgoing, Sender
from bot.delivery.tables import Delivery
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished job, where its answer goes, and the bytes of its result (empty for a failed job)."""

    job: Job
    delivery: Delivery
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """``message`` is the answer. ``closing`` replaces the request's status message afterwards (best effort); None deletes it."""

    message: Outgoing
    closing: Outgoing | None = None


class Presenter(Protocol):
    """Puts answers into the person's words. The parcels of one call belong to one request, in the order it was made."""

    async def results(self, parcels: tuple[Parcel, ...]) -> Wrapping:
        """One picture, an album of several, or a text where the result is a document (``application/json``)."""
        ...

    async def failures(self, parcels: tuple[Parcel, ...]) -> Wrapping:
        """Why it did not work (``job.error["slug"]``); the credits are back already."""
        ...


@dataclass(slots=True)
class Tally:
    """What a courier did since it started. ``repeats`` are pictures that may have arrived twice."""

    delivered: int = 0
    told: int = 0
    undeliverable: int = 0
    repeats: int = 0


class Courier:
    """Delivers the results of one channel. Several may run anywhere; the ledger hands each job to one of them."""

    tally: Tally

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        sender: Sender,
        presenter: Presenter,
        credits: Credits,
        *,
        channel: str,
        hands: int = 8,
    ) -> None:
        """``hands`` is how many people are served at a time; one person's answers come one after the other."""

    def notice(self) -> None:
        """A job has finished: look now instead of at the next poll."""

    async def run(self) -> None:
        """Deliver until cancelled; a message already on its way is recorded first (see :meth:`drain`)."""

    async def deliver_once(self) -> bool:
        """Deliver one request's answers. False when there was none to deliver."""
        raise NotImplementedError
