"""Masterpieces have a scope of their own: keys that opened all kinds of work go on opening all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ALL = {"style", "swap", "anonymize", "lookalike", "faces", "moderate", "authenticity", "jobs"}


def upgrade() -> None:
    keys = sa.table("api_keys", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    connection = op.get_bind()
    for key_id, scopes in connection.execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if set(scopes) >= ALL:
            widened = sorted({*scopes, "masterpiece"})
            connection.execute(keys.update().where(keys.c.id == key_id).values(scopes=widened))
