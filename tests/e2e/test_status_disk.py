"""Whatever the disk does, the status page goes on from memory, says so, and recovers by itself.

A full disk is a limit on the size of the process's files (RLIMIT_FSIZE): each write beyond it
fails, for root too. It is set and lifted while the process runs.
"""

import contextlib
import os
import secrets
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from tests.e2e.status_process import StatusProcess, started, until

pytestmark = pytest.mark.slow

UNAVAILABLE = 503
CREATED = 201
ACCEPTED = 202
PUSH = "import sys, time; time.sleep({sleep}); sys.exit({status})"


def votes(process: StatusProcess) -> int:
    """Return how many reports are in the database, as another process sees it."""
    with contextlib.closing(sqlite3.connect(f"file:{process.database}?mode=ro", uri=True)) as one:
        return int(one.execute("select count(*) from reports").fetchone()[0])


def has_noticed(process: StatusProcess) -> bool:
    """Report once more, as the first write may still fit in what is left of a database."""
    process.report(secrets.token_hex(4))
    return "reports_not_written" in process.log


def is_serving(process: StatusProcess) -> bool:
    front = process.get("/")
    return front.status_code == 200 and "</html>" in front.text


def test_a_full_disk_costs_no_view_and_no_report(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.report("one").status_code == ACCEPTED
        until(lambda: votes(process) == 1)
        with process.full_disk():
            assert is_serving(process)
            told = process.report("two")
            assert (told.status_code, told.json()["is_counted"]) == (ACCEPTED, True)
            refused = process.open("It fails")
            assert refused.status_code == UNAVAILABLE
            assert refused.json()["error"]["code"] == "store_unavailable"
            assert is_serving(process)
        until(lambda: votes(process) == 2)
        assert process.open("It fails").status_code == CREATED
        until(lambda: process.titles() == ["It fails"])
        site = process.state / "site" / "api/v2/incidents.json"
        until(lambda: "It fails" in site.read_text())
        assert process.end(signal.SIGTERM) == 0


def test_a_database_that_another_holds_costs_no_view_and_no_report(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        with contextlib.closing(sqlite3.connect(process.database)) as other:
            other.isolation_level = None
            other.execute("BEGIN EXCLUSIVE")
            assert process.report("one").status_code == ACCEPTED
            assert is_serving(process)
            until(lambda: "reports_not_written" in process.log)
            assert is_serving(process)
            other.execute("ROLLBACK")
        until(lambda: votes(process) > 0)
        until(lambda: "1" in process.get("/api/status.json").text)
        assert process.report("two").status_code == ACCEPTED
        until(lambda: votes(process) >= 2)
        assert votes(process) == 2


@pytest.mark.parametrize("harm", ["garbage", "half", "no table"])
def test_a_database_that_breaks_while_it_runs_costs_no_view(tmp_path: Path, harm: str) -> None:
    with started(tmp_path) as process:
        assert process.report("one").status_code == ACCEPTED
        until(lambda: votes(process) == 1)
        raw = process.database.read_bytes()
        match harm:
            case "garbage":
                process.database.write_bytes(os.urandom(len(raw)))
                for other in ("-wal", "-shm"):
                    Path(f"{process.database}{other}").write_bytes(os.urandom(100_000))
            case "half":
                os.truncate(process.database, len(raw) // 2)
                Path(f"{process.database}-wal").write_bytes(b"")
            case _:
                with contextlib.closing(sqlite3.connect(process.database)) as other:
                    other.execute("drop table reports")
        assert process.report("two").status_code == ACCEPTED
        until(lambda: has_noticed(process))
        assert is_serving(process)
        assert process.ended() is None
        assert "Traceback" not in process.log, process.log


@pytest.mark.parametrize("harm", ["garbage", "header", "torn"])
def test_a_broken_database_is_named_with_what_to_do_and_is_not_touched(
    tmp_path: Path, harm: str
) -> None:
    process = StatusProcess(tmp_path)
    process.start()
    assert process.open("It fails").status_code == CREATED
    assert process.end(signal.SIGTERM) == 0
    raw = process.database.read_bytes()
    broken = {
        "garbage": os.urandom(len(raw)),
        "header": b"nothing of the kind " + raw[20:],
        "torn": raw[:100] + bytes(len(raw) - 100),
    }[harm]
    process.database.write_bytes(broken)
    process.launch()
    until(lambda: process.ended() is not None)
    assert process.ended() == 1
    last = process.log.splitlines()[-1]
    assert str(process.database) in last, last
    assert "status.db.broken" in last, last
    assert "Traceback" not in process.log
    assert process.database.read_bytes() == broken
    # As it says: it is put aside, and a new one is begun. Nothing of the old one is lost.
    aside = process.state / "status.db.broken"
    shutil.move(process.database, aside)
    process.start()
    assert process.titles() == []
    assert aside.read_bytes() == broken
    assert process.end(signal.SIGTERM) == 0


def test_a_site_folder_that_cannot_be_written_costs_no_view(tmp_path: Path) -> None:
    place = tmp_path / "public"
    place.write_text("a file of somebody else's")
    with started(tmp_path, site_dir=str(place / "site")) as process:
        assert is_serving(process)
        assert "site_not_written" in process.log
        assert process.open("It fails").status_code == CREATED
        until(lambda: process.titles() == ["It fails"])
        place.unlink()
        place.mkdir()
        process.open("Another")
        until((place / "site" / "index.html").exists)
        until(lambda: "Another" in (place / "site" / "api/v2/incidents.json").read_text())


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "public"
    place.mkdir()
    (place / "theirs").write_text("stays")
    with started(tmp_path, site_dir=str(place)) as process:
        assert is_serving(process)
        assert "folder of somebody else's" in process.log
        assert [one.name for one in place.iterdir()] == ["theirs"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/program",), "cannot be run"),
        ((sys.executable, "-c", PUSH.format(sleep=0, status=3)), "ended with status 3"),
        ((sys.executable, "-c", PUSH.format(sleep=60, status=0)), "has not ended within"),
    ],
)
def test_a_push_that_goes_wrong_is_said_and_holds_nothing_up(
    tmp_path: Path, command: tuple[str, ...], words: str
) -> None:
    with started(tmp_path, push_command=command, push_within_s=1.0) as process:
        until(lambda: words in process.log)
        assert process.open("It fails").status_code == CREATED
        until(lambda: process.titles() == ["It fails"])
        site = process.state / "site" / "api/v2/incidents.json"
        until(lambda: "It fails" in site.read_text())
        pushed = tmp_path / "pushed"
        process.configure(push_command=("touch", str(pushed)))
        process.send(signal.SIGHUP)
        until(pushed.exists)
