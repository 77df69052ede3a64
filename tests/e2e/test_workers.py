"""Several workers and their limiter as real processes: one truth about capacity, whoever dies."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import REAL, Running, penstock, port, running
from tests.e2e.counting import Callers, Counting, counting, until

from penstock.ledger import spool

pytestmark = pytest.mark.slow

FILE = """
[gateway]
workers = {workers}
[timeouts]
queue_s = 20.0
[watch]
finds_probes = false
[[upstreams]]
name = "u"
dialect = "openai_chat"
base_url = "http://127.0.0.1:{port}/v1"
api_key_file = "{key}"
concurrency_max = {slots}
is_adaptive = false
[[routes]]
name = "m"
targets = [{{upstream = "u"}}]
"""


class Fleet:
    """What is running, and who asks it."""

    def __init__(self, folder: Path, up: Running, upstream: Counting) -> None:
        self.folder = folder
        self.up = up
        self.upstream = upstream
        self.callers = Callers(port(up.ready()["urls"]["gateway"]), up.ready()["key"])

    def pid(self, name: str) -> int:
        return int(self.up.ready()["pids"][name])

    def log(self, name: str) -> str:
        return self.up.home.log(name).read_text()

    def kill(self, name: str, number: int) -> None:
        os.kill(self.pid(name), number)

    def until_remote(self, workers: int = 2, times: int = 1) -> None:
        """Wait until every worker asks the limiter, for so manieth time."""
        for worker in range(1, workers + 1):
            name = f"gateway-{worker}"
            self.up.until(lambda name=name: self.log(name).count("limiter_found") >= times)


def write(folder: Path, upstream: Counting, slots: int, workers: int = 2) -> None:
    key = folder / "upstream.key"
    key.touch(mode=0o600)
    key.write_text("secret")
    text = FILE.format(workers=workers, port=upstream.port, key=key, slots=slots)
    (folder / "penstock.toml").write_text(text)


@contextlib.contextmanager
def fleet(folder: Path, slots: int = 4, workers: int = 2) -> Generator[Fleet]:
    with counting() as upstream:
        write(folder, upstream, slots, workers)
        with running(folder, REAL) as up:
            made = Fleet(folder, up, upstream)
            made.until_remote(workers)
            yield made
            assert up.stop() == 0


@pytest.mark.slow
def test_slots_are_shared_exactly_and_all_are_used(tmp_path: Path) -> None:
    with fleet(tmp_path) as made:
        assert set(made.up.ready()["pids"]) == {
                "up", "control", "status", "chat", "limiter", "gateway-1", "gateway-2",
            }  # fmt: skip
        asyncio.run(made.callers.many(120, at_once=24))
        assert made.callers.statuses == {200: 120}
        assert made.upstream.peak == 4
        lines = [spool.lines(path) for path in made.up.home.spool.glob("*.jsonl")]
        closed = [[one for one in some if b'"closed"' in one] for some in lines]
        assert sum(map(len, closed)) == 120
        assert len([some for some in closed if some]) == 2, "both have served"


@pytest.mark.slow
def test_any_admin_port_tells_of_all_workers(tmp_path: Path) -> None:
    with fleet(tmp_path) as made:
        asyncio.run(made.callers.many(60, at_once=12))
        made.up.until(lambda: complete(made) == 60)
        told = telemetry(made)
        assert {one["worker"]: one["asks"] for one in told["workers"]} == {
            1: "limiter",
            2: "limiter",
        }
        assert told["gate"]["desks"][0]["limit"] == 4
        assert told["spool"]["lines"] == 120  # opened and closed
        made.kill("gateway-1", signal.SIGKILL)
        made.up.until(lambda: "gateway-1 is back" in made.up.out)
        asyncio.run(made.callers.many(10, at_once=2))
        made.up.until(lambda: complete(made) == 70)


def complete(made: Fleet) -> int:
    return sum(one["exchanges"] for one in telemetry(made)["routes"])


def telemetry(made: Fleet) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port(made.up.ready()["urls"]["metrics"]))
    with contextlib.closing(connection):
        connection.request("GET", "/telemetry")
        return json.loads(connection.getresponse().read())


def test_a_tenants_limit_holds_across_workers_exactly(tmp_path: Path) -> None:
    async def scene(made: Fleet, key: str) -> None:
        made.upstream.hold_s = 0.5
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(made.callers.ask(key))

    with fleet(tmp_path, slots=50) as made:
        told = penstock(tmp_path, "tenants", "set", "acme", "--concurrency", "5")
        assert told.returncode == 0, told.stdout + told.stderr
        key = penstock(tmp_path, "keys", "add", "k", "--tenant", "acme").stdout.strip()
        penstock(tmp_path, "reload")
        asyncio.run(scene(made, key))
        assert made.callers.statuses == {200: 5, 429: 15}
        assert made.upstream.peak == 5


@pytest.mark.slow
def test_a_killed_workers_slots_come_back_and_no_other_caller_notices(tmp_path: Path) -> None:
    async def scene(made: Fleet) -> None:
        made.upstream.hold_s = 0.5
        async with asyncio.TaskGroup() as group:
            group.create_task(made.callers.many(80, at_once=32))
            await until(lambda: made.upstream.in_flight == 8)
            made.kill("gateway-1", signal.SIGKILL)
            killed_at_s = asyncio.get_running_loop().time()
            await until(lambda: made.upstream.left and made.upstream.in_flight == 8)
            assert asyncio.get_running_loop().time() - killed_at_s < 1.0

    with fleet(tmp_path, slots=8) as made:
        asyncio.run(scene(made))
        assert made.upstream.peak == 8
        cut = made.callers.statuses.pop(0, 0)
        assert made.callers.statuses.get(200, 0) == 80 - cut
        assert 0 < cut <= 32
        made.up.until(lambda: "gateway-1 is back" in made.up.out)


@pytest.mark.slow
def test_without_its_limiter_each_goes_on_with_its_share(tmp_path: Path) -> None:
    async def scene(made: Fleet) -> None:
        made.upstream.hold_s = 0.02
        async with asyncio.TaskGroup() as group:
            group.create_task(made.callers.many(600, at_once=24))
            await until(lambda: made.upstream.answered >= 100)
            made.kill("limiter", signal.SIGKILL)

    with fleet(tmp_path) as made:
        asyncio.run(scene(made))
        assert made.callers.statuses == {200: 600}
        assert made.upstream.peak <= 4 + 2, "what one had, and the other's share"
        made.until_remote(times=2)
        made.upstream.peak = 0
        asyncio.run(made.callers.many(60, at_once=24))
        assert made.callers.statuses == {200: 660}
        assert made.upstream.peak == 4


@pytest.mark.slow
def test_a_limiter_that_stands_still_is_as_one_that_is_dead(tmp_path: Path) -> None:
    async def scene(made: Fleet) -> float:
        made.upstream.hold_s = 0.02
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            group.create_task(made.callers.many(800, at_once=24))
            await until(lambda: made.upstream.answered >= 100)
            made.kill("limiter", signal.SIGSTOP)
            stopped_at, answered = loop.time(), made.upstream.answered
            # Four may have been under way.
            await until(lambda: made.upstream.answered >= answered + 4 + 10)
            silent_s = loop.time() - stopped_at
            await asyncio.sleep(1.0)
            made.kill("limiter", signal.SIGCONT)
        return silent_s

    with fleet(tmp_path) as made:
        assert asyncio.run(scene(made)) < 1.0
        assert made.callers.statuses == {200: 800}
        assert made.upstream.peak <= 4 + 2, "what one had, and the other's share"
        made.until_remote(times=2)
        made.upstream.peak = 0
        asyncio.run(made.callers.many(60, at_once=24))
        assert made.callers.statuses == {200: 860}
        assert made.upstream.peak == 4


@pytest.mark.slow
def test_a_reload_reaches_all(tmp_path: Path) -> None:
    with fleet(tmp_path) as made:
        write(tmp_path, made.upstream, slots=2)
        told = penstock(tmp_path, "reload")
        assert told.returncode == 0, told.stdout + told.stderr
        asyncio.run(made.callers.many(40, at_once=16))
        assert made.callers.statuses == {200: 40}
        assert made.upstream.peak == 2
