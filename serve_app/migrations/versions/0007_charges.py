"""The ids of Stars charges have the length that Telegram gives them: it names no limit, and some are longer than 128."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

COLUMNS = (("payments", "charge_id"), ("subscriptions", "charge_id"), ("credit_entries", "reference"))


def upgrade() -> None:
    for table, column in COLUMNS:
        # SQLite makes the tables anew; nothing refers to them, so nothing goes with the old ones.
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, type_=sa.Text, existing_nullable=False)
