"""The disk under the ledger takes nothing more: no caller notices, the spool holds what comes.

The limit on the size of files (``RLIMIT_FSIZE``) is set for control alone, on the running process:
from then on SQLite's files grow no further, while the gateway's spool, on its own, does.
"""

import contextlib
import resource
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import wait_until
from tests.e2e.reckoning import Ledger, match
from tests.e2e.stack import TIMES, Stack, stack
from tests.e2e.test_control import operate
from tests.e2e.test_spool_bound import CALLERS, EACH, Plain

TAKEN_BYTES: Final = 16 * 1024  # less than a fresh ledger has already, more than a log needs
WITHIN_S: Final = 60.0
RETRIES_S: Final = 1.5  # long enough for two more tries


@contextlib.contextmanager
def full(pid: int) -> Generator[None]:
    """Let no file of a process grow, for the time of a block."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (TAKEN_BYTES, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def reading(running: Stack) -> dict[str, Any]:
    """Return how control says that its reading does."""
    status, told = operate(running.up, "GET", "/status")
    assert status == 200
    return told["reading"]


def said(folder: Path, event: str) -> list[str]:
    """Return the lines of all logs that tell of something."""
    logs = [path.read_text(errors="replace") for path in (folder / "state").rglob("*.log")]
    return [line for log in logs for line in log.splitlines() if event in line]


@pytest.mark.slow
def test_a_full_disk_under_the_ledger_is_not_felt_and_nothing_is_lost(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator("--instant")
    with stack(tmp_path, emulator) as running:
        plain = Plain(running)
        plain.run(5)
        wait_until(lambda: not reading(running)["behind_bytes"], WITHIN_S)
        inserted = reading(running)["counts"]["exchanges"]
        with full(running.pid("control")):
            plain.run(EACH)
            wait_until(lambda: reading(running)["error"], WITHIN_S)
            held_bytes = reading(running)["behind_bytes"]
            plain.run(EACH)
            until_s = time.monotonic() + RETRIES_S
            wait_until(lambda: time.monotonic() > until_s, WITHIN_S)
            told = reading(running)
            assert told["behind_bytes"] > held_bytes > 0
            assert told["counts"]["exchanges"] == inserted
            assert operate(running.up, "POST", "/keys", {"id": "during"})[0] == 503
            assert said(tmp_path, "reading_stopped")
            assert not said(tmp_path, "reading_goes_on")
        assert set(plain.statuses) == {200}
        wait_until(lambda: not reading(running)["behind_bytes"], WITHIN_S)
        assert said(tmp_path, "reading_goes_on")
        assert operate(running.up, "POST", "/keys", {"id": "after"})[0] == 201
        assert running.up.stop() == 0
    ledger = Ledger("", tmp_path / "state")
    assert len(ledger.ids) == CALLERS * (5 + 2 * EACH)
    assert sorted(ledger.ids) == sorted(plain.ids)
    assert ledger.dropped_lines == ledger.damaged == ledger.waiting == 0
    ledger.check_sums(float(TIMES["hang_s"]))
    assert match(emulator, ledger).exact == len(ledger.ids)
