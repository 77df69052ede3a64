"""From a provider's trouble to the page's word: real processes, real time, measured.

A whole fault is a problem within a minute, of the components that it hits and of no others; the
route that failover carries stays up. A silent hang is found too. A gateway that has gone is unknown
for what only it could tell of, and never an outage of a provider.
"""

import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import pytest
from tests.cli.running import REAL, Running, running

# An installation must have been well for a while before it can fail.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Told = Callable[[str, object], None]
WITHIN_S = 60.0  # from onset to the verdict
QUIET_S = 30.0
OTHERS = ("gpt-5.6", "gpt-5.6-mini", "gemini-3.7-flash")
CLAUDES = ("claude-sonnet-5-5", "claude-haiku-4-5")


class Watched:
    """A run of ``penstock up --emulate``, its faults and what the watch says."""

    def __init__(self, up: Running) -> None:
        self.up = up
        self.ready = up.ready()
        self._token = up.home.emulate_token.read_text().strip()

    def faults(self, *rules: dict[str, object]) -> None:
        url = f"{self.ready['urls']['emulate']}/control/faults"
        headers = {"authorization": f"Bearer {self._token}"}
        httpx.put(url, json={"rules": rules}, headers=headers).raise_for_status()

    def states(self) -> dict[str, str]:
        """Return what the page says of each component, as its API does."""
        database = f"file:{self.up.home.root / 'status.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
            rows = connection.execute("select name, state from components where is_group = 0")
            return dict(rows.fetchall())

    def silent(self) -> list[str]:
        """Return the sources that cannot be reached."""
        database = f"file:{self.up.home.root / 'status.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
            rows = connection.execute("select document from kept where name = 'silent'")
            return json.loads(rows.fetchone()[0])

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something else."""
        self.within(lambda _: is_so())

    def within(self, is_so: Callable[[dict[str, str]], bool], within_s: float = WITHIN_S) -> float:
        """Wait for the page to say so; return after how long it did."""
        began_s = time.monotonic()
        while not is_so(self.states()):
            took_s = time.monotonic() - began_s
            assert took_s < within_s, self.states()
            time.sleep(0.2)
        return time.monotonic() - began_s

    def quiet(self) -> None:
        """Wait until all that is measured is well."""
        self.within(lambda states: set(states.values()) == {"operational"}, 2 * WITHIN_S)


@pytest.fixture
def watched(tmp_path: Path) -> Generator[Watched]:
    """Give an installation of which all is well."""
    with running(tmp_path, REAL, ["--emulate"]) as up:
        found = Watched(up)
        found.quiet()
        yield found
        found.faults()
        up.stop()


def are_down(states: dict[str, str], *names: str) -> bool:
    return all(states[name] in {"partial_outage", "major_outage"} for name in names)


def test_a_provider_that_fails_is_found_alone_and_within_a_minute(
    watched: Watched, record_property: Told
) -> None:
    watched.faults({"kind": "http_529", "provider": "claude"})
    took_s = watched.within(lambda states: are_down(states, *CLAUDES))
    record_property("down_after_s", took_s)
    others = {name: state for name, state in watched.states().items() if name not in CLAUDES}
    assert set(others.values()) <= {"operational", "degraded_performance"}, others  # failed over


def test_a_silent_hang_is_found_within_a_minute(watched: Watched, record_property: Told) -> None:
    """No error, no report: nothing. Routes wait for it as long as they are told to, and are down.

    Whoever answers elsewhere is not.
    """
    watched.faults({"kind": "hang", "provider": "claude"})
    took_s = watched.within(lambda states: are_down(states, *CLAUDES))
    record_property("down_after_s", took_s)
    states = watched.states()
    assert {states[name] for name in OTHERS} == {"operational"}, states


def test_wrong_answers_with_200_are_found_by_canaries(
    watched: Watched, record_property: Told
) -> None:
    watched.faults({"kind": "wrong_content", "model": "gpt-5.6"})
    took_s = watched.within(lambda states: states["gpt-5.6"] != "operational", 2 * WITHIN_S)
    record_property("found_after_s", took_s)
    assert watched.states()["gpt-5.6-mini"] == "operational"


def test_a_gateway_that_hangs_is_no_outage_of_a_provider(
    watched: Watched, record_property: Told
) -> None:
    gateway = watched.ready["pids"]["gateway"]
    os.kill(gateway, signal.SIGSTOP)
    try:
        took_s = watched.within(lambda states: are_down(states, "API", "auto"))
        record_property("api_down_after_s", took_s)
        watched.until(lambda: len(watched.silent()) == 1)
        time.sleep(QUIET_S)
        models = (*CLAUDES, *OTHERS)
        states = watched.states()
        assert not are_down(states, *models), states
        assert {states[name] for name in models} <= {"operational", "unknown"}
    finally:
        os.kill(gateway, signal.SIGCONT)
    watched.until(lambda: watched.silent() == [])
