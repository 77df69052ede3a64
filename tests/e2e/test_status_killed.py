"""The status process, killed at random instants while everything happens at once.

Its component begins to fail, people report, an operator opens incidents, a webhook is told, a file
server reads the site. After each kill it is started again. In the end there is one incident of the
watch's and none twice of the operator's; each was told, a repeat under the same id; no report that
was taken a second before a kill is missing, and none counts twice; the site was whole at any time.
"""

import contextlib
import http.server
import json
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.status_process import StatusProcess, until

from penstock.apps.status.store import open_status
from penstock.apps.status.subscriptions import sealing, subscribing
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.config.watching import Probe, ProbeKind

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Told = Callable[[str, object], None]
KILLS = 12
SEED = 4711
ALIVE_S = (0.2, 4.0)  # after it listens
FOUND_WITHIN_S = 90.0
UNWRITTEN_S = 2.0  # a second, and the writing on a busy machine
PAUSE_S = 0.1
OPENED_MANY = 30  # of the 50 that may be open: the last one, too, is to be found after a kill
FILES = ("index.html", "api/v2/summary.json", "history.atom", "api/status.json")


class Outside:
    """What the component is made of, and where the webhook points."""

    def __init__(self) -> None:
        self.is_failing = False
        self.calls: list[tuple[str, dict[str, Any]]] = []  # webhook-id, payload
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(500 if outside.is_failing else 200)

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                body = json.loads(self.rfile.read(length))
                outside.calls.append((self.headers.get("webhook-id", ""), body))
                self._say(200)

            def _say(self, status: int) -> None:
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_request(self, code: object = "-", size: object = "-") -> None:
                del code, size

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    @contextlib.contextmanager
    def serving(self) -> Generator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class Crowd:
    """Those who report, operate and read, each in a thread; they forgive a page that is away."""

    def __init__(self, process: StatusProcess) -> None:
        self._process = process
        self._is_over = threading.Event()
        self.taken: dict[str, float] = {}  # the words of a report that was taken -> when
        self.opened: list[str] = []  # titles whose opening was answered
        self.asked: list[str] = []
        self.broken: list[str] = []
        self.reads = 0

    @contextlib.contextmanager
    def busy(self) -> Generator[None]:
        works = (self._report, self._operate, self._read)
        threads = [threading.Thread(target=self._go_on, args=(one,)) for one in works]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self._is_over.set()
            for one in threads:
                one.join()

    def _go_on(self, work: Callable[[int], float]) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            pause_s = PAUSE_S
            with contextlib.suppress(httpx.HTTPError):
                pause_s = work(number)
            self._is_over.wait(pause_s)

    def _report(self, number: int) -> float:
        words = f"report {number}"
        body = {"component": "api", "category": "errors", "words": words}
        headers = {"x-forwarded-for": f"11.{number // 250}.{number % 250}.7"}
        url = f"{self._process.url}/api/v1/reports"
        told = httpx.post(url, json=body, headers=headers, trust_env=False)
        assert told.json()["is_counted"], told.text
        self.taken[words] = time.monotonic()
        return 0.02

    def _operate(self, number: int) -> float:
        title = f"Incident {number}"
        self.asked.append(title)
        if self._process.open(title).status_code == 201:
            self.opened.append(title)
        return 0.7 if len(self.opened) < OPENED_MANY else 5.0

    def _read(self, number: int) -> float:
        """Read a file through the link, as a file server does."""
        name = FILES[number % len(FILES)]
        try:
            text = (self._process.state / "site" / name).read_text()
        except OSError as error:
            self.broken.append(f"{name}: {error}")
            return 0.0
        self.reads += 1
        is_whole = text.rstrip().endswith(("</html>", "}", "</feed>"))
        if not is_whole:
            self.broken.append(f"{name}: {text[-40:]}")
        return 0.001


