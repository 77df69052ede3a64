"""``penstock top`` as a process: it finds the gateway, or says why not and goes on trying."""

import fcntl
import http.server
import itertools
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from tests.cli.running import WITHIN_S, environment, penstock
from tests.web.test_live import desk, telemetry, with_tier

from penstock.cli.state import State
from penstock.config.private_file import write_json
from penstock.exchange.statistics import GateStatistics

ONCE = ("top", "--once", "-i", "0.1")


class Telling(http.server.BaseHTTPRequestHandler):
    """Tells ten more exchanges at each read, or what the path of the url asks for."""

    reads: ClassVar[Iterator[int]] = itertools.count()

    def do_GET(self) -> None:
        read = next(self.reads)
        now = telemetry(
            tiers=with_tier("free", outcomes={"complete": 10 * read}),
            gate=GateStatistics(3, (desk(in_flight=64, free={"waiting": 3}),)),
        )
        is_there = self.path == "/telemetry"
        body = msgspec.json.encode(now) if is_there else b"{"
        self.send_response(200 if is_there else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Junk(Telling):
    """Is no gateway."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")


def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def admin_url() -> Iterator[str]:
    """Serve telemetry."""
    yield from serving(Telling)


@pytest.fixture
def junk_url() -> Iterator[str]:
    """Serve something else."""
    yield from serving(Junk)


def ready(folder: Path, url: str) -> None:
    """Say where a gateway listens, as one does that has started."""
    home = State(folder / "state")
    home.run.mkdir(parents=True, exist_ok=True)
    write_json(home.ready("gateway"), {"admin_url": url})


def figures(line: str) -> dict[str, Any]:
    return json.loads(line)


def test_two_reads_make_the_rates(tmp_path: Path, admin_url: str) -> None:
    ready(tmp_path, admin_url)
    told = penstock(tmp_path, *ONCE, "--json")
    assert (told.returncode, told.stderr) == (0, "")
    (line,) = told.stdout.splitlines()
    found = figures(line)
    free = next(one for one in found["tiers"] if one["tier"] == "free")
    assert found["url"] == admin_url
    assert free["exchanges_per_s"] == pytest.approx(10.0 / found["interval_s"])
    assert found["headline"] == "claude full: 64 of 64 slots, free waits 0 ms"


@pytest.mark.parametrize("width", [60, 140])
def test_without_a_terminal_it_is_a_plain_table(tmp_path: Path, admin_url: str, width: int) -> None:
    told = penstock(tmp_path, *ONCE, "--url", admin_url, COLUMNS=str(width))
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0] == "▲ claude full: 64 of 64 slots, free waits 0 ms"
    assert max(len(line) for line in lines) <= width
    assert "\x1b" not in told.stdout
    assert sum(line.startswith("▲ claude") for line in lines) == 2


def test_nothing_has_run_yet(tmp_path: Path) -> None:
    told = penstock(tmp_path, *ONCE)
    assert told.returncode == 1
    assert told.stdout.startswith("■ no gateway answers: nothing has run in ")


def test_a_gateway_that_is_down(tmp_path: Path) -> None:
    ready(tmp_path, "http://127.0.0.1:1")
    told = penstock(tmp_path, *ONCE, "--json")
    assert told.returncode == 1
    found = figures(told.stdout)
    assert (found["is_up"], found["tiers"]) == (False, [])
    assert found["headline"] == "no gateway answers at http://127.0.0.1:1: connection refused"


@pytest.mark.slow
def test_somebody_else_answers(tmp_path: Path, junk_url: str, admin_url: str) -> None:
    told = penstock(tmp_path, *ONCE, "--url", junk_url)
    assert "its answer is not that of a gateway" in " ".join(told.stdout.split())
    told = penstock(tmp_path, *ONCE, "--url", f"{junk_url}/elsewhere?")
    assert told.returncode == 1
    told = penstock(tmp_path, *ONCE, "--url", "localhost")
    assert "'localhost' is no address of an admin port" in told.stdout
    assert penstock(tmp_path, *ONCE, "--url", admin_url).returncode == 0


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "often"])
def test_an_interval_that_is_none(tmp_path: Path, interval: str) -> None:
    told = penstock(tmp_path, "top", "-i", interval)
    assert told.returncode == 2
    assert "--interval" in told.stderr


@contextmanager
def started(folder: Path, *args: str, **how: Any) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "penstock", "top", "-i", "0.1", *args],
        cwd=folder,
        env=environment(folder, TERM="xterm-256color"),
        text=True,
        **how,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # where a claim fails: it would be waited for, for ever


def test_it_goes_on_trying_and_finds_where_the_gateway_is_now(
    tmp_path: Path, admin_url: str
) -> None:
    ready(tmp_path, "http://127.0.0.1:1")
    with started(tmp_path, "--json", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert not figures(process.stdout.readline())["is_up"]
        ready(tmp_path, admin_url)
        found = next(one for line in process.stdout if (one := figures(line))["is_up"])
        assert found["interval_s"] is None, "one read makes no rates"
        assert figures(process.stdout.readline())["interval_s"] > 0.0
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(WITHIN_S) == 0


def test_on_a_terminal_it_draws_until_it_is_told_to_stop(tmp_path: Path, admin_url: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    with started(tmp_path, "--url", admin_url, stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        drawn = b""
        while b"nobody is refused" not in drawn:
            assert select.select([ours], [], [], WITHIN_S)[0], drawn
            drawn += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        while select.select([ours], [], [], WITHIN_S)[0]:
            try:
                drawn += os.read(ours, 65536)
            except OSError:  # it has closed its end
                break
        assert process.wait(WITHIN_S) == 0
    os.close(ours)
    assert b"known after the next read" in drawn, "it does not wait for rates to draw"
    assert b"\x1b[?1049h" in drawn  # a screen of its own, and the old one back
    assert b"\x1b[?1049l" in drawn


def test_workers_are_found_by_their_own_files(tmp_path: Path) -> None:
    home = State(tmp_path)
    home.run.mkdir(parents=True)
    assert home.gateways_ready() == []
    for at, name in enumerate(("gateway", "gateway-1", "gateway-2")):
        home.ready(name).write_text("{}")
        os.utime(home.ready(name), (at, at))
    names = [path.name for path in home.gateways_ready()]
    assert names == ["gateway-2.ready.json", "gateway-1.ready.json", "gateway.ready.json"]
