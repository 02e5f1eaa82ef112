"""Who is still to get a broadcast is found among a hundred thousand who have it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_broadcast_recipients_waiting",
        "broadcast_recipients",
        ["broadcast_id", "user_id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
