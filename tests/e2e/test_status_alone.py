"""The status process is a fault domain of its own: whatever dies, it goes on; and it costs nobody.

With ``up``, gateway, control and the providers killed it serves its page, takes reports, lets
operators in by either kind of token, and writes the site; no component is said to work that cannot.
Killed, frozen or flooded itself, it is not noticed by those who call the API.
"""

import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.running import REAL, Running, port, running
from tests.e2e.console import OWNER, PASSWORD
from tests.e2e.test_up import answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Told = Callable[[str, object], None]
WITHIN_S = 60.0
SEEN_WITHIN_S = 150.0
POLL_S = 0.05
FLOOD_S = 8.0
CALLS = 20
FLOOD = Path(__file__).with_name("flood.py")


def until(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait for something, whoever runs."""
    until_s = time.monotonic() + within_s
    waiting = threading.Event()
    while not condition():
        assert time.monotonic() < until_s, "waited for too long"
        waiting.wait(POLL_S)


def signed_token(up: Running) -> str:
    """Come in as the first owner, and return the token that other processes take."""
    number = port(up.ready()["urls"]["control"])
    origin = f"http://console.localhost:{number}"
    headers = {"host": f"console.localhost:{number}", "origin": origin}
    url = f"http://127.0.0.1:{number}"
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=WITHIN_S) as browser:
        link = (up.home.root / "first-link").read_text().strip()
        form = {"email": OWNER, "name": "First Owner", "password": PASSWORD}
        made = browser.post(f"/first/{link}", data=form)
        assert made.status_code == 303, made.text
        return str(browser.post("/api/v1/account/signed-token").json()["token"])


HONEST = {"unknown", "partial_outage", "major_outage"}


class Page:
    """The status process from outside."""

    def __init__(self, up: Running) -> None:
        self._url = up.ready()["urls"]["status"]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"{self._url}{path}"
        return httpx.request(method, url, trust_env=False, timeout=WITHIN_S, **more)

    def states(self) -> dict[str, str]:
        told = self.ask("GET", "/api/status.json").json()
        groups = {one["group_id"] for one in told["components"]}
        return {one["name"]: one["state"] for one in told["components"] if one["id"] not in groups}

    def others(self) -> set[str]:
        """Return the states of all but itself, which works."""
        return {state for name, state in self.states().items() if name != "Status page"}

    def component(self, name: str) -> str:
        told = self.ask("GET", "/api/v2/components.json").json()["components"]
        return next(one["id"] for one in told if one["name"] == name)

    def open(self, token: str, title: str) -> httpx.Response:
        components = {self.component("API"): "major_outage"}
        body = {"name": title, "body": "We look.", "components": components}
        headers = {"authorization": f"Bearer {token}"}
        return self.ask("POST", "/api/v1/incidents", json=body, headers=headers)

    def has(self, title: str) -> bool:
        told = self.ask("GET", "/api/v2/incidents.json").json()["incidents"]
        return title in {one["name"] for one in told}


def killed(up: Running) -> None:
    """Kill all but the status process; nobody is left to start them again."""
    pids = dict(up.ready()["pids"])
    del pids["status"]
    os.kill(pids.pop("up"), signal.SIGKILL)
    up.process.wait(WITHIN_S)
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_alone_it_serves_takes_reports_lets_operators_in_and_claims_nothing(
    tmp_path: Path, record_property: Told
) -> None:
    with running(tmp_path, REAL, ["--emulate"]) as up:
        page = Page(up)
        until(lambda: "operational" in page.states().values(), SEEN_WITHIN_S)
        token = signed_token(up)
        killed(up)
        died_s = time.monotonic()
        front = page.ask("GET", "/")
        assert (front.status_code, "</html>" in front.text) == (200, True)
        form = page.ask("POST", "/report", data={"component": "api", "category": "errors"})
        assert (form.status_code, "Thank you" in form.text) == (200, True), form.text
        headers = {"user-agent": "somebody else"}
        told = page.ask("POST", "/api/v1/reports", json={"component": "api"}, headers=headers)
        assert (told.status_code, told.json()["reports_hour"]) == (202, 2), told.text
        until(lambda: "operational" not in page.others(), SEEN_WITHIN_S)
        record_property("none_said_to_work_after_s", time.monotonic() - died_s)
        until(lambda: page.others() <= HONEST, SEEN_WITHIN_S)
        record_property("all_said_to_be_down_or_unknown_after_s", time.monotonic() - died_s)
        until(lambda: page.states()["API"] == "major_outage", SEEN_WITHIN_S)
        break_glass = (up.home.root / "control.token").read_text().strip()
        for secret, title in ((break_glass, "By break-glass"), (token, "By a signed token")):
            assert page.open(secret, title).status_code == 201
            until(lambda title=title: page.has(title))
        assert page.open(f"{token}x", "By nobody").status_code == 401
        summary = up.home.root / "site" / "api/v2/incidents.json"
        until(lambda: "By a signed token" in summary.read_text())  # served first, written then
        os.kill(up.ready()["pids"]["status"], signal.SIGTERM)


class Callers:
    """Those who call the API without pause, and what became of it."""

    def __init__(self, up: Running) -> None:
        ready = up.ready()
        self._port, self._key = port(ready["urls"]["gateway"]), ready["key"]
        self.took_s: list[float] = []
        self.failed: list[str] = []
        self._is_over = threading.Event()

    @contextlib.contextmanager
    def calling(self) -> Generator[None]:
        """Call while the block runs."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join(WITHIN_S)
            self._is_over.clear()

    def figures(self) -> dict[str, float]:
        """Return median, 99th percentile and the longest, in milliseconds; and forget them."""
        assert not self.failed, self.failed[:3]
        times_s, self.took_s = sorted(self.took_s), []
        p99_s = times_s[int(0.99 * (len(times_s) - 1))]
        found = (statistics.median(times_s), p99_s, times_s[-1])
        p50, p99, most = (round(1000 * one, 1) for one in found)
        return {"calls": len(times_s), "p50_ms": p50, "p99_ms": p99, "max_ms": most}

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WITHIN_S)
        body = {"model": "auto", "max_tokens": 8, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        while not self._is_over.is_set():
            began_s = time.perf_counter()
            try:
                connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
                response = connection.getresponse()
                told = response.read()
                if response.status != http.client.OK:
                    self.failed.append(told.decode())
            except OSError as error:
                self.failed.append(repr(error))
                connection.close()
            self.took_s.append(time.perf_counter() - began_s)
        connection.close()


class Ground:
    """A run, those who call its API, and how that went while something happened."""

    def __init__(self, up: Running, told: Told) -> None:
        self.up = up
        self.callers = Callers(up)
        self._told = told

    def pid(self) -> int:
        return int(self.up.ready()["pids"]["status"])

    def measured(self, name: str, work: Callable[[], object]) -> None:
        """Do something while others call; none of them may fail."""
        with self.callers.calling():
            work()
        self._told(name, self.callers.figures())

    def enough(self) -> None:
        """Wait until there were some calls."""
        until(lambda: len(self.callers.took_s) >= CALLS)

    def is_killed(self) -> None:
        for _ in range(2):
            before = self.pid()
            os.kill(before, signal.SIGKILL)
            self.up.until(lambda before=before: self.pid() != before)

    def is_frozen(self) -> None:
        frozen = self.pid()
        os.kill(frozen, signal.SIGSTOP)
        try:
            self.enough()
        finally:
            os.kill(frozen, signal.SIGCONT)

    def is_flooded(self) -> None:
        command = [sys.executable, str(FLOOD), self.up.ready()["urls"]["status"], str(FLOOD_S)]
        run = subprocess.run(command, capture_output=True, check=True, timeout=WITHIN_S * 2)
        sent = json.loads(run.stdout)
        self._told("flood", sent)
        assert set(sent["by_status"]) <= {"200", "202"}, sent
        self.enough()


def test_who_calls_the_api_does_not_notice_what_happens_to_it(
    tmp_path: Path, record_property: Told
) -> None:
    (tmp_path / "penstock.toml").write_text('[status]\ntrusted_proxies = ["127.0.0.1"]\n')
    with running(tmp_path, REAL, ["--emulate"]) as up:
        ground = Ground(up, record_property)
        assert answer(up, up.ready()["key"])[0] == 200
        ground.measured("usual", ground.enough)
        ground.measured("killed", ground.is_killed)
        ground.measured("frozen", ground.is_frozen)
        page = Page(up)
        until(lambda: page.ask("GET", "/").status_code == 200)
        ground.measured("flooded", ground.is_flooded)
        assert page.ask("GET", "/").status_code == 200
        up.stop()
