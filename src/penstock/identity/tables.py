"""Accounts and what lets them in: tables of their own, in whatever database they are put into.

    accounts     who may log in; the role is a word that only the surface understands
    passkeys     public keys of WebAuthn credentials, several for each account
    externals    identities at OpenID providers, by issuer and subject
    sessions     who has logged in, where
    links        what works once: an invitation, a new password, the first account
    tokens       for machines
    throttle     failed log-ins by subject, bounded
    spent        signed tickets that were used, until they expire by themselves

Secrets are 256 random bits each and lie here as SHA-256, so that a copy of the database lets nobody
in; passwords lie as argon2id. Times are Unix time in seconds; 0 is never. Text is never NULL.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _times(*names: str) -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default="0") for name in names]


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),  # lower case
    *_text("name", "role", "password_hash"),  # empty hash: no log-in by password
    *_counts("is_invited"),  # somebody vouched for the address
    *_times("created_unix_s", "disabled_unix_s", "seen_unix_s"),
    UniqueConstraint("email", name="accounts_email"),
)

passkeys: Final = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),  # the credential's id in base64url
    *_text("account", "name"),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    *_counts("sign_count"),
    *_times("created_unix_s", "used_unix_s"),
    Index("passkeys_account", "account"),
)

externals: Final = Table(
    "externals",
    metadata,
    *_text("issuer", "subject", "account"),
    *_times("created_unix_s"),
    PrimaryKeyConstraint("issuer", "subject"),
    Index("externals_account", "account"),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("sha256", Text, primary_key=True),
    *_text("id", "account", "address", "device"),  # the id names it in lists and lets nobody in
    *_times("created_unix_s", "seen_unix_s", "expires_unix_s"),
    UniqueConstraint("id", name="sessions_id"),
    Index("sessions_account", "account"),
    Index("sessions_expires", "expires_unix_s"),
)

links: Final = Table(
    "links",
    metadata,
    Column("sha256", Text, primary_key=True),
    *_text("id", "purpose", "account", "email", "name", "role", "made_by"),
    *_times("created_unix_s", "expires_unix_s", "used_unix_s"),
    UniqueConstraint("id", name="links_id"),
    Index("links_purpose", "purpose", "email"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("sha256", Text, primary_key=True),
    *_text("name", "role", "hint", "made_by"),
    *_times("created_unix_s", "expires_unix_s", "revoked_unix_s", "used_unix_s"),
    UniqueConstraint("name", name="tokens_name"),
)

throttle: Final = Table(
    "throttle",
    metadata,
    Column("subject", Text, primary_key=True),
    *_counts("failures"),
    *_times("seen_unix_s", "until_unix_s"),
    Index("throttle_seen", "seen_unix_s"),
)

spent: Final = Table(
    "spent",
    metadata,
    Column("id", Text, primary_key=True),
    *_times("expires_unix_s"),
    Index("spent_expires", "expires_unix_s"),
)
