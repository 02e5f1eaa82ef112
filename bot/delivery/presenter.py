"""Between delivery, which knows no words, and whoever puts answers into the person's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.delivery.messages import Outgoing
from bot.delivery.tables import Delivery
from serve_app.jobs.tables import Job


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job that has ended, where its answer goes, and the bytes of its result (none for a failed job)."""

    job: Job
    delivery: Delivery
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """``message`` is the answer: a picture for every parcel, in their order, or a text that answers them all.

    The request's status message is deleted then, and ``closing``, which may get lost, is sent below the answer.
    """

    message: Outgoing
    closing: Outgoing | None = None


class Presenter(Protocol):
    """Puts answers into words. The parcels of one call belong to one request, in the order it was made."""

    async def status(self, delivery: Delivery, position: int | None) -> Outgoing:
        """While somebody waits: ``position`` jobs are served before theirs (0: next), or None: the work has begun."""
        ...

    async def results(self, parcels: Sequence[Parcel]) -> Wrapping:
        """One picture, an album of several, or a text where the result is a document (``application/json``)."""
        ...

    async def failures(self, parcels: Sequence[Parcel]) -> Wrapping:
        """Why it did not work (``job.error["slug"]``); the credits are back already."""
        ...
