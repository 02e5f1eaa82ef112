"""Numbers of photos and saved faces are given once: buttons and orders go on naming them after the rows are gone.

PostgreSQL's sequences never gave one twice. SQLite, unless told otherwise, gives a new row the highest number there is
plus one, which can be that of a row removed before.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    # The table is made anew. With the old one go the uploads that refer to it, so they are put aside.
    op.execute("CREATE TEMPORARY TABLE kept_uploads AS SELECT * FROM uploads")
    for table in ("bundles", "identities"):
        with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
    op.execute("INSERT INTO uploads SELECT * FROM kept_uploads")
    op.execute("DROP TABLE kept_uploads")
