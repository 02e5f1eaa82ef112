"""Updates that take long or have to come again wait here, and hold up none that come after them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "waiting_updates",
        sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=True),
        sa.Column("money", sa.Boolean, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
    )
    for column in ("user_id", "due"):
        op.create_index(f"ix_waiting_updates_{column}", "waiting_updates", [column])
