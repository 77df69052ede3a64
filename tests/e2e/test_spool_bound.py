"""Nobody reads the spool: callers feel nothing, and afterwards nothing is missing without a count.

The traffic of hours is pressed into seconds: what counts is how much lies there, not for how long.
"""

import http.client
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import wait_until
from tests.e2e.reckoning import Ledger
from tests.e2e.stack import TIMES, Stack, stack
from tests.postgres import Postgres

CALLERS: Final = 4
EACH: Final = 100
SPOOL: Final = "[gateway.spool]\nsegment_bytes = 8192\nbytes_max = 65536\n"


class Plain:
    """Callers who want one short answer after the other."""

    def __init__(self, running: Stack) -> None:
        self._place = urlsplit(running.url).netloc
        self._key = running.key
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.ids: list[str] = []

    def run(self, each: int = EACH) -> None:
        """Call until all callers are through."""
        threads = [threading.Thread(target=self._caller, args=(each,)) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _caller(self, each: int) -> None:
        connection = http.client.HTTPConnection(self._place, timeout=20.0)
        turn = {"role": "user", "content": "[[say:We are open.]]"}
        body = json.dumps({"model": "chat", "messages": [turn]})
        for _ in range(each):
            headers = {"authorization": f"Bearer {self._key}"}
            connection.request("POST", "/v1/chat/completions", body, headers)
            response = connection.getresponse()
            response.read()
            with self._lock:
                self.statuses[response.status] += 1
                self.ids.append(response.headers["x-request-id"])
        connection.close()


def metric(running: Stack, name: str) -> int:
    """Return a number of the admin port."""
    connection = http.client.HTTPConnection(urlsplit(running.admin_url).netloc, timeout=20.0)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    (line,) = (one for one in text.splitlines() if one.startswith(f"{name} "))
    return int(float(line.split()[1]))


def spool_bytes(folder: Path) -> int:
    """Return what the segments take."""
    return sum(path.stat().st_size for path in (folder / "state" / "spool").glob("*.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("is_back_in_time", [True, False])
def test_beyond_the_bound_callers_are_served_and_what_is_missing_is_counted(
    start_emulator: StartEmulator, tmp_path: Path, *, is_back_in_time: bool
) -> None:
    emulator = start_emulator("--instant")
    with stack(tmp_path, emulator, SPOOL) as running:
        plain = Plain(running)
        with running.frozen("control"):
            plain.run()
            dropped = metric(running, "penstock_spool_dropped_total")
            assert dropped > 0
            assert spool_bytes(tmp_path) <= 65536
            logs = "".join(
                path.read_text(errors="replace")
                for path in (tmp_path / "state").rglob("*gateway*.log")
            )
            assert "spool_failing" in logs
            assert "has reached its bound" in logs
            if not is_back_in_time:
                running.stop_gateway()  # it says how many are missing in the page it has for that
        if is_back_in_time:
            wait_until(lambda: spool_bytes(tmp_path) < 65536)
            wait_until(lambda: is_told(plain, tmp_path))
        assert set(plain.statuses) == {200}
        running.up.stop()
    with stack(tmp_path, emulator, SPOOL) as running:  # reads what was left, and what was lost
        wait_until(lambda: is_whole(plain, tmp_path))
        running.up.stop()
    ledger = Ledger("", tmp_path / "state")
    assert ledger.dropped_exchanges > 0
    assert ledger.dropped_lines >= dropped
    assert len(ledger.ids) == len(set(ledger.ids))
    assert set(ledger.ids) <= set(plain.ids)
    assert len(ledger.ids) + ledger.dropped_exchanges == len(plain.ids)
    ledger.check_sums(float(TIMES["hang_s"]))


def is_told(plain: Plain, folder: Path) -> bool:
    """Call once more: the first line after a gap says how many are missing."""
    plain.run(1)
    return Ledger("", folder / "state").dropped_lines > 0


def is_whole(plain: Plain, folder: Path) -> bool:
    """Say whether what is in the ledger and what is counted are all that was begun."""
    ledger = Ledger("", folder / "state")
    return len(ledger.ids) + ledger.dropped_exchanges >= len(plain.ids)


@pytest.mark.slow
def test_a_frozen_database_is_not_felt_and_everything_is_there_afterwards(
    start_emulator: StartEmulator, postgres: Postgres, tmp_path: Path
) -> None:
    emulator = start_emulator("--instant")
    url = postgres.new_database()
    with stack(tmp_path, emulator, f'[control]\ndatabase_url = "{url}"\n') as running:
        plain = Plain(running)
        plain.run(5)
        postgres.freeze()
        try:
            before = metric(running, "penstock_spool_lines_total")
            plain.run(3 * EACH)
            assert metric(running, "penstock_spool_lines_total") - before == 2 * CALLERS * 3 * EACH
        finally:
            postgres.thaw()
        wait_until(lambda: set(Ledger(url, tmp_path / "state").ids) >= set(plain.ids), 30.0)
        assert set(plain.statuses) == {200}
        assert metric(running, "penstock_spool_dropped_total") == 0
        running.up.stop()
    ledger = Ledger(url, tmp_path / "state")
    assert sorted(ledger.ids) == sorted(plain.ids)
    ledger.check_sums(float(TIMES["hang_s"]))
