"""Every limit of a caller's connection holds, and what is refused hears why."""

import asyncio
import socket

import pytest
import trustme
from tests.wire.certificates import client_tls, server_tls
from tests.wire.loopback import Observer, Peer, Place, Recorder, run, turn, until, with_server
from tests.wire.offline import HOST, feed, offline, turn_queue

from penstock.config.model import ServerLimits
from penstock.wire import clock
from penstock.wire.call import Call
from penstock.wire.server import LINGER_S, SWEEP_S

GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
SMALL = ServerLimits(head_bytes_max=1000, body_bytes_max=100)


class Clock:
    """Time that passes when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(clock, "now_s", lambda: self.now_s)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


# --- sizes


@pytest.mark.parametrize("step", [1, 100, 900, 5000])
def test_a_head_has_a_bound_in_one_read_and_in_drips(step: int) -> None:
    for lines in (b"x: " + b"y" * 1500, b"x:\r\n" * 400, b"x: y" + b"\r\nx: y" * 400):
        connection, transport, handler = offline(limits=SMALL)
        raw = b"GET / HTTP/1.1\r\n" + HOST + lines + b"\r\n\r\n"
        for at in range(0, len(raw), step):
            connection.data_received(raw[at : at + step])
        assert transport.output.startswith(b"HTTP/1.1 431 ")
        assert handler.calls == []


def test_a_target_has_the_bound_of_the_head() -> None:
    connection, transport, _ = offline(limits=SMALL)
    connection.data_received(b"GET /" + b"x" * 1500 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert transport.output.startswith(b"HTTP/1.1 431 ")


def test_a_large_body_behind_half_a_head_is_no_large_head() -> None:
    connection, _, handler = offline(limits=ServerLimits(head_bytes_max=1000))
    connection.data_received(b"POST / HTTP/1.1\r\nho")
    connection.data_received(b"st: here\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000)
    assert len(handler.calls) == 1
    connection.data_received(GET * 100)
    assert len(handler.calls) == 101


@pytest.mark.parametrize("step", [7, 64, 10_000])
def test_a_chunked_body_has_a_bound(step: int) -> None:
    connection, transport, handler = offline(limits=SMALL)
    body = b"a\r\n0123456789\r\n" * 11 + b"0\r\n\r\n"
    raw = b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n" + body
    for at in range(0, len(raw), step):
        connection.data_received(raw[at : at + step])
    assert transport.output.startswith(b"HTTP/1.1 413 ")
    assert handler.calls == []


@pytest.mark.parametrize("end", [b"1;", b"0\r\nx: ", b"0\r\n" + b"x: y\r\n" * 3 + b"z: "])
def test_chunk_extensions_and_trailers_have_a_bound(end: bytes) -> None:
    connection, transport, _ = offline(limits=SMALL)
    head = b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"
    connection.data_received(head + end)
    for _ in range(20):
        connection.data_received(b"y" * 100)
    assert transport.output.startswith(b"HTTP/1.1 431 ")


def test_a_caller_who_sends_a_body_too_large_to_its_end_still_reads_the_413() -> None:
    def main_with(peer_socket: socket.socket) -> bytes:
        peer_socket.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 8000000\r\n\r\n")
        for _ in range(80):
            peer_socket.sendall(b"x" * 100_000)
        answer = b""
        while piece := peer_socket.recv(65536):
            answer += piece
        return answer

    async def main(place: Place) -> None:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", place.port), 10) as one:
            answer = await loop.run_in_executor(None, main_with, one)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b"the body is larger than 100 bytes")

    with_server(main, limits=SMALL)


def test_a_refused_caller_may_not_stay(time: Clock) -> None:
    connection, transport, _ = offline()
    connection.data_received(b"nonsense\r\n\r\n")
    assert transport.has_eof
    connection.data_received(GET)
    connection.sweep(time.now_s + LINGER_S)
    assert not transport.is_closed
    connection.sweep(time.now_s + LINGER_S + 0.1)
    assert transport.is_aborted


def test_one_connection_too_many_is_told_so() -> None:
    async def main(place: Place) -> None:
        first = await place.connect()
        first.write(GET)
        await first.answer()
        second = await place.connect()
        answer = await second.rest()
        assert answer.startswith(b"HTTP/1.1 503 ")
        await until(lambda: place.server.connections == 1)
        first.write(GET)
        assert (await first.answer())[0] == 200

    with_server(main, limits=ServerLimits(connections_max=1))


# --- times


def test_a_slow_head_is_refused(time: Clock) -> None:
    connection, transport, _ = offline()
    connection.data_received(b"GET / HT")
    time.now_s += 9.0
    connection.data_received(b"TP/1.1\r\n")
    connection.sweep(time.now_s + 1.0)
    assert transport.output == b""
    connection.sweep(time.now_s + 1.1)
    assert transport.output.startswith(b"HTTP/1.1 408 ")


def test_a_slow_body_is_refused(time: Clock) -> None:
    connection, transport, _ = offline()
    connection.data_received(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 9\r\n\r\n")
    connection.sweep(time.now_s + 70.0)
    assert transport.output == b""
    connection.sweep(time.now_s + 70.1)
    assert transport.output.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("half", "limit_s"), [(b"GET / HT", 10.0), (GET[:-2] + b"content-length: 9\r\n\r\n", 70.0)]
)
def test_a_request_that_began_behind_another_has_its_own_time(
    half: bytes, limit_s: float, time: Clock
) -> None:
    connection, transport, handler = offline(Recorder(answers=False))
    connection.data_received(GET + half)
    time.now_s += 500.0
    connection.sweep(time.now_s)
    handler.calls[0].send(200, b"", b"late")
    written = len(transport.output)
    connection.sweep(time.now_s + limit_s)
    assert not transport.has_eof
    connection.sweep(time.now_s + limit_s + 0.1)
    assert transport.output[written:].startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed_without_a_word(time: Clock) -> None:
    for before in (b"", GET):
        connection, transport, _ = offline()
        connection.data_received(before)
        written = len(transport.output)
        connection.sweep(time.now_s + 75.0)
        assert not transport.is_closed
        connection.sweep(time.now_s + 75.1)
        assert transport.is_closed
        assert len(transport.output) == written


def test_a_call_may_take_as_long_as_it_takes(time: Clock) -> None:
    connection, transport, _ = offline(Recorder(answers=False))
    connection.data_received(GET)
    connection.sweep(time.now_s + 100_000.0)
    assert not transport.is_closed


def test_a_reader_who_reads_nothing_is_cut_and_one_who_reads_slowly_is_not(time: Clock) -> None:
    connection, transport, handler = offline(Recorder(answers=False))
    connection.data_received(GET)
    handler.calls[0].start(200, b"")
    transport.unsent = 100_000
    connection.pause_writing()
    for _ in range(10):
        time.now_s += 50.0
        transport.unsent -= 1
        connection.sweep(time.now_s)
    assert not transport.is_closed
    connection.sweep(time.now_s + 60.0)
    assert not transport.is_closed
    connection.sweep(time.now_s + 60.1)
    assert transport.is_aborted


def test_a_closed_connection_whose_reader_does_not_read_is_cut(time: Clock) -> None:
    connection, transport, handler = offline(Recorder(answers=False))
    connection.data_received(GET[:-2] + b"connection: close\r\n\r\n")
    transport.unsent = 100_000
    handler.calls[0].send(200, b"", b"x" * 100_000)
    assert transport.is_closed
    connection.sweep(time.now_s + 60.0)
    assert not transport.is_aborted
    connection.sweep(time.now_s + 60.1)
    assert transport.is_aborted


def test_the_server_sweeps_by_itself(time: Clock) -> None:
    async def main(place: Place) -> None:
        peer = await place.connect()
        await until(lambda: place.server.connections == 1)
        time.now_s += 75.1
        assert await peer.rest() == b""

    assert SWEEP_S <= 1.0
    with_server(main)


# --- a slow reader


def test_a_slow_reader_pauses_the_writer_and_memory_stays_bounded() -> None:
    handler = Recorder(answers=False)
    limits = ServerLimits(write_buffer_bytes=10_000)

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(GET)
        await until(lambda: len(handler.calls) == 1)
        call, observer = handler.calls[0], Observer()
        call.observer = observer
        transport = call.transport
        assert transport is not None
        call.start(200, b"")
        written = 0
        while not observer.pauses:
            assert call.is_writable
            call.write(b"x" * 4000)
            written += 4000
            assert transport.get_write_buffer_size() <= limits.write_buffer_bytes + 4100
            assert written < 50_000_000, "nobody paused us"
            await turn()
        assert not call.is_writable
        assert observer.resumes == 0
        received = 0
        while received < written:
            received += len(await peer.reader.read(1 << 20))
        await until(lambda: observer.resumes == 1)
        assert call.is_writable
        call.end()

    with_server(main, handler=handler, limits=limits)


def test_the_next_call_hears_of_a_pause_that_began_before_it() -> None:
    connection, _, handler = offline(Recorder(answers=False))
    connection.data_received(GET * 2)
    connection.pause_writing()
    observer = Observer()

    class Watching(Recorder):
        def on_call(self, call: Call) -> None:
            call.observer = observer

    connection.server.handler = Watching()
    handler.calls[0].send(200, b"", b"")
    turn_queue(connection)
    assert observer.pauses == 1


def test_a_caller_who_leaves_is_reported_once() -> None:
    handler, observer = Recorder(answers=False), Observer()

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(GET)
        await until(lambda: len(handler.calls) == 1)
        call = handler.calls[0]
        call.observer = observer
        call.start(200, b"")
        await peer.close()
        await until(lambda: place.server.connections == 0)
        assert observer.hang_ups == 1
        assert not call.is_open
        call.write(b"for nobody")
        call.end()

    with_server(main, handler=handler)


# --- draining


def test_a_drain_lets_calls_finish_and_accepts_nothing_new() -> None:
    handler = Recorder(answers=False)

    async def main(place: Place) -> None:
        idle, busy, half = [await place.connect() for _ in range(3)]
        busy.write(GET)
        half.write(GET[:-2])
        await until(lambda: len(handler.calls) == 1 and place.server.connections == 3)
        handler.calls[0].start(200, b"")
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(place.server.drain(10.0))
            assert await idle.rest() == b""
            half.write(b"\r\n")
            await until(lambda: len(handler.calls) == 2)
            handler.calls[1].send(200, b"", b"also")
            assert b"connection: close\r\n" in await half.rest()
            with pytest.raises(OSError, match="refused"):
                await asyncio.open_connection("127.0.0.1", place.port)
            assert not draining.done()
            handler.calls[0].end(b"whole")
            assert (await busy.rest()).endswith(b"whole\r\n0\r\n\r\n")
        assert draining.result() == 0

    with_server(main, handler=handler)


def test_a_drain_cuts_after_its_limit_and_the_cut_are_told_before_it_returns() -> None:
    handler, observers = Recorder(answers=False), [Observer(), Observer()]

    async def main(place: Place) -> None:
        reading, deaf = [await place.connect() for _ in range(2)]
        for peer, observer in zip((reading, deaf), observers, strict=True):
            peer.write(GET)
            await until(lambda: len(handler.calls) > sum(o.pauses for o in observers))
            handler.calls[-1].observer = observer
            handler.calls[-1].start(200, b"")
            observer.pauses = 1
        handler.calls[1].write(b"x" * 20_000_000)  # more than the kernel takes
        assert await place.server.drain(0.01) == 2
        assert [observer.hang_ups for observer in observers] == [1, 1]
        answer = await reading.rest()
        assert answer.endswith(b"\r\n\r\n")
        assert b"0\r\n\r\n" not in answer

    with_server(main, handler=handler)


# --- TLS


def test_pipelined_requests_over_tls_are_answered_in_order() -> None:
    ca, handler = trustme.CA(), Recorder(answers=False)

    async def main(place: Place) -> None:
        peer = await place.connect(client_tls(ca))
        for number in range(2):
            peer.write(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST))
            await peer.writer.drain()
        await until(lambda: len(handler.calls) == 1)
        transport = handler.calls[0].transport
        assert transport is not None
        await until(lambda: not transport.is_reading())
        for number in range(2, 5):  # wait in the TLS layer while reading is paused
            peer.write(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST))
        for number in range(5):
            await until(lambda number=number: len(handler.calls) == number + 1)
            assert handler.calls[number].target == b"/%d" % number
            handler.calls[number].send(200, b"", b"%d" % number)
            assert await peer.answer() == (200, b"%d" % number)

    with_server(main, handler=handler, tls=server_tls(ca))


def test_what_comes_while_the_next_call_is_chosen_queues_behind_it() -> None:
    connection, transport, handler = offline(Recorder(answers=False))
    feed(connection, b"GET /0 HTTP/1.1\r\n" + HOST + b"\r\nGET /1 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert transport.is_reading_paused
    handler.calls[0].send(200, b"", b"")
    feed(connection, b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert [call.target for call in handler.calls] == [b"/0", b"/1"]
    handler.calls[1].send(200, b"", b"")
    turn_queue(connection)
    assert [call.target for call in handler.calls] == [b"/0", b"/1", b"/2"]


def test_a_caller_who_does_not_speak_tls_is_dropped() -> None:
    ca = trustme.CA()

    async def main(place: Place) -> None:
        peer = await place.connect()
        peer.write(GET)
        with_alert = await peer.rest()
        assert b"HTTP" not in with_alert
        assert place.handler.calls == []

    with_server(main, tls=server_tls(ca))


def test_a_port_is_let_go_when_it_cannot_be_had() -> None:
    async def main() -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        place = Place(Recorder(), ServerLimits())
        with pytest.raises(OSError, match="in use"):
            await place.server.listen("127.0.0.1", port)
        place.server.close()
        taken.close()

    run(main)


def test_a_peer_that_resets_is_a_hang_up() -> None:
    handler, observer = Recorder(answers=False), Observer()

    async def main(place: Place) -> None:
        peer: Peer = await place.connect()
        peer.write(GET)
        await until(lambda: len(handler.calls) == 1)
        handler.calls[0].observer = observer
        one = peer.writer.get_extra_info("socket")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.writer.transport.abort()
        await until(lambda: observer.hang_ups == 1)

    with_server(main, handler=handler)
