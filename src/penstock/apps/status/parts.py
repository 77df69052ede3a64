"""What the parts of the status process work with."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from penstock.apps.status.components import Planned
from penstock.config.model import Config
from penstock.ledger.store import Store


class PageId(msgspec.Struct, frozen=True):
    """Who the page is: made once, kept in the database."""

    id: str
    created_unix_s: float


class Parts(msgspec.Struct):
    """Put together once, at the start; ``config`` and ``plan`` change with a reload."""

    store: Store
    state_dir: Path
    now_unix_s: Callable[[], float]
    page: PageId
    config: Config
    plan: tuple[Planned, ...]
    touch: Callable[[], None]  # something that is shown has changed: the site is rendered anew
    is_emulated: bool = False  # providers are stand-ins
    own_url: str = ""  # where this process listens, once it does
    has_up: bool = False  # ``up`` has started it: until that is ready, others may not listen yet

    @property
    def url(self) -> str:
        """Where people see the page, without a slash at the end."""
        return self.config.status.public_url.rstrip("/") or self.own_url

    @property
    def reached_url(self) -> str:
        """Where the process itself is reached: for forms, and for links in mails."""
        hosts = self.config.status.hosts
        if not hosts:
            return self.own_url
        return hosts[0].rstrip("/") if "://" in hosts[0] else f"https://{hosts[0]}"
