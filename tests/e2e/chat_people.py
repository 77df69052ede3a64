"""People at the chat, over plain HTTP as a browser's pages ask it; and crowds of them."""

import contextlib
import http.client
import itertools
import json
import socket
import threading
from collections import Counter
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

WITHIN_S: Final = 60.0
PASSWORD: Final = "a long password of mine"
FORM: Final = "application/x-www-form-urlencoded"
FAILURES: Final = (OSError, http.client.HTTPException, ValueError)


class Person:
    """One who has an account, with the cookies of one browser; each from a network of its own."""

    def __init__(self, url: str, number: int) -> None:
        self.place = urlsplit(url).netloc
        self.email = f"person-{number}@people.example"
        self.network = f"10.{number >> 8 & 255}.{number & 255}.7"
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection(self.place, timeout=WITHIN_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, self._headers(kind))
            response = connection.getresponse()
            for line in response.headers.get_all("set-cookie") or []:
                name, _, rest = line.partition("=")
                self.cookies[name] = rest.partition(";")[0]
            return response.status, response.read()

    def sign_up(self) -> int:
        """Make an account, and be in."""
        return self._form("/signup", name="One", email=self.email, password=PASSWORD)

    def log_in(self, password: str = PASSWORD) -> int:
        """Come in with a password."""
        return self._form("/login", email=self.email, password=password)

    def begin(self, conversation: str) -> int:
        """Make a conversation."""
        return self._told("/api/v1/conversations", {"id": conversation})[0]

    def say(self, conversation: str, answer: str, text: str) -> int:
        """Send a message; the answer has this id."""
        path = f"/api/v1/conversations/{conversation}/messages"
        body: dict[str, object] = {
            "id": f"u-{answer}",
            "answer": answer,
            "parent": "",
            "text": text,
        }
        return self._told(path, body)[0]

    def read(self, answer: str) -> dict[str, Any]:
        """Return an answer as it is now."""
        status, told = self.ask("GET", f"/api/v1/messages/{answer}")
        return json.loads(told) if status == 200 else {}

    @contextlib.contextmanager
    def listening(self) -> Any:
        """Hold a stream of events open, and read nothing of it."""
        host, port = self.place.split(":")
        lines = "".join(f"{name}: {value}\r\n" for name, value in self._headers("").items())
        with socket.create_connection((host, int(port)), WITHIN_S) as line:
            line.sendall(
                f"GET /api/v1/events HTTP/1.1\r\nhost: {self.place}\r\n{lines}\r\n".encode()
            )
            yield line

    def _form(self, path: str, **fields: str) -> int:
        return self.ask("POST", path, urlencode(fields).encode(), FORM)[0]

    def _told(self, path: str, body: dict[str, object]) -> tuple[int, bytes]:
        return self.ask("POST", path, json.dumps(body).encode())

    def _headers(self, kind: str) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "origin": f"http://{self.place}", "content-type": kind, "cookie": cookies,
            "x-forwarded-for": self.network,
        }  # fmt: skip


class Crowd:
    """Threads that do the same again and again until told to stop; counts what they were told."""

    def __init__(self, url: str, threads: int) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        self.statuses: Counter[int] = Counter()

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for one in self._threads:
            one.join(WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            person = Person(self._url, 1000 + next(self._numbers))
            try:
                self.statuses[person.log_in("not the password at all")] += 1
            except FAILURES:
                self.statuses[0] += 1