def rows(process: StatusProcess, statement: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{process.database}?mode=ro", uri=True)) as one:
        return one.execute(statement).fetchall()


def subscribe(process: StatusProcess, url: str) -> None:
    """Add a webhook that has confirmed."""
    store = open_status(process.state)
    asked = Asked(Kind.WEBHOOK, url, ())
    with store.writing() as connection:
        assert subscribing.add(connection, sealing.kept(process.state), asked, time.time())
    store.close()


def the_watchs(process: StatusProcess) -> list[tuple[Any, ...]]:
    return rows(process, "select id, status from incidents where origin = 'watch'")


def killed(process: StatusProcess, kills: int, dice: random.Random) -> list[float]:
    """Kill it at random instants; return when."""
    at_s: list[float] = []
    for _ in range(kills):
        threading.Event().wait(dice.uniform(*ALIVE_S))  # chance is what is tried here
        process.end(signal.SIGKILL)
        at_s.append(time.monotonic())
        process.start()
    return at_s


def test_killed_at_random_instants_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, record_property: Told
) -> None:
    outside, dice = Outside(), random.Random(SEED)
    probe = Probe(
        name="shop", kind=ProbeKind.HTTP, components=("API",), interval_s=1.0, url=outside.url
    )
    process = StatusProcess(tmp_path, (probe,), trusted_proxies=("127.0.0.1",))
    with outside.serving():
        try:
            process.start()
            subscribe(process, f"{outside.url}hook")
            crowd = Crowd(process)
            until(lambda: process.get("/api/status.json").json()["status"]["states"])
            with crowd.busy():
                until(lambda: "operational" in process.get("/api/status.json").text)
                outside.is_failing = True
                kills_s = killed(process, KILLS // 2, dice)
                until(lambda: the_watchs(process), FOUND_WITHIN_S)
                kills_s += killed(process, KILLS // 2, dice)
                last_s = max(crowd.taken.values())
                until(lambda: max(crowd.taken.values()) > last_s)
            settled(process, crowd)
            record_property("kills", len(kills_s))
            check_incidents(process, outside, crowd)
            check_reports(process, crowd, kills_s)
            assert crowd.broken == []
            assert crowd.reads > 100
            record_property("reads of the site", crowd.reads)
        finally:
            process.end()


def settled(process: StatusProcess, crowd: Crowd) -> None:
    """Wait until nothing is left to be told or written; a try that died is made again later."""
    until(lambda: not rows(process, "select 1 from deliveries where state = 'waiting'"), 120.0)
    newest = max(crowd.taken, key=crowd.taken.__getitem__)
    until(lambda: (newest,) in rows(process, "select words from reports"))


def check_incidents(process: StatusProcess, outside: Outside, crowd: Crowd) -> None:
    ours = the_watchs(process)
    assert len(ours) == 1, ours
    titles = [one for (one,) in rows(process, "select name from incidents where origin <> 'watch'")]
    assert len(titles) == len(set(titles))
    assert set(crowd.opened) <= set(titles) <= set(crowd.asked)
    ids: dict[str, set[str]] = {}
    told: set[str] = set()
    for id_, payload in outside.calls:
        if "incident" in payload:
            updates = [one["id"] for one in payload["incident"]["incident_updates"]]
            ids.setdefault(id_, set()).add(payload["incident"]["id"])
            told.update(updates)
    assert all(len(incidents) == 1 for incidents in ids.values())
    made = {one for (one,) in rows(process, "select id from incident_updates")}
    assert made <= told, made - told
    deliveries = [one for (one,) in rows(process, "select id from deliveries where what='update'")]
    assert len(deliveries) == len(made)
    assert set(ids) <= set(deliveries)


def check_reports(process: StatusProcess, crowd: Crowd, kills_s: list[float]) -> None:
    found = [one for (one,) in rows(process, "select words from reports where is_counted = 1")]
    assert len(found) == len(set(found))
    missing = {one: at_s for one, at_s in crowd.taken.items() if one not in set(found)}
    for words, at_s in missing.items():
        assert any(0.0 <= kill_s - at_s <= UNWRITTEN_S for kill_s in kills_s), words
    counted = rows(process, "select sum(votes) from report_hours")[0][0]
    assert counted == len(found)
