"""The server refuses what two parsers could read differently, and holds every limit."""

import re

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.loopback import Place, Recorder, run, until, with_server
from tests.wire.offline import HOST, feed, offline

from penstock.config.model import ServerLimits
from penstock.wire.call import Call
from penstock.wire.server import PIPELINE_MAX

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: here\r\n\r\n"


def post(lines: bytes, body: bytes = b"0\r\n\r\n") -> bytes:
    return b"POST /first HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


def statuses(output: bytes) -> list[int]:
    """Return the status of every answer in it."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", output)]


# What two parsers could read differently: nothing behind it may ever be served.
AMBIGUOUS: dict[str, bytes] = {
    "TE and CL": post(b"transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
    "CL and TE": post(b"content-length: 5\r\ntransfer-encoding: chunked\r\n"),
    "CL twice, the same": post(b"content-length: 5\r\ncontent-length: 5\r\n"),
    "CL twice, different": post(b"content-length: 5\r\ncontent-length: 0\r\n"),
    "CL as a list": post(b"content-length: 5, 5\r\n"),
    "CL with a plus": post(b"content-length: +5\r\n"),
    "CL below zero": post(b"content-length: -5\r\n"),
    "CL in hex": post(b"content-length: 0x5\r\n"),
    "CL with an underscore": post(b"content-length: 0_5\r\n"),
    "CL empty": post(b"content-length:\r\n"),
    "CL too large for 64 bits": post(b"content-length: 99999999999999999999\r\n"),
    "space before the colon of CL": post(b"content-length : 5\r\n"),
    "space before the colon of TE": post(b"transfer-encoding : chunked\r\n"),
    "tab before the colon of TE": post(b"transfer-encoding\t: chunked\r\n"),
    "xchunked": post(b"transfer-encoding: xchunked\r\n"),
    "chunked, identity": post(b"transfer-encoding: chunked, identity\r\n"),
    "identity, chunked": post(b"transfer-encoding: identity, chunked\r\n"),
    "gzip, chunked": post(b"transfer-encoding: gzip, chunked\r\n"),
    "identity": post(b"transfer-encoding: identity\r\n"),
    "quoted chunked": post(b'transfer-encoding: "chunked"\r\n'),
    "chunked after a vertical tab": post(b"transfer-encoding: \x0bchunked\r\n"),
    "empty TE": post(b"transfer-encoding:\r\n"),
    "TE twice": post(b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
    "TE twice, the second unknown": post(
        b"transfer-encoding: chunked\r\ntransfer-encoding: x\r\n"
    ),
    "TE on HTTP/1.0": b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF after the request line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF after a header": b"GET / HTTP/1.1\r\nhost: here\n\r\n",
    "bare LF as the end of the head": b"GET / HTTP/1.1\r\n" + HOST + b"\n",
    "bare CR in a value": post(b"x: a\rb\r\ncontent-length: 0\r\n", b""),
    "bare CR before a header": post(b"x: a\rcontent-length: 5\r\n"),
    "a folded line": post(b"x: a\r\n b\r\ncontent-length: 0\r\n", b""),
    "a folded TE": post(b"transfer-encoding:\r\n chunked\r\n"),
    "a folded first line": b"GET / HTTP/1.1\r\n " + HOST + b"\r\n",
    "NUL in a value": post(b"x: a\0b\r\ncontent-length: 0\r\n", b""),
    "NUL in a name": post(b"x\0y: a\r\ncontent-length: 0\r\n", b""),
    "a name with a space": post(b"x y: a\r\ncontent-length: 0\r\n", b""),
    "no name": post(b": a\r\ncontent-length: 0\r\n", b""),
    "no colon": post(b"content-length\r\n", b""),
    "chunk size not hex": post(b"transfer-encoding: chunked\r\n", b"g\r\n\r\n0\r\n\r\n"),
    "chunk size with a sign": post(b"transfer-encoding: chunked\r\n", b"+0\r\n\r\n"),
    "chunk size with 0x": post(b"transfer-encoding: chunked\r\n", b"0x0\r\n\r\n"),
    "chunk size with a space": post(b"transfer-encoding: chunked\r\n", b"0 \r\n\r\n"),
    "chunk size too large": post(b"transfer-encoding: chunked\r\n", b"f" * 17 + b"\r\n"),
    "chunk longer than its size": post(b"transfer-encoding: chunked\r\n", b"1\r\nab\r\n0\r\n\r\n"),
    "chunk with a bare LF": post(b"transfer-encoding: chunked\r\n", b"1\na\r\n0\r\n\r\n"),
    "last chunk with a bare LF": post(b"transfer-encoding: chunked\r\n", b"0\n\n"),
    "a bare CR in an extension": post(b"transfer-encoding: chunked\r\n", b"0;a\rb\r\n\r\n"),
    "a bare LF in an extension": post(b"transfer-encoding: chunked\r\n", b"0;a\nb\r\n\r\n"),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "host twice": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "authorization twice": post(b"authorization: Bearer a\r\nauthorization: Bearer b\r\n"),
    "x-api-key twice": post(b"x-api-key: a\r\nx-api-key: b\r\n"),
    "CONNECT": b"CONNECT there:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "an upgrade with a body": post(
        b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n"
    ),
    "an upgrade with a chunked body": post(
        b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_nothing_behind_it_is_served(shape: str) -> None:
    handler = Recorder()

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(AMBIGUOUS[shape] + SMUGGLED)
        answer = await peer.rest()  # ends: the connection was closed
        assert answer.startswith(b"HTTP/1.1 ")
        assert int(answer[9:12]) in {400, 405, 431, 501, 505}
        assert b"connection: close\r\n" in answer
        assert len(statuses(answer)) == 1
        assert handler.calls == []
        assert len(handler.refused) == 1

    with_server(main, handler=handler)


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_it_is_refused_also_when_it_comes_byte_by_byte(shape: str) -> None:
    connection, transport, handler = offline()
    for at in range(len(AMBIGUOUS[shape])):
        connection.data_received(AMBIGUOUS[shape][at : at + 1])
    connection.data_received(SMUGGLED)
    assert handler.calls == []
    assert len(statuses(transport.output)) == 1


def test_an_upgrade_is_answered_in_http_1_1_and_nothing_behind_it_is_served() -> None:
    handler = Recorder()

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.1\r\n" + HOST + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n")
        peer.write(SMUGGLED)
        answer = await peer.rest()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert [call.target for call in handler.calls] == [b"/"]

    with_server(main, handler=handler)


BODIES = st.binary(max_size=300)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return a valid request and its body."""
    body = draw(BODIES)
    lines = HOST + b"x-one: 1\r\nX-Two: a, b\r\n"
    if draw(st.booleans()):
        return b"POST /p?q=1 HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (
            lines, len(body), body,
        ), body  # fmt: skip
    pieces = b""
    rest = body
    while rest:
        size = draw(st.integers(1, len(rest)))
        extension = draw(st.sampled_from([b"", b";a", b";a=b"]))
        pieces += b"%x%b\r\n%b\r\n" % (size, extension, rest[:size])
        rest = rest[size:]
    trailer = draw(st.sampled_from([b"", b"x-one: trailer\r\nhost: there\r\n"]))
    head = b"POST /p?q=1 HTTP/1.1\r\n%btransfer-encoding: chunked\r\n\r\n" % lines
    return head + pieces + b"0\r\n" + trailer + b"\r\n", body


