"""One browser at the chat: its cookies, its network, what it sends, and the stream that it reads.

    sign_up, log_in   forms, as the pages send them; they raise DoorError where one does not get in
    send              JSON, as the pages' scripts send it
    listen            the stream of events; it ends when the line does, and can be taken up again

Each person has a network of its own, in ``X-Forwarded-For``: the chat must trust us as a proxy.
"""

from collections.abc import AsyncGenerator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NamedTuple

import httpx
import msgspec

from penstock.dialects.sse import Splitter

PHRASE: Final = "a quiet canal in four seasons"
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)  # a page's own patience with a send
POOL: Final = httpx.Limits(max_connections=1_000, max_keepalive_connections=100)
SEE_OTHER: Final = 303
OK: Final = 200


class DoorError(Exception):
    """One does not get in; ``status`` is 0 if no answer came."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the door answers {status}")
        self.status = status


class Event(NamedTuple):
    """One event of the stream."""

    name: str
    data: bytes
    seq: str


def new_client() -> httpx.AsyncClient:
    """Return what all browsers share: connections, and no cookies."""
    nobody = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, limits=POOL, cookies=nobody)


class Browser:
    """One browser of one person."""

    def __init__(self, client: httpx.AsyncClient, url: str, name: str, number: int) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._email = f"{name}@people.example"
        self._network = f"10.{number >> 8 & 255}.{number & 255}.7"
        self.cookies: dict[str, str] = {}

    async def sign_up(self) -> None:
        """Make an account, and be in."""
        await self._enter("/signup", name="One", email=self._email, password=PHRASE)

    async def log_in(self) -> None:
        """Come in with a password, as a browser that has never been here."""
        self.cookies = {}
        await self._enter("/login", email=self._email, password=PHRASE)

    async def ask(
        self, method: str, path: str, body: object = None, bearer: str = ""
    ) -> httpx.Response:
        """Ask the API once; raises httpx.HTTPError if no answer comes."""
        headers = self._headers() if not bearer else {"authorization": f"Bearer {bearer}"}
        headers["content-type"] = "application/json"
        content = b"" if body is None else msgspec.json.encode(body)
        return await self._client.request(
            method, f"{self._url}/api/v1{path}", content=content, headers=headers
        )

    async def listen(self, after: str) -> AsyncGenerator[Event]:
        """Yield what is told from an event on; empty: from now on. Raises as ``ask``, or Door."""
        headers = self._headers() | ({"last-event-id": after} if after else {})
        timeout = httpx.Timeout(30.0)  # twice the keep-alive's time
        async with self._client.stream(
            "GET", f"{self._url}/api/v1/events", headers=headers, timeout=timeout
        ) as answer:
            if answer.status_code != OK:
                raise DoorError(answer.status_code)
            splitter = Splitter()
            async for chunk in answer.aiter_bytes():
                for one in splitter.feed(chunk):
                    yield _event(one)

    async def _enter(self, path: str, **fields: str) -> None:
        try:
            answer = await self._client.post(self._url + path, data=fields, headers=self._headers())
        except httpx.HTTPError as error:
            raise DoorError(0) from error
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        if answer.status_code != SEE_OTHER:
            raise DoorError(answer.status_code)

    def _headers(self) -> dict[str, str]:
        told = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"origin": self._url, "x-forwarded-for": self._network}
        return headers | {"cookie": told} if told else headers


def _event(raw: bytes) -> Event:
    fields = {"event": "", "data": "", "id": ""}
    for line in raw.decode().splitlines():
        name, _, value = line.partition(":")
        if name in fields:
            fields[name] = value.removeprefix(" ")
    return Event(fields["event"], fields["data"].encode(), fields["id"])
