"""What people sent: updates seen, and photos until their time is over. Times are Unix seconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base


class Bundle(Base):
    """One request's photos: a single one, or an album whose parts came as separate updates.

    ``key`` gathers the parts. ``due`` is when an album is taken to be whole; ``prompted`` is when its owner was asked
    what to do with it, or its caption's order was placed: nothing joins it after that. Buttons name it by ``id`` for
    longer than it is there, so no number is given twice.
    """

    __tablename__ = "bundles"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(96), unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    thread_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int] = mapped_column(BigInteger)
    caption: Mapped[str] = mapped_column(String(1024))
    due: Mapped[float | None] = mapped_column(index=True)
    prompted: Mapped[float | None]
    expires: Mapped[float] = mapped_column(index=True)


class Upload(Base):
    """A photo of a bundle, keyed by the update that brought it."""

    __tablename__ = "uploads"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bundle_id: Mapped[int] = mapped_column(ForeignKey("bundles.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    width: Mapped[int]
    height: Mapped[int]


class SeenUpdate(Base):
    """An update that came in: being handled until ``until``, or ``done``."""

    __tablename__ = "seen_updates"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    done: Mapped[bool]
    until: Mapped[float]
    seen: Mapped[float] = mapped_column(index=True)


class WaitingUpdate(Base):
    """An update that was put aside, as it came (``body``), to be handled when it is ``due``.

    ``user_id`` is whose it is, where that is known. ``failures`` counts the attempts that are its own fault.
    """

    __tablename__ = "waiting_updates"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    money: Mapped[bool]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    failures: Mapped[int]
    due: Mapped[float] = mapped_column(index=True)
