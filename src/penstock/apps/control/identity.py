"""Identity as control uses it: its secrets in the state directory, its terms, the first link.

control.tickets.key   signs what browsers hold for us between two requests (0600)
operator.key          signs operators' tokens (0600); the public part in ``run/operator.pub``
first-link            lets one person become the first owner, until that has happened (0600)
"""

import threading
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection

from penstock.config import load, private_file
from penstock.config.operations import Control
from penstock.core.errors import StoreError
from penstock.identity import accounts, links, signing
from penstock.identity.errors import LinkError
from penstock.identity.keys import kept_key
from penstock.identity.links import Link
from penstock.identity.migrate import migrate
from penstock.identity.oidc import Client
from penstock.identity.passkeys import Party, host_of
from penstock.identity.passwords import Hasher
from penstock.identity.rows import Rows
from penstock.identity.sessions import Terms
from penstock.identity.signing import Claim, Ring, Signed
from penstock.identity.tickets import Tickets
from penstock.web.site import Site

CONSOLE: Final = "console.localhost"  # its own name, on one machine
OWNER: Final = "owner"
COOKIE: Final = "penstock_control"
TICKETS_KEY: Final = "control.tickets.key"
SIGNING_KEY: Final = "operator.key"
PUBLIC_KEYS: Final = Path("run") / "operator.pub"
FIRST_LINK: Final = "first-link"
ISSUER: Final = "penstock-control"
AUDIENCE: Final = "penstock-operators"
INVITED_S: Final = 7 * 86_400.0
RESET_S: Final = 86_400.0


class Identity:
    """Put together once, at the start. May be shared by threads."""

    cookie = COOKIE

    def __init__(self, settings: Control, rows: Rows, state_dir: Path) -> None:
        self.rows = rows
        self.site = Site(CONSOLE, settings.hosts, settings.port)
        self.hasher = Hasher()
        self.tickets = Tickets(kept_key(state_dir / TICKETS_KEY))
        self.terms = Terms(settings.session_idle_minutes * 60.0, settings.session_hours * 3600.0)
        self.client: Client | None = None
        if settings.oidc_issuer:
            self.client = Client(settings.oidc_issuer, settings.oidc_client_id, _secret(settings))
        self._state_dir = state_dir
        self._lock = threading.Lock()

    @property
    def first_link(self) -> Path:
        """Where the first link lies until it is used."""
        return self._state_dir / FIRST_LINK

    def prepare(self, now_unix_s: float) -> None:
        """Make tables and keys, and the first link if there is no owner; raises StoreError."""
        migrate(self.rows)
        self.ring(now_unix_s)
        with self.rows.writing() as connection:
            if accounts.count(connection, OWNER):
                self.first_link.unlink(missing_ok=True)
                return
            if not self._is_first_link_good(connection, now_unix_s):
                link = Link(links.FIRST, role=OWNER)
                private_file.write(self.first_link, links.make(connection, link, now_unix_s) + "\n")

    def party(self, origin: str) -> Party:
        """Return who asks for passkeys at an origin: its host without the port."""
        return Party(host_of(origin), origin, "Penstock console")

    def ring(self, now_unix_s: float) -> Ring:
        """Return the keys that sign, turned if it is time; raises StoreError."""
        path = self._state_dir / SIGNING_KEY
        with self._lock:
            before = _read_ring(path)
            ring = signing.turned(before, now_unix_s)
            if ring != before:
                private_file.write_json(path, ring)
            public = self._state_dir / PUBLIC_KEYS
            if ring != before or not public.exists():
                private_file.write(public, ring.public())
        return ring

    def signed(self, who: tuple[str, str], role: str, now_unix_s: float) -> str:
        """Return an operator's token; ``who``: account and name."""
        subject, name = who
        claim = Claim(ISSUER, AUDIENCE, subject, role, name)
        return signing.issue(self.ring(now_unix_s), claim, now_unix_s)

    def verified(self, token: str, now_unix_s: float) -> Signed | None:
        """Return what an operator's token says, or nothing."""
        public = self.ring(now_unix_s).public()
        return signing.verify(public, token, ISSUER, AUDIENCE, now_unix_s)

    def _is_first_link_good(self, connection: Connection, now_unix_s: float) -> bool:
        if not self.first_link.exists():
            return False
        token = private_file.read(self.first_link).strip()
        try:
            links.look(connection, token, links.FIRST, now_unix_s)
        except LinkError:
            return False
        return True


def _secret(settings: Control) -> str:
    """Return our secret at the provider; empty if none is named. Raises StoreError."""
    variable, path = settings.oidc_client_secret_env, settings.oidc_client_secret_file
    return load.referenced(variable, path, "the secret of [control] oidc_client_id")


def _read_ring(path: Path) -> Ring:
    if not path.exists():
        return Ring()
    try:
        return msgspec.json.decode(private_file.read(path), type=Ring)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path} cannot be understood: remove it for a new key") from error
