"""Where answers go and how far they got, announcements, and the files Telegram already has. Times are Unix seconds."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base


class Delivery(Base):
    """Where a job's answer goes, and how far it got.

    ``sending`` is set before a message leaves and ``sent`` after it arrived; found set and not sent by whoever takes
    over, it means that the picture may arrive twice: ``repeats`` counts those. ``file_id`` is Telegram's name for the
    result, good for sending it again in the same way: as a photo, or ``as_file``.

    ``status_id`` is the message that tells the owner of the queue; ``position`` is what it said last (None: that the work
    has begun; -1 without a message: it is on its way). ``cost`` is what was reserved for the job's ``units``: pictures, or
    faces.
    """

    __tablename__ = "deliveries"

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    thread_id: Mapped[int | None] = mapped_column(BigInteger)
    reply_to: Mapped[int | None] = mapped_column(BigInteger)
    bundle_id: Mapped[int | None]
    units: Mapped[int]
    cost: Mapped[int]
    as_file: Mapped[bool]
    status_id: Mapped[int | None] = mapped_column(BigInteger)
    position: Mapped[int | None]
    sending: Mapped[float | None]
    sent: Mapped[float | None]
    repeats: Mapped[int]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    file_id: Mapped[str | None] = mapped_column(String(256))
    expires: Mapped[float] = mapped_column(index=True)


class Broadcast(Base):
    """A message of an operator's chat for everybody; ``origin`` is the update that ordered it."""

    __tablename__ = "broadcasts"

    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(String(64), unique=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[float]
    finished: Mapped[float | None]


class RecipientState(StrEnum):
    """``SENDING`` that lasts means that nobody knows whether the message arrived."""

    WAITING = "waiting"
    SENDING = "sending"
    REACHED = "reached"
    GONE = "gone"
    FAILED = "failed"


class Recipient(Base):
    """Somebody who gets a broadcast, until it is finished; in their ``state`` ``since`` then."""

    __tablename__ = "broadcast_recipients"
    __table_args__ = (
        # Whose turn it is: looked up once for everybody, so never by a walk past those who have it already.
        Index(
            "ix_broadcast_recipients_waiting",
            "broadcast_id",
            "user_id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[float]


class StoredFile(Base):
    """A picture of ours (a style's preview, say) that Telegram already has, by what it is."""

    __tablename__ = "stored_files"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    file_id: Mapped[str] = mapped_column(String(256))
