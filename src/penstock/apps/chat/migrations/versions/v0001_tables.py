"""The first tables. Written by docs/first_migration.py."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _column(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _text(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), "") for name in names.split()]


def _counts(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.BigInteger(), "0") for name in names.split()]


def _floats(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Float(53), "0") for name in names.split()]


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("number", ROW_ID, nullable=False, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        *_text("account title model system_prompt leaf"),
        *_counts("is_titled"),
        *_floats("pinned_unix_s created_unix_s updated_unix_s"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "conversations_list", "conversations", ["account", "pinned_unix_s", "updated_unix_s", "id"]
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("number", ROW_ID, nullable=False, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        *_text("""conversation account parent role state text reasoning model answered_model
upstream marks error finish"""),
        *_counts("input_tokens output_tokens"),
        *_floats("created_unix_s first_unix_s ended_unix_s"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("messages_account", "messages", ["account"])
    op.create_index("messages_conversation", "messages", ["conversation", "parent"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("message", sa.Text, nullable=False),
        *_text("account conversation model tier idempotency_key"),
        *_counts("tries base_units"),
        *_floats("created_unix_s asked_unix_s retry_unix_s"),
        sa.PrimaryKeyConstraint("message"),
    )
    op.create_index("jobs_account", "jobs", ["account", "conversation"])
    op.create_index("jobs_created", "jobs", ["created_unix_s"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, nullable=False),
        *_text("account message kind data"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("events_account", "events", ["account", "seq"])


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Text, nullable=False),
        *_text("account conversation message name kind sha256"),
        *_counts("bytes pages width height position"),
        *_floats("created_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("files_account", "files", ["account"])
    op.create_index("files_conversation", "files", ["conversation"])
    op.create_index("files_message", "files", ["message"])


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("account", sa.Text, nullable=False),
        *_text("tier person settings"),
        *_counts("is_guest day day_messages"),
        *_floats("created_unix_s"),
        sa.PrimaryKeyConstraint("account"),
    )


def _kept() -> None:
    op.create_table(
        "kept",
        sa.Column("name", sa.Text, nullable=False),
        *_text("document"),
        *_floats("updated_unix_s"),
        sa.PrimaryKeyConstraint("name"),
    )


def upgrade() -> None:
    """Make the tables."""
    _conversations()
    _messages()
    _jobs()
    _events()
    _files()
    _memberships()
    _kept()
