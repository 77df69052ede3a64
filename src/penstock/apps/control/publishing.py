"""From the plan of ``up`` and the book of the ledger to the snapshot: control alone writes it.

    the plan   ``run/plan.json``; without one the configuration of the last snapshot
    check      what a change would lead to, inside its transaction: refused, nothing is changed
    publish    under one lock: read the plan, read the book, build, check, write
    behind     a publish that failed after its change was saved: ``standing`` says so, and whoever
               runs the process tries again until it is up to date

    a stranger a database that knows none of the keys that are served is not ours: a wrong URL, an
               empty one. It would shut out every caller, so it is refused

What would be wrong is refused as a ConfigError, and the last good snapshot stays. Without a plan
and a snapshot there is nothing to serve yet: the book is checked, and nothing is written.
"""

import threading
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.config.model import Config
from penstock.core.errors import ConfigError, PenstockError, Problem, StoreError
from penstock.ledger import price_table, tables
from penstock.ledger.book import KeyEntry, TenantEntry
from penstock.ledger.costing import Costing
from penstock.ledger.store import Store
from penstock.snapshot import build, file, keys, plan, soundness
from penstock.snapshot.model import Snapshot
from penstock.snapshot.plan import PlanFile

STRANGER_KEYS_MAX: Final = 500  # a database of ours knows the first of them already


class Standing(msgspec.Struct, frozen=True):
    """What became of the last publish."""

    version: int = 0  # of the last snapshot that this process wrote; 0: none
    at_unix_s: float = 0.0
    is_behind: bool = True  # something was changed that is not served yet
    error: str = ""  # why
    problems: list[Problem] = []
    doubts: list[Problem] = []  # of what is served


class Publisher:
    """The only writer of the snapshot. May be shared by threads."""

    def __init__(self, state_dir: Path, store: Store) -> None:
        self._state_dir = state_dir
        self._store = store
        self._lock = threading.Lock()
        self.standing = Standing()

    @property
    def path(self) -> Path:
        """Where the snapshot lies."""
        return self._state_dir / "snapshot"

    def plan(self) -> PlanFile | None:
        """Return the plan, or what was served last; None: there is nothing to serve yet."""
        found = plan.read(plan.path_of(self._state_dir))
        if found is not None or not self.path.exists():
            return found
        last = file.read(self.path)
        return PlanFile(
            config=last.config, origin="the last snapshot", is_emulated=last.is_emulated
        )

    def publish(self, now_unix_s: float, *, is_promise: bool = False) -> Standing:
        """Write what plan and book say; raises ConfigError or StoreError, and nothing changes.

        A promise is refused if contracts must hold and would not.
        """
        self.standing = msgspec.structs.replace(self.standing, is_behind=True)
        with self._lock:
            try:
                with self._store.reading() as connection:
                    snapshot = self.check(connection, now_unix_s, is_promise=is_promise)
                if self.plan() is not None:
                    file.write(self.path, snapshot)
            except PenstockError as error:
                self.refused(error)
                raise
            doubts = list(soundness.doubts(snapshot)) if snapshot.config.upstreams else []
            self.standing = Standing(snapshot.version, now_unix_s, is_behind=False, doubts=doubts)
        return self.standing

    def refused(self, error: PenstockError) -> None:
        """Note why what was saved is not served."""
        problems = error.problems if isinstance(error, ConfigError) else []
        self.standing = msgspec.structs.replace(
            self.standing, is_behind=True, error=error.message, problems=problems
        )

    def check(
        self, connection: Connection, now_unix_s: float, *, is_promise: bool = False
    ) -> Snapshot:
        """Return what would be served with the book as this connection sees it.

        Raises ConfigError if it may not be, and StoreError.
        """
        self._not_a_stranger(connection)
        snapshot = self.drawn_up(connection, now_unix_s, self.plan() or PlanFile(config=Config()))
        problems = soundness.wrongs(snapshot)
        problems += soundness.broken(snapshot) if is_promise else []
        if problems:
            raise ConfigError(problems)
        return snapshot

    def drawn_up(self, connection: Connection, now_unix_s: float, found: PlanFile) -> Snapshot:
        """Return what would be served by a plan, unchecked; raises StoreError."""
        tenants = select(tables.tenants.c.document).order_by(
            tables.tenants.c.created_unix_s, tables.tenants.c.id
        )
        rows = select(tables.keys.c.document).order_by(
            tables.keys.c.created_unix_s, tables.keys.c.id
        )
        entries = [
            msgspec.json.decode(one, type=KeyEntry) for one in connection.execute(rows).scalars()
        ]
        who = tuple(
            msgspec.json.decode(one, type=TenantEntry).tenant
            for one in connection.execute(tenants).scalars()
        )
        limits = [*(one.limits for one in who), *(entry.key.limits for entry in entries)]
        prices = price_table.current(connection)
        costing = Costing(prices, price_table.shipped())
        return build.build(
            found.config,
            [entry.key for entry in entries if not entry.revoked_unix_s],
            version=self._next_version(now_unix_s),
            now_unix_s=now_unix_s,
            tenancy=build.Tenancy(
                who,
                price_table.in_force(costing, prices, limits, now_unix_s),
            ),
            is_emulated=found.is_emulated,
        )

    def _not_a_stranger(self, connection: Connection) -> None:
        """Raise StoreError if the database has never heard of any key that is served."""
        try:
            served = [one.id for one in file.read(self.path).keys if one.id not in keys.KEPT]
        except StoreError:  # there is none, or it is damaged: nothing to lose
            return
        asked = select(tables.keys.c.id).where(tables.keys.c.id.in_(served[:STRANGER_KEYS_MAX]))
        if served and connection.execute(asked.limit(1)).first() is None:
            raise StoreError(
                f"the database knows none of the {len(served)} callers' keys that are served: is "
                f"control.database_url right? To begin anew, delete {self.path}"
            )

    def _next_version(self, now_unix_s: float) -> int:
        """Return a version above the last; after a damaged snapshot, the time will be above it."""
        if not self.path.exists():
            return 1
        try:
            return file.read(self.path).version + 1
        except StoreError:
            return int(now_unix_s)
