"""The floor: the least that a gateway in Python can cost, as a peer of its own.

uvloop and llhttp on both sides, one connection to the upstream for each of the callers', the key
looked up by its hash, the model read from the body and written into it, the upstream's credential.
Nothing else: no limit, no failure, no failover, no record. What Penstock costs beyond it is what
its features cost; what it costs beyond nginx is what Python costs.

    python bench/floor.py PORT UPSTREAM_PORT CALLER_KEY UPSTREAM_KEY
"""

import asyncio
import hashlib
import sys
from typing import Final, cast

import httptools
import msgspec
import uvloop

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
END: Final = b"0\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection to the upstream; passes answers on, whole or piece by piece."""

    def __init__(self, pool: list["Upstream"]) -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Transport | None = None
        self._headers: list[bytes] = []
        self._pieces: list[bytes] = []
        self._is_chunked = False
        self._is_new = self._is_done = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: tuple[bytes, bytes], answer: asyncio.Transport) -> None:
        """Ask, and write what comes to ``answer``."""
        self._answer = answer
        assert self.transport is not None
        self.transport.writelines(request)

    def data_received(self, data: bytes) -> None:
        """Write what one read brings in one piece."""
        self._parser.feed_data(data)
        out = self._pieces
        if self._is_chunked:
            out = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in out]
        if self._is_new:
            self._is_new = False
            head = b"HTTP/1.1 %d OK\r\n%b\r\n" % (
                self._parser.get_status_code(),
                b"".join(self._headers),
            )
            out = [head, *out]
        if self._is_done and self._is_chunked:
            out = [*out, END]
        self._pieces = []
        if out and self._answer is not None:
            self._answer.write(b"".join(out))
        if self._is_done:
            self._is_done = False
            self._answer = None
            self._pool.append(self)

    def on_message_begin(self) -> None:
        """Begin an answer."""
        self._headers = []
        self._is_chunked = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        if name.lower() == b"transfer-encoding":
            self._is_chunked = True
        self._headers.append(b"%b: %b\r\n" % (name, value))

    def on_headers_complete(self) -> None:
        """Have the head written with what follows."""
        self._is_new = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Note the end."""
        self._is_done = True


class Caller(asyncio.Protocol):
    """One caller's connection."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._parser = httptools.HttpRequestParser(self)
        self._secret = b""
        self._url = b""
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Keep the path."""
        self._url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the key."""
        if name.lower() == b"authorization":
            self._secret = value.partition(b" ")[2]

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Hand the request on."""
        body, self._body = b"".join(self._body), []
        assert self._transport is not None
        self._floor.serve(self._url, self._secret, body, self._transport)


class Floor:
    """What the connections share."""

    def __init__(self, upstream_port: int, caller_key: str, upstream_key: str) -> None:
        self._keys = {hashlib.sha256(caller_key.encode()).digest(): "bench"}
        self._port = upstream_port
        self._head = (
            f"host: 127.0.0.1:{upstream_port}\r\nauthorization: Bearer {upstream_key}\r\n"
            "content-type: application/json\r\n"
        ).encode()
        self._pool: list[Upstream] = []
        self._dials: set[asyncio.Task[None]] = set()

    def serve(self, url: bytes, secret: bytes, body: bytes, answer: asyncio.Transport) -> None:
        """Check the key, write the model, ask the upstream."""
        model = self._keys.get(hashlib.sha256(secret).digest())
        if model is None:
            answer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
            return
        fields = _FIELDS.decode(body)
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        body = msgspec.json.encode(fields)
        head = b"POST %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n" % (url, self._head, len(body))
        if self._pool:
            self._pool.pop().send((head, body), answer)
            return
        dial = asyncio.get_running_loop().create_task(self._dial((head, body), answer))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _dial(self, request: tuple[bytes, bytes], answer: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        _, upstream = await loop.create_connection(
            lambda: Upstream(self._pool), "127.0.0.1", self._port
        )
        upstream.send(request, answer)


async def serve(port: int, floor: Floor) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Caller(floor), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Floor(int(sys.argv[2]), sys.argv[3], sys.argv[4])))
