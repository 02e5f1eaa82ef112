"""The accounts' tables. Times are Unix seconds, days are UTC days, ``user_id`` is Telegram's (a positive number).

Where a person was deleted and a row must stay (payments, the counts behind the statistics), ``user_id`` is a random
negative number that leads back to nobody.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base


class User(Base):
    """A person and what they chose. ``language`` is what Telegram said at first contact until they choose another."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(String(16))
    banned: Mapped[bool]
    strength: Mapped[float]
    as_file: Mapped[bool]
    keep_history: Mapped[bool]
    plus_until: Mapped[float | None]
    created: Mapped[float]


class Wallet(Base):
    """The cached sums of a person's entries; its row is the lock that every movement of their credits holds."""

    __tablename__ = "wallets"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        CheckConstraint("debt >= 0", name="debt_not_negative"),
        CheckConstraint("quota_used >= 0", name="quota_not_negative"),
    )

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    balance: Mapped[int]
    debt: Mapped[int]
    quota_day: Mapped[date] = mapped_column(Date)
    quota_used: Mapped[int]


class Entry(Base):
    """One movement of credits; never changed, never removed while the account exists.

    ``credits`` changes the balance and ``debt`` what is owed after a refund of spent credits; ``quota`` changes what is
    left of ``day``'s quota. ``closes`` is the job whose reservation this entry ends: a job is settled or released once,
    whatever happens.
    """

    __tablename__ = "credit_entries"
    __table_args__ = (
        UniqueConstraint("kind", "reference", name="uq_credit_entries_kind_reference"),
        UniqueConstraint("closes", name="uq_credit_entries_closes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(Text)
    closes: Mapped[str | None] = mapped_column(String(32))
    credits: Mapped[int]
    debt: Mapped[int]
    quota: Mapped[int]
    day: Mapped[date] = mapped_column(Date)
    created: Mapped[float]


class Invoice(Base):
    """An offer made to one person. ``payload`` is all Telegram learns of it; price and goods hold as offered."""

    __tablename__ = "invoices"

    payload: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    product: Mapped[str] = mapped_column(String(16))
    stars: Mapped[int]
    credits: Mapped[int]
    created: Mapped[float]


class Payment(Base):
    """Stars that came in, keyed by Telegram's charge id. Kept when the account goes; ``paid`` is Telegram's own date.

    ``status`` is ``credited``, ``unmatched`` (paid, but nothing here says for what: the operator decides) or
    ``refunded``. ``repeated`` notes that the same invoice had been paid before.
    """

    __tablename__ = "payments"

    charge_id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    payload: Mapped[str] = mapped_column(String(128), index=True)
    product: Mapped[str] = mapped_column(String(16))
    stars: Mapped[int]
    credits: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    repeated: Mapped[bool]
    recurring: Mapped[bool]
    expires: Mapped[float | None]
    paid: Mapped[float] = mapped_column(index=True)
    refunded: Mapped[float | None]


class SubscriptionState(Base):
    """What Telegram last said of a subscription (``active``, ``canceled``, ``failed``), by its invoice."""

    __tablename__ = "subscriptions"

    payload: Mapped[str] = mapped_column(String(128), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    charge_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    changed: Mapped[float]


class Identity(Base):
    """A face somebody saved to swap with again: a name, and the object key of its crop.

    Buttons name it by ``id`` for longer than it is there, so no number is given twice.
    """

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("user_id", "name", name="uq_identities_user_id_name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64))
    created: Mapped[float]


class Activity(Base):
    """A day on which a person did something."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_day", "day"),)

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


class Event(Base):
    """Something notable that no other table tells of. ``detail`` is a short word of ours, never a person's text."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_kind_created", "kind", "created"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(String(64))
    created: Mapped[float]


class Remnant(Base):
    """What must outlive a deleted account, under a keyed hash: a ban, a debt and what the day's quota had left.

    Without it, deleting the account would lift a ban and fill the quota. A remnant with neither ban nor debt goes with
    its day.
    """

    __tablename__ = "remnants"

    pseudonym: Mapped[str] = mapped_column(String(64), primary_key=True)
    banned: Mapped[bool]
    debt: Mapped[int]
    quota_day: Mapped[date] = mapped_column(Date)
    quota_used: Mapped[int]
