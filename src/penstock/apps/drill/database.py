"""A PostgreSQL of the user's own, in which a play has its ledger: an empty database behind a relay.

check    a server that can be reached over TCP, and a database without tables: a ledger that is in
         use is never touched. What was written is left there
relay    stands between control and the server. ``hostaddr`` leads there, and the host's name stays,
         so that its certificate is still the one that is asked for
where    goes past the relay: the truth is read whatever the relay does
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from penstock.apps.drill import ledgers
from penstock.apps.drill.ledgers import Where
from penstock.apps.drill.relay import LOOPBACK, Relay
from penstock.config import private_file
from penstock.config.operations import Control
from penstock.core.errors import ConfigError, Problem

PORT: Final = 5432
OPTION: Final = "--database"


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a server that somebody else runs."""

    url: str  # postgresql://USER@HOST:PORT/NAME
    password_file: str = ""

    @property
    def where(self) -> Where:
        """How it is reached past the relay; raises StoreError."""
        password = private_file.read(Path(self.password_file)).strip() if self.password_file else ""
        return Where(self.url, password)

    def check(self, folder: Path) -> None:
        """Raise ConfigError if it is not what it must be, StoreError if it cannot be reached."""
        parsed = self._parsed()
        if not parsed.host or parsed.host.startswith("/") or not parsed.database:
            cure = "name it as postgresql://USER@HOST:PORT/NAME"
            raise ConfigError([Problem(OPTION, "it has to be reached over TCP", cure)])
        if count := ledgers.tables_in(self.where, folder):
            cure = "make an empty database for the play: CREATE DATABASE chaos"
            raise ConfigError([Problem(OPTION, f"there are {count} tables in it", cure)])

    def relay(self) -> Relay:
        """Return a relay that leads there."""
        parsed = self._parsed()
        return Relay(parsed.host or LOOPBACK, parsed.port or PORT)

    def led(self, control: Control, relay: Relay) -> Control:
        """Return control's section, with its ledger behind a relay."""
        through = self._parsed().set(port=relay.port).update_query_dict({"hostaddr": LOOPBACK})
        return msgspec.structs.replace(
            control,
            database_url=through.render_as_string(hide_password=False),
            database_password_file=self.password_file,
        )

    def _parsed(self) -> URL:
        try:
            return make_url(self.url)
        except ArgumentError as error:
            cure = "name it as postgresql://USER@HOST:PORT/NAME"
            raise ConfigError([Problem(OPTION, "it is no URL of a database", cure)]) from error
