"""Whatever dies, comes twice or comes late: the ledger has each exchange once, and sums agree.

A model of gateways that write, stop, die, and leave a line half written; of a reader that dies
before or after any commit, having read ahead or not; of segments that are copied and come back
under other names.
"""

import itertools
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import Connection, delete
from tests.ledger.spooling import (
    AT_UNIX_S,
    assert_sums_agree,
    attempt,
    count,
    entries,
    line,
    opened,
    read_all,
    reader,
    record,
    write_dead,
)

from penstock import is_compiled
from penstock.config.model import Spool
from penstock.core.errors import StoreError
from penstock.ledger import tables
from penstock.ledger.reading import SpoolReader
from penstock.ledger.spool import SpoolWriter
from penstock.ledger.store import Store, migrate

if is_compiled():
    pytest.skip("needs subclasses of what is compiled", allow_module_level=True)

SEGMENT_BYTES = 4096
WRITERS = 3


class CrashingStore(Store):
    """A store under which the process dies at a commit, or right behind it."""

    crash_in = 0  # so many transactions from now
    is_after = False

    @contextmanager
    def writing(self, *, is_durable: bool = False) -> Generator[Connection]:
        self.crash_in -= 1
        dies = self.crash_in == 0
        del is_durable  # no power is cut here
        with super().writing() as connection:
            yield connection
            if dies and not self.is_after:
                raise StoreError("died before the commit")
        if dies:
            raise StoreError("died after the commit")


class Gateway(SpoolWriter):
    """One writer, and what it has under way."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder, Spool(segment_bytes=SEGMENT_BYTES), lambda: AT_UNIX_S + number)
        self.under_way: dict[str, int] = {}

    def die(self) -> None:
        """Let go of all as the kernel does."""
        if self._map is not None:
            self._map.close()
            self._map = None
            os.close(self._fd)
        if self._lock_fd >= 0:
            os.close(self._lock_fd)


class Reading(RuleBasedStateMachine):
    """Gateways, a spool, a reader and a ledger."""

    def __init__(self, store: CrashingStore, *, reads_ahead: bool) -> None:
        super().__init__()
        self.reads_ahead = reads_ahead
        with store.writing() as connection:
            for table in tables.metadata.sorted_tables:
                connection.execute(delete(table))
        self.store = store
        self.store.crash_in = 0
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-machine-"))
        self.numbers = itertools.count()
        self.gateways = [Gateway(self.folder, next(self.numbers)) for _ in range(WRITERS)]
        self.reader = self.new_reader()
        self.served: set[str] = set()
        self.lost: set[str] = set()
        self.copies: list[bytes] = []

    def new_reader(self) -> SpoolReader:
        """Return one that knows nothing yet."""
        made = reader(self.folder, self.store, lines=7, bytes=3000)
        made.reads_ahead = self.reads_ahead
        return made

    def replace(self, which: int) -> None:
        """Put a new gateway in the place of one that has ended; what it had under way is lost."""
        self.lost |= set(self.gateways[which].under_way)
        self.gateways[which] = Gateway(self.folder, next(self.numbers))

    @rule(which=st.integers(0, WRITERS - 1), again=st.booleans())
    def dial(self, which: int, *, again: bool) -> None:
        gateway = self.gateways[which]
        fresh = f"x{next(self.numbers)}"
        id_ = min(gateway.under_way) if again and gateway.under_way else fresh
        number = gateway.under_way[id_] = gateway.under_way.get(id_, 0) + 1
        assert gateway.append(line(opened(id_, number)))

    @rule(which=st.integers(0, WRITERS - 1))
    def close(self, which: int) -> None:
        gateway = self.gateways[which]
        if gateway.under_way:
            id_ = min(gateway.under_way)
            attempts = [attempt() for _ in range(gateway.under_way.pop(id_))]
            assert gateway.append(line(record(id_, *attempts)))
            self.served.add(id_)

    @rule(which=st.integers(0, WRITERS - 1))
    def refuse(self, which: int) -> None:
        id_ = f"x{next(self.numbers)}"
        assert self.gateways[which].append(line(record(id_, attempts=[])))
        self.served.add(id_)

    @rule(which=st.integers(0, WRITERS - 1))
    def stop(self, which: int) -> None:
        self.gateways[which].close()
        self.replace(which)

    @rule(which=st.integers(0, WRITERS - 1), torn=st.integers(0, 60))
    def kill(self, which: int, torn: int) -> None:
        gateway = self.gateways[which]
        gateway.append(line(record("torn"))[:torn] or b"\n")
        gateway.die()
        self.replace(which)

    @rule(at=st.integers(0, 20))
    def copy(self, at: int) -> None:
        paths = sorted(self.folder.glob("*.jsonl"))
        if paths:
            self.copies.append(paths[at % len(paths)].read_bytes())

    @rule(at=st.integers(0, 20), name=st.sampled_from(["copy", "0", "99999999999999-1-000001"]))
    def put_back(self, at: int, name: str) -> None:
        path = self.folder / f"{name}.jsonl"
        if self.copies and not path.exists():
            write_dead(self.folder, path.name, self.copies[at % len(self.copies)])

    @rule(steps=st.integers(1, 4))
    def read(self, steps: int) -> None:
        for _ in range(steps):
            self.reader.step(AT_UNIX_S)

    @rule(at=st.integers(1, 3), is_after=st.booleans(), is_new=st.booleans())
    def read_and_die(self, at: int, *, is_after: bool, is_new: bool) -> None:
        self.store.crash_in, self.store.is_after = at, is_after
        try:
            self.reader.step(AT_UNIX_S)
        except StoreError:
            if is_new:
                self.reader = self.new_reader()
        self.store.crash_in = 0

    def teardown(self) -> None:
        for which, gateway in enumerate(self.gateways):
            gateway.die()
            self.replace(which)
        read_all(self.reader)
        found = entries(self.store)
        assert {name for name, one in found.items() if one.fate == "served"} == self.served
        assert {name for name, one in found.items() if one.fate == "lost"} == self.lost
        assert_sums_agree(self.store)
        assert count(self.store, tables.open_attempts) == 0
        assert count(self.store, tables.segments) == 0
        assert list(self.folder.glob("*.jsonl")) == []
        self.folder.rmdir()


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_each_exchange_is_in_the_ledger_once(store: Store, *, reads_ahead: bool) -> None:
    migrate(store)
    crashing = CrashingStore(store.engine)

    class OfStore(Reading):
        def __init__(self) -> None:
            super().__init__(crashing, reads_ahead=reads_ahead)

    examples = 3 if store.is_postgres else 25  # a server takes longer, and differs only in SQL
    run_state_machine_as_test(
        OfStore, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None)
    )
