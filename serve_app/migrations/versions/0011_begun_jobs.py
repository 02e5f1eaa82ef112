"""The last turn that has come is found at once, whatever became of its job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    begun = sa.text("started IS NOT NULL")
    op.create_index("ix_jobs_begun_turn", "jobs", ["turn"], sqlite_where=begun, postgresql_where=begun)