@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(1, 60), max_size=40))
def test_any_chunking_of_valid_requests_gives_the_same_calls(
    wanted: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    connection, transport, handler = offline()
    stream = b"".join(raw for raw, _ in wanted)
    while stream:
        size = cuts.pop() if cuts else len(stream)
        feed(connection, stream[:size])
        stream = stream[size:]
    assert [call.body for call in handler.calls] == [body for _, body in wanted]
    for call in handler.calls:
        assert (call.method, call.target, call.query) == (b"POST", b"/p", b"q=1")
        assert call.headers[b"host"] == b"here"
        assert call.headers[b"x-one"] == b"1"
        assert call.headers[b"x-two"] == b"a, b"
    assert transport.output.count(b"HTTP/1.1 200 OK") == len(wanted)
    assert not transport.is_closed


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_raise(noise: bytes, cut: int) -> None:
    connection, _, _ = offline()
    for data in (b"POST / HTTP/1.1\r\n" + HOST, noise):
        for at in range(0, len(data), cut):
            connection.data_received(data[at : at + cut])
    connection.connection_lost(None)


def test_pipelined_requests_are_answered_in_order() -> None:
    handler = Recorder(answers=False)

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"".join(b"GET /%d HTTP/1.1\r\n%b\r\n" % (n, HOST) for n in range(5)))
        for number in range(5):
            await until(lambda number=number: len(handler.calls) == number + 1)
            call = handler.calls[-1]
            assert call.target == b"/%d" % number
            call.send(200, b"", call.target)
            assert await peer.answer() == (200, b"/%d" % number)

    with_server(main, handler=handler)


