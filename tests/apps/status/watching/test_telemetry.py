"""The gateway's counters as evidence: from a real one, from nobody, and from somebody else."""

import asyncio
import http.server
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.apps.status.installation import Clock, installed

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import telemetry
from penstock.apps.status.watching.counting import Change, is_measured
from penstock.apps.status.watching.telemetry import Poller
from penstock.config import private_file
from penstock.watch.evidence import Kind, Silence

TOLD = {"format": 1, "started_unix_s": 1.0, "buckets_s": [1.0, 10.0], "upstreams": [], "fates": []}


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.silences: list[Silence] = []
        self.sources: list[str] = []

    def on_change(self, change: Change) -> None:
        self.changes.append(change)

    def on_silence(self, silence: Silence) -> None:
        self.silences.append(silence)

    def on_source(self, name: str, why: str) -> None:
        assert name == "gateway"
        self.sources.append(why)


async def never(seconds: float) -> None:
    raise AssertionError(seconds)


def looked(parts: Parts, times: int = 1) -> Heard:
    heard = Heard()

    async def look() -> None:
        poller = Poller(parts, heard, never)
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            for _ in range(times):
                await poller.look(client)

    asyncio.run(look())
    return heard


@contextmanager
def answering(status: int, body: bytes) -> Generator[str]:
    """Run a server that always says the same."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def aimed(folder: Path, url: str) -> Parts:
    parts = installed(folder, Clock())
    private_file.write_json(folder / "run" / "up.json", {"urls": {"metrics": url}})
    return parts


def test_the_first_look_counts_nothing_and_the_next_what_is_new(tmp_path: Path) -> None:
    with answering(200, msgspec.json.encode(TOLD)) as url:
        parts = aimed(tmp_path, url)
        heard = looked(parts, 2)
    assert heard.sources == ["", ""]
    measured = [one.id for one in parts.plan if is_measured(one)]
    assert [one.counts.component for one in heard.changes] == measured
    assert heard.silences == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"{}"), (503, b"{}"), (302, b""), (200, b'{"started_unix_s": "x"}')],
)
def test_whoever_else_answers_is_silence_and_no_outage(
    status: int, body: bytes, tmp_path: Path
) -> None:
    with answering(status, body) as url:
        parts = aimed(tmp_path, url)
        heard = looked(parts)
    measured = {one.id for one in parts.plan if is_measured(one)}
    assert {one.component for one in heard.silences} == measured
    assert {one.kind for one in heard.silences} == {Kind.TELEMETRY}
    assert heard.changes == []
    assert heard.sources[0].startswith("it is not the gateway")
    assert "127.0.0.1" not in heard.sources[0]  # the page is read by everybody


def test_nobody_there_is_silence_too(tmp_path: Path) -> None:
    heard = looked(aimed(tmp_path, "http://127.0.0.1:1"))
    assert heard.sources == ["nothing listens there"]


@pytest.mark.parametrize(
    ("admin_url", "up", "expected"),
    [
        ("http://gw:1/", {"metrics": "http://up:2"}, "http://gw:1"),
        ("", {"metrics": "http://up:2"}, "http://up:2"),
        ("", {}, "http://127.0.0.1:8401"),
    ],
)
def test_where_the_counters_are(
    admin_url: str, up: dict[str, str], expected: str, tmp_path: Path
) -> None:
    parts = installed(tmp_path, Clock())
    status = msgspec.structs.replace(parts.config.status, admin_url=admin_url)
    parts.config = msgspec.structs.replace(parts.config, status=status)
    if up:
        private_file.write_json(tmp_path / "run" / "up.json", {"urls": up})
    assert telemetry.admin_url(parts) == expected
