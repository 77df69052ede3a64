"""The account by which the status page sees that people can come in and are answered.

Made at the start, beside everybody's sign-up, so that it is there where nobody may sign up. Its
password lies in the state directory (0600): whoever can read that file can read the database too.
A lost file, or a lost account, is made anew. It is of the tier standard: what it is to show is
whether the chat works, not how long the free wait.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from penstock.apps.chat import memberships
from penstock.apps.chat.identity import Identity, Role
from penstock.config.chatting import PROBE_FILE, PROBE_USER
from penstock.core.errors import PenstockError
from penstock.identity import accounts
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.keys import kept_key
from penstock.telemetry import log

NAME: Final = "Status page"
TIER: Final = "standard"


def keep(identity: Identity, state_dir: Path, now_unix_s: float) -> None:
    """See that the account is there; where that cannot be now, the chat starts all the same."""
    try:
        ensure(identity, state_dir, now_unix_s)
    except (PenstockError, SQLAlchemyError, OSError) as error:
        log.warn("no_account_for_probes", reason=str(error))


def ensure(identity: Identity, state_dir: Path, now_unix_s: float) -> None:
    """Have the account let in whoever has the file's password; raises StoreError."""
    password = kept_key(state_dir / PROBE_FILE).hex()
    with identity.rows.reading() as connection:
        account = accounts.by_email(connection, PROBE_USER)
        kept = accounts.password_hash(connection, account.id) if account is not None else ""
    if kept and identity.hasher.is_right(kept, password):
        return
    hashed = identity.hasher.hash(password)
    with identity.rows.writing(is_durable=True) as connection:
        if account is None:
            _made(connection, hashed, now_unix_s)
        else:
            accounts.set_password(connection, account.id, hashed)


def _made(connection: Connection, hashed: str, now_unix_s: float) -> Account:
    new = NewAccount(PROBE_USER, NAME, Role.PERSON.value, hashed)
    account = accounts.create(connection, new, now_unix_s)
    memberships.begin(connection, account.id, now_unix_s)
    memberships.set_tier(connection, account.id, TIER)
    return account