def test_too_many_pipelined_requests_end_the_connection_after_the_first_answer() -> None:
    handler = Recorder(answers=False)

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write((b"GET /n HTTP/1.1\r\n" + HOST + b"\r\n") * (PIPELINE_MAX + 2))
        await until(lambda: bool(place.handler.refused))
        handler.calls[0].send(200, b"", b"first")
        answer = await peer.rest()
        assert len(statuses(answer)) == 1
        assert answer.endswith(b"first")
        assert len(handler.calls) == 1

    with_server(main, handler=handler)


def test_a_bad_request_behind_a_stream_does_not_cut_the_stream() -> None:
    connection, transport, handler = offline(Recorder(answers=False))
    connection.data_received(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    handler.calls[0].start(200, b"")
    connection.data_received(b"nonsense\r\n\r\n")
    connection.sweep(connection.server.limits.write_s * 10 + 1e9)
    assert not transport.is_closed
    handler.calls[0].end(b"whole")
    assert transport.output.endswith(b"5\r\nwhole\r\n0\r\n\r\n")
    assert transport.is_closed


def test_keep_alive_and_close() -> None:
    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert await peer.answer() == (200, b"answer 1")
        peer.write(b"GET / HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
        head = await peer.head()
        assert b"connection: close\r\n" in head
        assert await peer.rest() == b"answer 2"

    with_server(main)


def test_http_1_0_gets_a_whole_answer_and_no_stream() -> None:
    handler = Recorder(answers=False)

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.0\r\n\r\n")
        await until(lambda: len(handler.calls) == 1)
        handler.calls[0].start(200, b"")
        assert (await peer.rest()).startswith(b"HTTP/1.1 505 ")
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        await until(lambda: len(handler.calls) == 2)
        handler.calls[1].send(200, b"", b"whole")
        assert (await peer.rest()).endswith(b"whole")

    with_server(main, handler=handler)


def test_head_gets_the_length_and_no_body() -> None:
    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"HEAD / HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n")
        answer = await peer.rest()
        assert b"content-length: 8\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")

    with_server(main)


def test_expect_is_met_before_the_body_and_never_on_http_1_0() -> None:
    connection, transport, handler = offline()
    connection.data_received(
        b"POST / HTTP/1.1\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    )
    assert transport.output == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.data_received(b"ok")
    assert handler.calls[0].body == b"ok"
    connection, transport, _ = offline()
    connection.data_received(
        b"POST / HTTP/1.0\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    )
    assert transport.output == b""


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_read() -> None:
    connection, transport, _ = offline(limits=ServerLimits(body_bytes_max=10))
    connection.data_received(
        b"POST / HTTP/1.1\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 11\r\n\r\n"
    )
    assert transport.output.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in transport.output


def test_abort_sends_what_was_written_and_no_last_chunk() -> None:
    handler = Recorder(answers=False)

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await until(lambda: len(handler.calls) == 1)
        call = handler.calls[0]
        call.start(200, b"")
        large = b"x" * 500_000
        call.write(large)
        call.abort()
        call.write(b"late")
        call.end(b"late")
        answer = await peer.rest()
        assert answer.endswith(b"%x\r\n%b\r\n" % (len(large), large))

    with_server(main, handler=handler)


def test_a_handler_that_raises_loses_its_own_connection_alone() -> None:
    class Raising(Recorder):
        def on_call(self, call: Call) -> None:
            raise LookupError(call.target)

    connection, _, _ = offline(Raising())
    with pytest.raises(httptools.HttpParserCallbackError) as caught:
        connection.data_received(b"GET /here HTTP/1.1\r\n" + HOST + b"\r\n")
    assert isinstance(caught.value.__context__, LookupError)


def test_addresses_and_numbers() -> None:
    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await peer.answer()
        assert place.handler.calls[0].peer == "127.0.0.1"
        assert place.server.connections == 1

    with_server(main)


def test_run_reports_what_the_loop_reports() -> None:
    async def main() -> None:
        raise AssertionError

    with pytest.raises(AssertionError):
        run(main)
