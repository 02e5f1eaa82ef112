"""Jobs that an earlier release forgot keep of what went wrong its kind alone, as those do that are forgotten now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# A job has inputs until it is forgotten.
FORGOTTEN = "{}"
AT_ONCE = 1000


def upgrade() -> None:
    jobs = sa.table("jobs", sa.column("id", sa.String), sa.column("inputs", sa.JSON), sa.column("error", sa.JSON))
    told = jobs.c.error.is_not(None), sa.cast(jobs.c.inputs, sa.String) == FORGOTTEN
    connection = op.get_bind()
    last = ""
    while True:
        portion = sa.select(jobs.c.id, jobs.c.error).where(*told, jobs.c.id > last).order_by(jobs.c.id).limit(AT_ONCE)
        if not (rows := connection.execute(portion).all()):
            return
        for job_id, error in rows:
            if error is not None and error.keys() != {"slug"}:
                connection.execute(jobs.update().where(jobs.c.id == job_id).values(error={"slug": error["slug"]}))
        last = rows[-1].id
