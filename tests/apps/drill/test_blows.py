"""Blows to real processes: each is what it says, and over when the block is."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from tests.e2e.emulator import wait_until

from penstock.apps.drill.blows import FULL_BYTES, Blows
from penstock.sim.drills.chaos import Act, How

WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "ab") as file:
            file.write(b"x" * int(line))
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Part:
    """A process that writes as many bytes as it is told, and says whether it could."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = folder / "names"
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder / "file")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.blows = Blows(lambda: {"control": self.process.pid}, folder, self.names)

    def write(self, size: int) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{size}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def state(self) -> str:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0]

    def during(self, how: How, look: Callable[[], None], part: str = "control") -> None:
        """Look while a blow lasts."""
        act = Act(name="a", part=part, how=how, for_s=1.0, words="")

        async def deal() -> None:
            async with self.blows.dealt(act):
                look()

        asyncio.run(deal())


@pytest.fixture
def part(tmp_path: Path) -> Generator[Part]:
    made = Part(tmp_path)
    try:
        assert made.write(1) == "written"
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def test_a_frozen_one_stands_still_until_the_end(part: Part) -> None:
    part.during("freeze", lambda: wait_until(lambda: part.state() == "T"))
    wait_until(lambda: part.state() in "SR")
    assert part.write(1) == "written"


def test_a_frozen_one_goes_on_even_if_the_drill_fails(part: Part) -> None:
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        part.during("freeze", fail)
    wait_until(lambda: part.state() in "SR")


def test_a_full_disk_takes_nothing_more_and_then_again(part: Part) -> None:
    def look() -> None:
        assert part.write(FULL_BYTES - 1) == "written"
        assert part.write(1) == "File too large"

    part.during("full", look)
    assert part.write(1) == "written"


def test_a_killed_one_is_dead_at_once(part: Part) -> None:
    part.during("kill", lambda: None)
    assert part.process.wait(5) == -9


def test_a_locked_database_takes_no_writes_and_loses_none(part: Part) -> None:
    path = part.folder / "ledger.db"
    with contextlib.closing(sqlite3.connect(path, timeout=0.0)) as database:
        database.execute("CREATE TABLE kept (number INTEGER)")
        database.commit()

        def look() -> None:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                database.execute("INSERT INTO kept VALUES (1)")

        part.during("lock", look)
        database.execute("INSERT INTO kept VALUES (2)")
        database.commit()
        assert database.execute("SELECT number FROM kept").fetchall() == [(2,)]


def test_no_database_is_made_where_there_is_none(part: Part) -> None:
    with pytest.raises(sqlite3.OperationalError):
        part.during("lock", lambda: None)
    assert not (part.folder / "ledger.db").exists()


def test_slow_names_are_switched_on_and_off(part: Part) -> None:
    def look() -> None:
        assert float(part.names.read_text(encoding="ascii")) > 1.0

    part.during("slow_names", look)
    assert float(part.names.read_text(encoding="ascii")) == 0.0


def test_a_part_that_is_not_there_is_told() -> None:
    blows = Blows(dict, Path(), Path())
    act = Act(name="a", part="limiter", how="kill", for_s=0.0, words="")

    async def deal() -> None:
        async with blows.dealt(act):
            pass

    with pytest.raises(OSError, match="limiter"):
        asyncio.run(deal())
