"""Accounts, passkeys, external identities, sessions, links, tokens, throttle, spent tickets."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float(53), nullable=False, server_default="0") for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in names]


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def upgrade() -> None:
    """Make the tables."""
    _people()
    op.create_table(
        "links",
        _key("sha256"),
        *_text("id", "purpose", "account", "email", "name", "role", "made_by"),
        *_times("created_unix_s", "expires_unix_s", "used_unix_s"),
        sa.UniqueConstraint("id", name="links_id"),
        sa.Index("links_purpose", "purpose", "email"),
    )
    op.create_table(
        "tokens",
        _key("sha256"),
        *_text("name", "role", "hint", "made_by"),
        *_times("created_unix_s", "expires_unix_s", "revoked_unix_s", "used_unix_s"),
        sa.UniqueConstraint("name", name="tokens_name"),
    )
    op.create_table(
        "throttle",
        _key("subject"),
        *_counts("failures"),
        *_times("seen_unix_s", "until_unix_s"),
        sa.Index("throttle_seen", "seen_unix_s"),
    )
    op.create_table(
        "spent",
        _key("id"),
        *_times("expires_unix_s"),
        sa.Index("spent_expires", "expires_unix_s"),
    )


def _people() -> None:
    op.create_table(
        "accounts",
        _key("id"),
        sa.Column("email", sa.Text, nullable=False),
        *_text("name", "role", "password_hash"),
        *_counts("is_invited"),
        *_times("created_unix_s", "disabled_unix_s", "seen_unix_s"),
        sa.UniqueConstraint("email", name="accounts_email"),
    )
    op.create_table(
        "passkeys",
        _key("id"),
        *_text("account", "name"),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        *_counts("sign_count"),
        *_times("created_unix_s", "used_unix_s"),
        sa.Index("passkeys_account", "account"),
    )
    op.create_table(
        "externals",
        *_text("issuer", "subject", "account"),
        *_times("created_unix_s"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
        sa.Index("externals_account", "account"),
    )
    op.create_table(
        "sessions",
        _key("sha256"),
        *_text("id", "account", "address", "device"),
        *_times("created_unix_s", "seen_unix_s", "expires_unix_s"),
        sa.UniqueConstraint("id", name="sessions_id"),
        sa.Index("sessions_account", "account"),
        sa.Index("sessions_expires", "expires_unix_s"),
    )
