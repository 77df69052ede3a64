"""A gateway that says what a test wants, on a real socket: keys, replays and all.

It tells a text of its own, word by word; an answer asked for again under its key is replayed, and
one that is asked to go on does so from where it broke off.
"""

import asyncio
import json
from typing import Any

TEXT = "".join(f"word{n} \N{GRINNING FACE}{'n' * (n % 5)}, " for n in range(60))
PART = 3  # characters of each delta


class Kept:
    """One answer that it keeps."""

    def __init__(self, body: bytes, words: list[str]) -> None:
        self.body = body
        self.words = words
        self.told = 0  # of the words, by the pace
        self.is_cancelled = False


class FakeGateway:
    """One gateway; ``pace_s`` between words."""

    def __init__(self, text: str = TEXT, pace_s: float = 0.002) -> None:
        self.text = text
        self.pace_s = pace_s
        self.port = 0
        self.kept: dict[str, Kept] = {}
        self.made = 0  # answers that were begun
        self.replayed = 0
        self.deleted: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.hold = asyncio.Event()  # set: words go on
        self.hold.set()
        self.refuse: tuple[int, dict[str, Any], str] | None = None
        self.before: list[bytes] = []  # what is said ahead of the words
        self.fail_at = -1  # an error event after so many words, once
        self.open = 0
        self.streams = 0  # that tell an answer now
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self, *, forgets: bool = True) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if forgets:
            self.kept.clear()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.open += 1
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        if head[0].startswith("GET"):  # how it is: nobody asks for an answer so
            await _send(writer, 404, "", b"")
            return
        body = await reader.readexactly(int(headers["content-length"]))
        key = headers["idempotency-key"]
        if head[0].startswith("DELETE"):
            self.deleted.append(key)
            if key in self.kept:
                self.kept[key].is_cancelled = True
            await _send(writer, 204, "", b"")
            return
        if self.refuse is not None:
            status, error, more = self.refuse
            await _send(writer, status, more, json.dumps({"error": error}).encode())
            return
        kept = self.kept.get(key)
        if kept is not None and kept.body != body:
            error = {"code": "idempotency_key_reused", "message": "other words"}
            await _send(writer, 422, "", json.dumps({"error": error}).encode())
            return
        if kept is None:
            asked = json.loads(body)
            self.asked.append(asked)
            self.made += 1
            kept = self.kept[key] = Kept(body, _words(self._text_for(asked)))
        else:
            self.replayed += 1
        await self._counted(kept, writer)

    async def _counted(self, kept: Kept, writer: asyncio.StreamWriter) -> None:
        self.streams += 1
        try:
            await self._stream(kept, writer)
        finally:
            self.streams -= 1

    def _text_for(self, asked: dict[str, Any]) -> str:
        turns = asked["messages"]
        if len(turns) < 2 or turns[-2]["role"] != "assistant":
            return self.text
        prompt = turns[-1]["content"]
        anchor = prompt[prompt.index("\u00ab") + 1 : prompt.index("\u00bb")]
        return self.text[self.text.rindex(anchor) :]

    async def _stream(self, kept: Kept, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"x-penstock-upstream: one\r\nx-penstock-model: m\r\nx-penstock-attempts: 1\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for raw in self.before:
            _chunk(writer, raw)
        for number, word in enumerate(kept.words):
            await self.hold.wait()
            if number >= kept.told:
                await asyncio.sleep(self.pace_s)
                kept.told = number + 1
            if kept.is_cancelled:
                return
            if number == self.fail_at:
                self.fail_at = -1
                _chunk(writer, _data({"error": {"code": "upstream_error", "message": "it broke"}}))
                return
            _chunk(writer, _data({"choices": [{"delta": {"content": word}}]}))
            await writer.drain()
        _chunk(writer, _data({"choices": [{"finish_reason": "stop"}]}))
        usage = {"prompt_tokens": 3, "completion_tokens": len(kept.words)}
        _chunk(writer, _data({"choices": [], "usage": usage}))
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _words(text: str) -> list[str]:
    return [text[at : at + PART] for at in range(0, len(text), PART)]


def _data(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _chunk(writer: asyncio.StreamWriter, raw: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(raw), raw))


async def _send(writer: asyncio.StreamWriter, status: int, more: str, body: bytes) -> None:
    writer.write(
        f"HTTP/1.1 {status} X\r\n{more}content-length: {len(body)}\r\n"
        f"connection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()
