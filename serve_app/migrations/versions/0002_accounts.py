"""Accounts, credits and payments, deliveries, and what the bot remembers between messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("batch", sa.String(64), nullable=True))
    op.add_column("jobs", sa.Column("started", sa.Double, nullable=True))
    op.add_column("jobs", sa.Column("delivered", sa.Double, nullable=True))
    op.create_index("ix_jobs_batch", "jobs", ["batch"])
    _people()
    _money()
    _statistics()
    _photos()
    _deliveries()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("banned", sa.Boolean, nullable=False),
        sa.Column("strength", sa.Double, nullable=False),
        sa.Column("as_file", sa.Boolean, nullable=False),
        sa.Column("keep_history", sa.Boolean, nullable=False),
        sa.Column("plus_until", sa.Double, nullable=True),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        _to_users("identities"),
        sa.UniqueConstraint("user_id", "name", name="uq_identities_user_id_name"),
    )
    op.create_table(
        "remnants",
        sa.Column("pseudonym", sa.String(64), primary_key=True),
        sa.Column("banned", sa.Boolean, nullable=False),
        sa.Column("debt", sa.Integer, nullable=False),
        sa.Column("quota_day", sa.Date, nullable=False),
        sa.Column("quota_used", sa.Integer, nullable=False),
    )


def _money() -> None:
    op.create_table(
        "wallets",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("balance", sa.Integer, nullable=False),
        sa.Column("debt", sa.Integer, nullable=False),
        sa.Column("quota_day", sa.Date, nullable=False),
        sa.Column("quota_used", sa.Integer, nullable=False),
        _to_users("wallets"),
        sa.CheckConstraint("balance >= 0", name="ck_wallets_balance_not_negative"),
        sa.CheckConstraint("debt >= 0", name="ck_wallets_debt_not_negative"),
        sa.CheckConstraint("quota_used >= 0", name="ck_wallets_quota_not_negative"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(128), nullable=False),
        sa.Column("closes", sa.String(32), nullable=True),
        sa.Column("credits", sa.Integer, nullable=False),
        sa.Column("debt", sa.Integer, nullable=False),
        sa.Column("quota", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        _to_users("credit_entries"),
        sa.UniqueConstraint("kind", "reference", name="uq_credit_entries_kind_reference"),
        sa.UniqueConstraint("closes", name="uq_credit_entries_closes"),
    )
    op.create_index("ix_credit_entries_user_id", "credit_entries", ["user_id"])
    op.create_table(
        "invoices",
        sa.Column("payload", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.String(16), nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.Column("credits", sa.Integer, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        _to_users("invoices"),
    )
    op.create_index("ix_invoices_user_id", "invoices", ["user_id"])
    op.create_table(
        "payments",
        sa.Column("charge_id", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.String(128), nullable=False),
        sa.Column("product", sa.String(16), nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.Column("credits", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("repeated", sa.Boolean, nullable=False),
        sa.Column("recurring", sa.Boolean, nullable=False),
        sa.Column("expires", sa.Double, nullable=True),
        sa.Column("paid", sa.Double, nullable=False),
        sa.Column("refunded", sa.Double, nullable=True),
    )
    for column in ("user_id", "payload", "paid"):
        op.create_index(f"ix_payments_{column}", "payments", [column])
    op.create_table(
        "subscriptions",
        sa.Column("payload", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("charge_id", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        _to_users("subscriptions"),
    )
    op.create_index("ix_subscriptions_user_id", "subscriptions", ["user_id"])


def _statistics() -> None:
    op.create_table(
        "activity",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
    )
    op.create_index("ix_activity_day", "activity", ["day"])
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.String(64), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_index("ix_events_user_id", "events", ["user_id"])
    op.create_index("ix_events_kind_created", "events", ["kind", "created"])


def _photos() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(96), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("thread_id", sa.BigInteger, nullable=True),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("caption", sa.String(1024), nullable=False),
        sa.Column("due", sa.Double, nullable=True),
        sa.Column("prompted", sa.Double, nullable=True),
        sa.Column("expires", sa.Double, nullable=False),
        sa.UniqueConstraint("key", name="uq_bundles_key"),
    )
    for column in ("user_id", "due", "expires"):
        op.create_index(f"ix_bundles_{column}", "bundles", [column])
    op.create_table(
        "uploads",
        sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bundle_id", sa.Integer, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["bundle_id"], ["bundles.id"], name="fk_uploads_bundle_id_bundles", ondelete="CASCADE"),
        sa.UniqueConstraint("key", name="uq_uploads_key"),
    )
    op.create_index("ix_uploads_bundle_id", "uploads", ["bundle_id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("thread_id", sa.BigInteger, nullable=True),
        sa.Column("reply_to", sa.BigInteger, nullable=True),
        sa.Column("bundle_id", sa.Integer, nullable=True),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("cost", sa.Integer, nullable=False),
        sa.Column("as_file", sa.Boolean, nullable=False),
        sa.Column("status_id", sa.BigInteger, nullable=True),
        sa.Column("position", sa.Integer, nullable=True),
        sa.Column("sending", sa.Double, nullable=True),
        sa.Column("sent", sa.Double, nullable=True),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=True),
        sa.Column("file_id", sa.String(256), nullable=True),
        sa.Column("expires", sa.Double, nullable=False),
    )
    op.create_index("ix_deliveries_user_id", "deliveries", ["user_id"])
    op.create_index("ix_deliveries_expires", "deliveries", ["expires"])
    op.create_table(
        "seen_updates",
        sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
    )
    op.create_index("ix_seen_updates_seen", "seen_updates", ["seen"])
    op.create_table(
        "rate_buckets",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("arrival", sa.Double, nullable=False),
    )
    op.create_table(
        "stored_files",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("file_id", sa.String(256), nullable=False),
    )


def _to_users(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id_users", ondelete="CASCADE")


def downgrade() -> None:
    for table in (
        *("stored_files", "rate_buckets", "seen_updates", "deliveries", "uploads", "bundles", "events", "activity"),
        *("subscriptions", "payments", "invoices", "credit_entries", "wallets", "remnants", "identities", "users"),
    ):
        op.drop_table(table)
    op.drop_index("ix_jobs_batch", "jobs")
    for column in ("batch", "started", "delivered"):
        op.drop_column("jobs", column)
