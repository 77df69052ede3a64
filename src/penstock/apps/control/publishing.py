"""From the plan of ``up`` and the book of the ledger to the snapshot: control alone writes it.

    the plan   ``run/plan.json``: the configuration as ``penstock up`` has resolved it, with the
               emulator's addresses in it
    publish    under one lock: read the plan, read the book, build, check, write

What would be wrong is refused as a ConfigError, and the last good snapshot stays.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.config import private_file
from penstock.config.model import Config
from penstock.config.tenancy import Limits, Price
from penstock.core.errors import ConfigError, StoreError
from penstock.ledger import price_table, tables
from penstock.ledger.book import KeyEntry, TenantEntry
from penstock.ledger.costing import Costing
from penstock.ledger.store import Store
from penstock.snapshot import build, file, soundness
from penstock.snapshot.model import Snapshot

PLAN: Final = "plan.json"


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """What ``up`` is going to serve."""

    config: Config
    origin: str = ""  # where it comes from, for people: a file's path
    is_emulated: bool = False


class Publisher:
    """The only writer of the snapshot. May be shared by threads."""

    def __init__(self, state_dir: Path, store: Store) -> None:
        self._state_dir = state_dir
        self._store = store
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where the snapshot lies."""
        return self._state_dir / "snapshot"

    def plan(self) -> PlanFile:
        """Return the plan; raises StoreError if there is none."""
        raw = private_file.read(self._state_dir / "run" / PLAN)
        try:
            return msgspec.json.decode(raw, type=PlanFile)
        except msgspec.MsgspecError as error:
            raise StoreError(f"{PLAN} cannot be understood: {error}") from error

    def publish(self, now_unix_s: float, *, is_promise: bool = False) -> Snapshot:
        """Write what plan and book say; raises ConfigError or StoreError, and nothing changes.

        A promise is refused if contracts must hold and would not.
        """
        with self._lock:
            with self._store.reading() as connection:
                snapshot = self.drawn_up(connection, now_unix_s)
            problems = soundness.wrongs(snapshot)
            problems += soundness.broken(snapshot) if is_promise else []
            if problems:
                raise ConfigError(problems)
            file.write(self.path, snapshot)
        return snapshot

    def drawn_up(self, connection: Connection, now_unix_s: float) -> Snapshot:
        """Return what would be served with the book as this connection sees it."""
        plan = self.plan()
        tenants = connection.execute(select(tables.tenants.c.document)).scalars()
        keys = connection.execute(select(tables.keys.c.document)).scalars()
        entries = [msgspec.json.decode(one, type=KeyEntry) for one in keys]
        who = tuple(msgspec.json.decode(one, type=TenantEntry).tenant for one in tenants)
        limits = [*(one.limits for one in who), *(entry.key.limits for entry in entries)]
        return build.build(
            plan.config,
            [entry.key for entry in entries if not entry.revoked_unix_s],
            version=self._next_version(now_unix_s),
            now_unix_s=now_unix_s,
            tenancy=build.Tenancy(
                who,
                self._prices(connection, limits, now_unix_s),
            ),
            is_emulated=plan.is_emulated,
        )

    def _prices(
        self, connection: Connection, limits: Iterable[Limits], now_unix_s: float
    ) -> tuple[Price, ...]:
        """Return the charges in force, for budgets."""
        prices = price_table.current(connection)
        costing = Costing(prices, price_table.shipped())
        return price_table.in_force(costing, prices, limits, now_unix_s)

    def _next_version(self, now_unix_s: float) -> int:
        """Return a version above the last; after a damaged snapshot, the time will be above it."""
        if not self.path.exists():
            return 1
        try:
            return file.read(self.path).version + 1
        except StoreError:
            return int(now_unix_s)
