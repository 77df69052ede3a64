"""Recognising a head says exactly what parsing it would have said."""

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.wire.loopback import DeafTransport, QueueLoop, Recorder

from penstock import is_compiled
from penstock.config.model import ServerLimits
from penstock.wire.call import Call
from penstock.wire.familiar import KEPT_MAX, Head, Heads
from penstock.wire.server import Server, ServerConnection

if is_compiled():
    pytest.skip("needs subclasses of what is compiled", allow_module_level=True)

HEAD: Final = b"POST /p?q=1 HTTP/1.1\r\nHost: here\r\nContent-Length: %b\r\nX-A: 1\r\n\r\n"
LIMITS: Final = ServerLimits(body_bytes_max=500)


class Forgetful(Heads):
    """Learns nothing, so that everything is parsed."""

    def learn(self, data: bytes, call: Call) -> None:
        del data, call


def request(body: bytes, length: bytes | None = None, head: bytes = HEAD) -> bytes:
    return head % (length if length is not None else b"%d" % len(body)) + body


def told(reads: list[bytes], heads: Heads) -> tuple[list[object], list[tuple[int, str]], bytes]:
    """Return what a handler got, what was refused, and what went out."""
    handler = Recorder()
    loop = QueueLoop()
    server = Server(loop, handler, LIMITS)
    server.heads = heads
    connection, transport = ServerConnection(server), DeafTransport()
    connection.connection_made(transport)
    for data in reads:
        connection.data_received(data)
        loop.drain()
    calls: list[object] = [
        (c.method, c.target, c.query, c.headers, c.body, c.keeps_alive, c.is_http_1_0)
        for c in handler.calls
    ]
    return calls, handler.refused, transport.output


OTHER: Final = HEAD.replace(b"X-A: 1", b"X-A: 2")
CLOSING: Final = HEAD.replace(b"X-A: 1", b"Connection: close")
CHUNKED: Final = b"POST /p HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"
READS: Final = st.lists(
    st.one_of(
        st.binary(max_size=30).map(request),
        st.binary(max_size=30).map(lambda body: request(body, head=OTHER)),
        st.binary(max_size=9).map(lambda body: request(body) + request(body)),
        st.binary(max_size=9).map(lambda body: request(body, b"%d" % (len(body) + 3))),
        st.binary(max_size=9).map(lambda body: request(body, b"00%d" % len(body))),
        st.sampled_from(
            [
                request(b"x", head=CLOSING),
                request(b"abc", b"+3"),
                request(b"abc", b"3 "),
                request(b"abc", b"3, 3"),
                request(b"abc", b""),
                request(b"abc", b"-1"),
                request(b"abc", b"9" * 30),
                request(b"a" * 501),
                request(b"a" * 500),
                request(b"abc", b"0"),
                request(request(b"b")),
                HEAD % b"5",
                b"abcde",
                CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
                b"\r\n" + request(b"a"),
                b"GET / HTTP/1.1\r\nhost: here\r\n\r\n",
            ]
        ),
    ),
    max_size=8,
)


@given(READS)
@example([request(b"a"), request(b"bc"), request(b"def"), request(b"g" * 501)])
@example([request(b"a"), request(b"b") + request(b"c"), request(b"b") + request(b"c")])
@example([request(b"a"), request(b"b"), request(b"c", b"+1")])
@example([request(b"a"), request(b"b"), HEAD % b"5", b"abcde", request(b"c")])
@example([request(b"a"), request(b"b"), *(request(b"c" * count) for count in (8, 9, 10, 98, 99))])
@example([request(b"a"), request(b"b"), request(b"c" * 9, b"8")])
@example([request(b"a"), request(b"b"), request(b"c" * 100, b"98")])
@example([request(b"a"), request(b"b"), request(b"")[:-40], request(b"")[-40:]])
@example([request(b"a"), request(b"b"), request(b"")[:-4]])
def test_it_makes_no_difference(reads: list[bytes]) -> None:
    assert told(reads, Heads()) == told(reads, Forgetful())


def test_the_third_request_of_a_connection_is_recognised_and_a_later_one_can_be_other() -> None:
    learnt: list[bytes] = []

    class Counting(Heads):
        def learn(self, data: bytes, call: Call) -> Head | None:
            learnt.append(data)
            return super().learn(data, call)

    reads = [request(b"%d" % at) for at in range(10)]
    calls, refused, _ = told([*reads, request(b"x", head=OTHER)], Counting())
    assert len(calls) == 11
    assert not refused
    assert learnt == [reads[1], request(b"x", head=OTHER)]


@pytest.mark.parametrize("head", [CLOSING, HEAD.replace(b"X-A: 1", b"Expect: 100-continue")])
def test_a_head_that_means_more_than_a_body_is_not_learnt(head: bytes) -> None:
    call = Call(ServerConnection(Server(QueueLoop(), Recorder(), LIMITS)))
    call.method, call.body = b"POST", b"abc"
    call.keeps_alive = head is not CLOSING
    call.headers = {b"expect": b"100-continue"} if head is not CLOSING else {}
    assert Heads().learn(request(b"abc", head=head), call) is None


def test_the_number_kept_is_bounded() -> None:
    heads = Heads()
    call = Call(ServerConnection(Server(QueueLoop(), Recorder(), LIMITS)))
    call.method, call.body = b"POST", b"abc"
    first = heads.learn(request(b"abc"), call)
    assert heads.learn(request(b"abc"), call) is first
    for at in range(KEPT_MAX):
        heads.learn(request(b"abc", head=HEAD.replace(b"X-A: 1", b"X-A: v%d" % at)), call)
    assert heads.learn(request(b"abc"), call) is not first
