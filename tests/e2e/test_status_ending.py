"""The status process asked to end: what came in last is written, what was learned is kept."""

import contextlib
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.e2e.status_process import StatusProcess, started

pytestmark = pytest.mark.slow
VOTES = 5


def rows(process: StatusProcess, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(process.database)) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_report_of_the_last_second_is_written_and_what_was_learned_is_kept(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path) as process:
        for one in range(VOTES):
            assert process.report(f"person {one}").json()["is_counted"]
        assert process.end(number) == 0, process.log
        assert rows(process, "select count(*) from reports") == [(VOTES,)]
        assert rows(process, "select votes from report_hours") == [(VOTES,)]
        assert rows(process, "select count(*) from kept where name = 'learned'") == [(1,)]
        assert not Path(f"{process.database}-wal").exists()  # closed as a whole
        assert "loop_failed" not in process.log
