"""A log-in is not blamed for what is behind it, nor excused where it forgets whom it let in."""

import asyncio
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import ClassVar

import pytest

from penstock.apps.status.watching.probing import login, result
from penstock.wire import clock

FORM = (
    '<form action="/login" method="post"><input type="email" name="email">'
    '<input type="password" name="password"><button>Log in</button></form>'
)
OUT = '<form action="/logout" method="post"><button>Log out</button></form>'
WHO = ("probe@example.org", "secret")
RESET = 0


class Site(BaseHTTPRequestHandler):
    """A log-in that lets everybody in, and whatever is behind it."""

    behind: ClassVar[tuple[int, str]] = (200, OUT)
    at_log_in: ClassVar[int] = 303

    def do_GET(self) -> None:
        self._say(*((200, FORM) if self.path == "/login" else self.behind))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._say(self.at_log_in if self.path == "/login" else 303, "")

    def _say(self, status: int, text: str) -> None:
        if status == RESET:
            self.close_connection = True
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", "/inside")
            self.send_header("set-cookie", "session=1; Path=/")
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/login"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("behind", "at_log_in", "told"),
    [
        ((200, OUT), 303, "good"),
        ((503, ""), 303, "unknown behind"),
        ((500, ""), 303, "unknown behind"),
        ((RESET, ""), 303, "unknown behind"),
        ((401, ""), 303, "failed http_4xx"),
        ((200, FORM), 303, "failed session"),
        ((303, ""), 303, "failed http_3xx"),
        ((200, OUT), 503, "failed http_5xx"),
        ((200, OUT), RESET, "failed broken"),
        ((200, OUT), 429, "unknown limit"),
    ],
)
def test_a_log_in_is_judged_by_what_it_does_itself(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    behind: tuple[int, str],
    at_log_in: int,
    told: str,
) -> None:
    monkeypatch.setattr(Site, "behind", behind)
    monkeypatch.setattr(Site, "at_log_in", at_log_in)
    means = result.Means(now_s=clock.now_s, chance=Random(1).random, tls=result.context())
    found = asyncio.run(login.probe(url, WHO, (20.0, 10.0), means))
    assert f"{found.result.value} {found.how}".strip() == told
