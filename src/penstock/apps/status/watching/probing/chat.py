"""A chat probe: what a person does at the chat, as its pages do it, to the last token.

1  log in by the form of the page (``login``)
2  POST a conversation, listen to the stream of events, POST a canary as a message
3  read the answer's deltas until its message says that it is done
4  DELETE the conversation, and log out: whatever has happened, if it can be done

good      done, and the canary's words stand in it; the first delta later than slow_s: slow
failed    no log-in; the chat does not take the message; its events end; the answer is broken or
          refused, by the code of its trouble
wrong     done, without the canary's words
unknown   limit: too many log-ins or messages, by its own rule; waiting: it is still in the waiting
          room at the end, where capacity is short and not the chat
"""

from collections.abc import AsyncIterator, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from penstock.apps.status.watching.probing import login, result
from penstock.apps.status.watching.probing.canary import Question
from penstock.apps.status.watching.probing.http import status_word
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.watch.evidence import ProbeResult

API: Final = "/api/v1"
DONE: Final = "done"
WAITING: Final = "waiting"
ENDED: Final = frozenset(("stopped", "broken", "refused"))
LINE_BYTES_MAX: Final = 1024 * 1024  # of an event: an answer to a canary is a few words


class Delta(msgspec.Struct):
    """More of a text, behind so many UTF-16 units of it."""

    message: str
    at: int
    text: str


class Trouble(msgspec.Struct):
    """Why there is no answer."""

    code: str = ""


class Message(msgspec.Struct):
    """A message as it is now; without its text where the deltas have told it."""

    id: str
    state: str
    text: str | None = None
    error: Trouble | None = None


class Reading:
    """What has been seen of an answer; its text grows by deltas, each with its place."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.text = ""
        self.state = WAITING
        self.trouble = ""
        self.ttft_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state == DONE or self.state in ENDED

    def take(self, name: str, told: bytes, since_s: float) -> None:
        """Take one event, so many seconds after the message."""
        if name == "delta":
            self._on_delta(msgspec.json.decode(told, type=Delta), since_s)
        elif name == "message":
            self._on_message(msgspec.json.decode(told, type=Message))

    def _on_delta(self, delta: Delta, since_s: float) -> None:
        if delta.message == self.answer:
            kept = self.text.encode("utf-16-le")[: 2 * delta.at]
            self.text = kept.decode("utf-16-le", "replace") + delta.text
            self.ttft_s = since_s if self.ttft_s is None else self.ttft_s

    def _on_message(self, message: Message) -> None:
        if message.id == self.answer:
            self.state = message.state
            self.text = message.text or self.text
            self.trouble = message.error.code if message.error is not None else ""


class Visit:
    """One person's visit, from log-in to log-out."""

    def __init__(self, http: httpx.AsyncClient, url: str, means: Means) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._http = http
        self._means = means
        self._conversation = f"probe-{_word(means.chance)}"
        self.reading = Reading(f"probe-{_word(means.chance)}")

    async def converse(self, text: str) -> None:
        """Say something, and read the answer; raises StopError."""
        await self._send("/conversations", {"id": self._conversation})
        sent_at_s = -1.0
        async with self._http.stream("GET", f"{self._origin}{API}/events") as response:
            if not response.is_success:
                raise login.StopError(refused(response))
            async for name, told in events(response):
                if sent_at_s < 0.0:
                    sent_at_s = self._means.now_s()
                    await self._send(f"/conversations/{self._conversation}/messages", {
                        "id": f"probe-{_word(self._means.chance)}",
                        "answer": self.reading.answer, "parent": "", "text": text,
                    })  # fmt: skip
                self.reading.take(name, told, self._means.now_s() - sent_at_s)
                if self.reading.is_over:
                    return
        raise login.StopError(result.failed("broken_stream"))

    async def tidy(self) -> None:
        """Leave nothing behind."""
        url = f"{self._origin}{API}/conversations/{self._conversation}"
        await self._http.delete(url, headers={"origin": self._origin})

    async def _send(self, path: str, body: dict[str, str]) -> None:
        url = f"{self._origin}{API}{path}"
        response = await self._http.post(url, json=body, headers={"origin": self._origin})
        if not response.is_success:
            raise login.StopError(refused(response))


async def probe(
    url: str,
    who: tuple[str, str],
    question: Question,
    times: tuple[float, float],
    means: Means,
) -> Outcome:
    """Visit once. ``times``: how long it may take, and from when on it is slow."""
    within_s, slow_s = times
    host = urlsplit(url).hostname or ""
    began_s, visits = means.now_s(), list[Visit]()

    async def work() -> Outcome:
        async with result.client(means.tls, within_s) as http:
            try:
                page, at = await login.enter(http, url, who)
                visit = Visit(http, url, means)
                visits.append(visit)
                try:
                    await visit.converse(question.text)
                finally:
                    await visit.tidy()
                    await login.leave(http, page, at)
            except login.StopError as stopped:
                return stopped.outcome
            return verdict(visits[0].reading, question, slow_s, means.now_s() - began_s)

    outcome = await result.bounded(work, within_s, host)
    if outcome.how == "timeout" and visits and visits[0].reading.state == WAITING:
        outcome = result.unknown("waiting")
    return msgspec.structs.replace(outcome, host=host)


def verdict(reading: Reading, question: Question, slow_s: float, total_s: float) -> Outcome:
    """Return what an answer means that has come to its end."""
    if reading.state != DONE:
        how = reading.trouble or reading.state
        return result.failed(how, ttft_s=reading.ttft_s, total_s=total_s)
    if not question.is_answered_by(reading.text):
        return Outcome(
            result=ProbeResult.WRONG, how="wrong", ttft_s=reading.ttft_s, total_s=total_s
        )
    return result.ended(slow_s, total_s, reading.ttft_s)


def refused(response: httpx.Response) -> Outcome:
    """Return what an answer of the chat means that is none."""
    if response.status_code == login.TOO_MANY:
        return result.unknown("limit")
    return result.failed(status_word(response.status_code))


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, bytes]]:
    """Yield the events of a stream: name and data."""
    name, size = "", 0
    async for line in response.aiter_lines():
        size += len(line)
        if size > LINE_BYTES_MAX:
            return
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, line.removeprefix("data:").encode()


def _word(chance: Callable[[], float]) -> str:
    """Return a name that nobody else has."""
    return f"{int(chance() * (1 << 52)):013x}"
