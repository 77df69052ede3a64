"""Identity as the chat uses it: its own accounts in its own database, its own secrets.

chat.tickets.key   in the state directory (0600): signs what browsers hold for us between two
                   requests, and what they are known by

roles   person: has an account; admin: may look after accounts too; guest: nobody knows who, for a
        day. A guest's account has no address: its id stands there
"""

import enum
from pathlib import Path
from typing import Final

import argon2

from penstock.config import load
from penstock.config.chatting import Chat
from penstock.identity.keys import kept_key
from penstock.identity.oidc import Client
from penstock.identity.passkeys import Party, host_of
from penstock.identity.passwords import Hasher
from penstock.identity.rows import Rows
from penstock.identity.sessions import Terms
from penstock.identity.tickets import Tickets

COOKIE: Final = "penstock_chat"
TICKETS_KEY: Final = "chat.tickets.key"
DAY_S: Final = 86_400.0
GUEST: Final = Terms(DAY_S, DAY_S)
# OWASP's second choice for argon2id: as hard to guess as RFC 9106's of 64 MiB for whoever has the
# database, and a fifth of the time, of which a public door has to have enough.
PARAMETERS: Final = argon2.Parameters(
    type=argon2.Type.ID,
    version=19,  # 1.3, RFC 9106
    salt_len=16,
    hash_len=32,
    time_cost=2,
    memory_cost=19 * 1024,
    parallelism=1,
)


class Role(enum.Enum):
    """What an account is."""

    PERSON = "person"
    ADMIN = "admin"
    GUEST = "guest"


class Identity:
    """Put together once, at the start. May be shared by threads."""

    cookie = COOKIE

    def __init__(self, chat: Chat, rows: Rows, state_dir: Path) -> None:
        self.rows = rows
        self.hasher = Hasher(PARAMETERS)
        self.tickets = Tickets(kept_key(state_dir / TICKETS_KEY))
        self.terms = Terms(chat.session_idle_days * DAY_S, chat.session_days * DAY_S)
        self.client: Client | None = None
        self._name = chat.name
        oidc = chat.oidc
        if oidc.issuer:
            secret = load.referenced(
                oidc.client_secret_env, oidc.client_secret_file, "the secret of [chat.oidc]"
            )
            self.client = Client(oidc.issuer, oidc.client_id, secret)

    def party(self, origin: str) -> Party:
        """Return who asks for passkeys at an origin."""
        return Party(host_of(origin), origin, self._name)
