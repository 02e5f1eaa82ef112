"""Jobs that ended long ago are found among those that did not."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("ix_jobs_channel_finished", "jobs", ["channel", "finished"])
