"""The ids of Stars charges have the length that Telegram gives them: it names no limit, and some are longer than 128.

SQLite never held a text to its length.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

COLUMNS = (("payments", "charge_id"), ("subscriptions", "charge_id"), ("credit_entries", "reference"))


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, column in COLUMNS:
        op.alter_column(table, column, type_=sa.Text, existing_nullable=False)
