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
        open_photo: OpenPhoto,
        *,
        keep_s: float,
        history_keep_s: float,
        max_unfinished: int = 20,
        gather_s: float = 1.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``open_photo`` is :meth:`serve_app.pipeline.Pipeline.open`."""

    async def keep(self, account: Account, incoming: Incoming) -> Bundle:
        """Check a photo and store it, without metadata, under its update; a repeated update changes nothing.

        A single photo's bundle is whole at once (``due`` is None). An album's is not: :meth:`whole` hands it out when
        its parts have come. Raises what :meth:`Photo.open` raises.
        """
        raise NotImplementedError

    async def whole(self) -> Bundle | None:
        """Take the next album whose parts have all come; None when there is none. Handed to one caller at a time.

        Whoever took it asks its owner what to do (or orders what its caption says) and calls :meth:`prompted`; without
        that, it is handed out again a minute later.
        """
        raise NotImplementedError

    async def prompted(self, bundle_id: int) -> None:
        """The owner of these photos was asked. Parts that come later are a bundle of their own."""

    async def bundle(self, bundle_id: int, user_id: int) -> tuple[Bundle, tuple[Kept, ...]]:
        """A person's photos, in the order they were sent. Raises :class:`Expired`; other people's are as good as gone."""
        raise NotImplementedError

    async def order(self, request: Request) -> Accepted:
        """Record the jobs and reserve what they cost, all or nothing; repeated, it returns what was accepted first.

        Raises ``InsufficientCredits``, :class:`AlbumTooLarge`, :class:`QueueFull`; then nothing was recorded.
        """
        raise NotImplementedError

    async def cancel(self, user_id: int, job_ids: Sequence[str]) -> int:
        """Withdraw those of a person's jobs that are not finished and give their credits back; returns how many."""
        raise NotImplementedError
