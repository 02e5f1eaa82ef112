"""The ledger's one table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base

BEGUN = "started IS NOT NULL"


class Job(Base):
    """One promise. ``inputs`` and ``result`` name objects in the object store, never pixels.

    ``turn`` orders the queue fairly between owners; ``lease`` is the token of whoever works on the job until
    ``lease_until``; ``progress`` (0..1) is the share done of long work; ``dedupe`` is what makes a repeated request the
    same job. Jobs of one ``batch`` were ordered together and are delivered together. Times are Unix seconds.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state_turn", "state", "turn"),
        Index("ix_jobs_channel_finished", "channel", "finished"),
        Index("ix_jobs_begun_turn", "turn", sqlite_where=text(BEGUN), postgresql_where=text(BEGUN)),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(16))
    owner: Mapped[str] = mapped_column(String(64), index=True)
    dedupe: Mapped[str | None] = mapped_column(String(128), unique=True)
    batch: Mapped[str | None] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16))
    turn: Mapped[int] = mapped_column(BigInteger)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    inputs: Mapped[dict[str, str]] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    progress: Mapped[float | None]
    attempts: Mapped[int]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[float | None]
    created: Mapped[float]
    started: Mapped[float | None]
    finished: Mapped[float | None]
    delivered: Mapped[float | None]

    @property
    def token(self) -> str:
        """What its worker shows with every call about a claimed job. Raises ``ValueError`` of one that nobody claimed."""
        if self.lease is None:
            raise ValueError(f"job {self.id} is nobody's")
        return self.lease
