"""Nothing that happens to the database is felt by callers, and nothing is lost by it."""

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import REAL, Running, running
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import KEY
from tests.e2e.test_control import operate
from tests.e2e.test_up import answer
from tests.postgres import Postgres

from penstock.config import private_file

REFUSED_WITHIN_S = 15.0  # ten for the database, the rest for a busy machine
TOLD_WITHIN_S = 8.0  # two for the database
EMULATED = (
    "[emulate]\nis_enabled = true\n[watch]\nfinds_probes = false\n"
    '[control]\ndatabase_url = "{url}"\n'
)
SERVED = """
[[upstreams]]
name = "a"
dialect = "openai_chat"
base_url = "{base}"
api_key_file = "{key}"
[[routes]]
name = "fast"
targets = [{{upstream = "a", model = "gpt-5.6"}}]
[watch]
finds_probes = false
[control]
database_url = "{url}"
"""


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server of the test's own, which may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-pg-"))  # not pytest's, which root alone reads
    one = Postgres(folder)
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def recorded(up: Running) -> int:
    """Return how many exchanges this control has read, once nothing is left to read."""
    told: dict[str, dict[str, dict[str, int]]] = {}

    def is_done() -> bool:
        told.update(operate(up, "GET", "/status")[1])
        return not told["reading"]["behind_bytes"]

    up.until(is_done)
    return told["reading"]["counts"]["exchanges"]


@pytest.mark.slow
def test_a_frozen_database_is_not_felt_and_nothing_is_lost(
    tmp_path: Path, server: Postgres
) -> None:
    (tmp_path / "penstock.toml").write_text(EMULATED.format(url=server.new_database()))
    with running(tmp_path, REAL) as up:
        secret = operate(up, "POST", "/keys", {"id": "before"})[1]["secret"]
        up.until(lambda: answer(up, secret, "fast")[0] == 200)
        before = recorded(up)
        server.freeze()
        try:
            assert [answer(up, secret, "fast")[0] for _ in range(5)] == [200] * 5
            began_s = time.monotonic()
            status, told = operate(up, "POST", "/keys", {"id": "during"})
            assert (status, told["error"]["code"]) == (503, "store_unavailable")
            assert time.monotonic() - began_s < REFUSED_WITHIN_S
            began_s = time.monotonic()
            status, told = operate(up, "GET", "/status")
            assert (status, told["is_database_reachable"]) == (200, False)
            assert "has not answered" in told["database_error"]
            assert told["reading"]["behind_bytes"] > 0
            assert time.monotonic() - began_s < TOLD_WITHIN_S
            assert answer(up, secret, "fast")[0] == 200
        finally:
            server.thaw()
        assert recorded(up) == before + 6
        up.stop()


@pytest.mark.slow
def test_a_frozen_database_holds_nobody_up_who_wants_to_stop(
    tmp_path: Path, server: Postgres
) -> None:
    (tmp_path / "penstock.toml").write_text(EMULATED.format(url=server.new_database()))
    with running(tmp_path, REAL) as up:
        server.freeze()
        try:
            assert operate(up, "GET", "/keys")[0] == 503  # and a thread hangs from now on
            assert up.stop(signal.SIGTERM) == 0
        finally:
            server.thaw()
        assert "was killed" not in up.out


@pytest.mark.slow
def test_a_database_that_is_away_at_the_start_is_made_up_for(
    tmp_path: Path, server: Postgres, start_emulator: StartEmulator
) -> None:
    base = start_emulator("--instant").urls["gpt"]
    key, path = tmp_path / "upstream.key", tmp_path / "penstock.toml"
    private_file.write(key, KEY)
    path.write_text(SERVED.format(base=base, key=key, url=server.new_database()))
    with running(tmp_path, REAL) as up:
        secret = operate(up, "POST", "/keys", {"id": "before"})[1]["secret"]
        up.stop()
    server.stop()
    with running(tmp_path, REAL) as up:
        up.until(lambda: "the last snapshot is served" in up.out)
        assert "control cannot publish" in up.out
        assert answer(up, secret, "fast")[0] == 200
        status, told = operate(up, "GET", "/status")
        assert (status, told["is_database_reachable"]) == (200, False)
        assert told["snapshot"]["is_behind"]
        server.start()
        up.until(lambda: not operate(up, "GET", "/status")[1]["snapshot"]["is_behind"])
        assert operate(up, "POST", "/keys", {"id": "after"})[0] == 201
        assert recorded(up) == 1
        up.stop()
    path.write_text(path.read_text() + "is_enabled = false\n")
    with running(tmp_path, REAL) as up:
        up.until(lambda: "control.is_enabled is false" in up.out)
        assert "control" not in up.ready()["pids"]
        assert answer(up, secret, "fast")[0] == 200
        up.stop()
