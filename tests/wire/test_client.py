"""Answers of every shape reach the owner whole, and only good connections are kept."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.loopback import DeafTransport, run, turn, until
from tests.wire.upstream import OK, Owner, Site, attempt_of, entry_of, with_upstream

from penstock.core.outcome import FailureKind
from penstock.wire import clock
from penstock.wire.client import DRAIN_S, HttpDialer, Pool, UpstreamConnection

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWERS: dict[str, tuple[bytes, int, bytes]] = {
    "with a length": (OK, 200, b"hello"),
    "chunked": (CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 200, b"hello"),
    "chunked with trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n", 200, b"hello"),
    "empty": (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", 500, b""),
    "no content": (b"HTTP/1.1 204 No\r\n\r\n", 204, b""),
    "after 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"hello"),
    "after two of 1xx": (
        b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
        200,
        b"hello",
    ),
}


def offline(**changes: Any) -> tuple[UpstreamConnection, DeafTransport, Owner, Pool]:
    """Return a connection that is not connected, with a request under way."""
    entry = entry_of("http://192.0.2.1/v1", **changes)
    pool, owner, transport = Pool(entry, "the-key"), Owner(), DeafTransport()
    connection = UpstreamConnection(pool)
    connection.connection_made(transport)
    attempt = attempt_of(entry, owner)
    connection.send(attempt, pool.head(attempt), 1.0)
    return connection, transport, owner, pool


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(1, 40), max_size=80))
def test_any_chunking_of_an_answer_tells_the_same(shape: str, cuts: list[int]) -> None:
    raw, status, body = ANSWERS[shape]
    connection, transport, owner, pool = offline()
    while raw:
        size = cuts.pop() if cuts else len(raw)
        connection.data_received(raw[:size])
        raw = raw[size:]
    assert owner.told == ["sent", "head", *(["chunk"] if body else []), "complete"]
    assert (owner.status, owner.body) == (status, body)
    assert b"link" not in owner.headers
    assert pool.idle == 1
    assert not transport.is_closed


@given(st.binary(max_size=200), st.integers(1, 60))
def test_no_bytes_raise_and_there_is_one_end(noise: bytes, cut: int) -> None:
    connection, transport, owner, pool = offline()
    for data in (CHUNKED, noise):
        for at in range(0, len(data), cut):
            if not transport.is_closed:
                connection.data_received(data[at : at + cut])
    connection.connection_lost(None)
    assert sum(word in {"complete", "failed"} for word in owner.told) == 1
    assert pool.idle == 0


def test_how_urgent_it_is_stands_in_the_head() -> None:
    entry = entry_of("http://192.0.2.1/v1")
    attempt = attempt_of(entry, Owner())
    before = Pool(entry, "the-key").head(attempt)
    attempt.more_lines = b"x-smg-priority: bulk\r\n"
    after = Pool(entry, "the-key").head(attempt)
    assert after == before.replace(b"content-length", b"x-smg-priority: bulk\r\ncontent-length")


def test_what_is_sent() -> None:
    async def main(site: Site) -> None:
        _, _, end = await site.asked(b'{"a":1}')
        head, _, body = end.received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /v1/chat/completions HTTP/1.1"
        assert b"host: " + site.entry.base_url.split("/")[2].encode() in lines
        assert b"authorization: Bearer the-key" in lines
        assert b"accept-encoding: identity" in lines
        assert b"content-length: 7" in lines
        assert b"x-extra: yes" in lines
        assert body == b'{"a":1}'

    with_upstream(main, headers={"X-Extra": "yes"})


def test_an_error_that_quotes_our_key_is_passed_on_without_it() -> None:
    for status, told in ((401, b"no such key: [key]!"), (200, b"no such key: the-key!")):
        connection, _, owner, _ = offline()
        head = b"HTTP/1.1 %d X\r\ncontent-length: 21\r\n\r\n" % status
        connection.data_received(head + b"no such key: the-key!")
        assert owner.told[-1] == "complete"
        assert owner.body == told


def test_connections_are_used_again_the_newest_first() -> None:
    async def main(site: Site) -> None:
        ends = await site.idle(3)
        attempt, owner, end = await site.asked(b"{again}")
        assert attempt.is_reused
        assert end is ends[2]
        assert site.pool.idle == 2
        end.write(OK)
        await until(lambda: owner.is_over)
        assert owner.body == b"hello"
        assert len(site.ends) == 3

    with_upstream(main)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\ncontent-type: a/b\r\n\r\n"]
)
def test_a_body_may_end_with_the_connection(head: bytes) -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(head + b"all of it")
        end.close()
        await until(lambda: owner.is_over)
        assert owner.told == ["sent", "head", "chunk", "complete"]
        assert owner.body == b"all of it"
        await until(lambda: site.pool.open == 0)

    with_upstream(main)


def test_a_body_that_ends_with_a_reset_is_not_complete() -> None:
    connection, _, owner, _ = offline()
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    connection.connection_lost(ConnectionResetError("reset"))
    assert owner.failure is not None
    assert owner.failure.kind is FailureKind.BROKEN_STREAM


@pytest.mark.parametrize("raw", [HEAD + b"hell", CHUNKED + b"5\r\nhello\r\n", CHUNKED + b"5\r\nh"])
def test_a_body_cut_short_is_broken(raw: bytes) -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(raw)
        end.close()
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.BROKEN_STREAM
        assert owner.failure.status == 200

    with_upstream(main)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\ncontent-le"])
@pytest.mark.parametrize("is_reset", [True, False])
def test_a_fresh_connection_lost_before_the_head_is_a_reset(raw: bytes, *, is_reset: bool) -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(raw)
        if is_reset:
            end.reset()
        else:
            end.close()
        await until(lambda: owner.is_over)
        assert owner.told == ["sent", "failed"]
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.RESET

    with_upstream(main)


def test_a_pooled_connection_lost_at_once_is_stale_and_the_others_are_closed() -> None:
    async def main(site: Site) -> None:
        ends = await site.idle(3)
        attempt, owner, end = await site.asked(b"{again}")
        end.reset()
        await until(lambda: owner.is_over)
        assert attempt.is_reused
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.STALE
        assert site.pool.idle == 0
        await until(lambda: all(one.is_lost for one in ends))

    with_upstream(main)


def test_a_pooled_connection_lost_later_or_after_a_byte_is_a_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main(site: Site) -> None:
        await site.idle(1)
        _, owner, end = await site.asked(b"{one}")
        end.write(b"H")
        await turn()
        end.close()
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.RESET
        await site.idle(1)
        _, owner, end = await site.asked(b"{two}")
        later_s = clock.now_s() + 1.5
        monkeypatch.setattr(clock, "now_s", lambda: later_s)
        end.close()
        await until(lambda: owner.is_over)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.RESET

    with_upstream(main)


def test_a_connection_lost_before_the_request_could_be_sent_is_a_reset() -> None:
    class Hasty:
        async def create_connection(self, factory: Any, *_: Any, **__: Any) -> tuple[None, Any]:
            connection = factory()
            connection.connection_made(DeafTransport())
            connection.connection_lost(None)
            return None, connection

        def call_soon(self, callback: Any, *args: Any) -> object:
            return asyncio.get_running_loop().call_soon(callback, *args)

    async def main() -> None:
        entry, owner = entry_of("http://192.0.2.1/v1"), Owner()
        loop: Any = Hasty()
        async with asyncio.TaskGroup() as tasks:
            dialer = HttpDialer(loop, tasks)
            dialer.configure((entry,), {})
            dialer.dial(attempt_of(entry, owner))
        await until(lambda: owner.is_over)
        assert owner.told == ["failed"]
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.RESET
        assert dialer.pools["up"].open == 0

    run(main)


MALFORMED = {
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "TE and CL": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
    "a bad chunk": CHUNKED + b"5\r\nhello\r\nnonsense\r\n",
    "switching": b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    "too large a head": b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 70_000,
}


@pytest.mark.parametrize("shape", MALFORMED)
def test_malformed_http_is_broken_and_closes(shape: str) -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(MALFORMED[shape])
        await until(lambda: owner.is_over and end.is_lost)
        assert owner.failure is not None
        assert owner.failure.kind is FailureKind.BROKEN_STREAM
        assert owner.failure.detail.startswith("malformed HTTP: ")
        assert site.pool.idle == 0

    with_upstream(main)


@pytest.mark.parametrize("behind", [OK, b"nonsense", HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_what_comes_behind_an_answer_never_gets_into_it_or_the_next(behind: bytes) -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(OK + behind)
        await until(lambda: owner.is_over and end.is_lost)
        assert owner.told == ["sent", "head", "chunk", "complete"]
        assert (owner.status, owner.body) == (200, b"hello")
        assert site.pool.idle == 0

    with_upstream(main)


def test_data_on_an_idle_connection_closes_it() -> None:
    async def main(site: Site) -> None:
        (end,) = await site.idle(1)
        end.write(OK)
        await until(lambda: end.is_lost)
        assert site.pool.idle == 0
        attempt, _, other = await site.asked()
        assert not attempt.is_reused
        assert other is not end

    with_upstream(main)


def test_an_idle_connection_that_the_upstream_closes_leaves_the_pool() -> None:
    async def main(site: Site) -> None:
        first, second = await site.idle(2)
        first.close()
        await until(lambda: site.pool.idle == 1)
        attempt, _, end = await site.asked(b"{again}")
        assert attempt.is_reused
        assert end is second

    with_upstream(main)


# --- cancel, detach, pause


def test_cancel_closes_at_once_and_tells_nothing() -> None:
    async def main(site: Site) -> None:
        attempt, owner, end = await site.asked()
        end.write(HEAD + b"he")
        await until(lambda: owner.body == b"he")
        site.dialer.cancel(attempt)
        await until(lambda: end.is_lost and site.pool.open == 0)
        assert owner.told == ["sent", "head", "chunk"]

    with_upstream(main)


@pytest.mark.parametrize("word", ["on_head", "on_chunk"])
def test_cancel_from_within_a_call_tells_nothing_more(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, transport, owner, pool = offline()

    def cancel(*_: Any) -> None:
        owner.told.append("cancelled")
        connection.cancel()

    monkeypatch.setattr(owner, word, cancel)
    connection.data_received(OK)
    assert owner.told[-1] == "cancelled"
    assert transport.is_aborted
    assert pool.idle == 0


def attempt_is_gone(site: Site) -> bool:
    alive = [end for end in site.ends if not end.is_lost]
    return site.pool.open == site.pool.idle == len(alive)


def test_cancel_while_connecting() -> None:
    async def main(site: Site) -> None:
        for turns in range(6):
            attempt, owner = site.dial(b"{cancel}")
            for _ in range(turns):
                await turn()
            site.dialer.cancel(attempt)
            assert attempt.connection is None
            # Closed, or kept for the next: nothing lies about in between.
            await until(lambda: attempt_is_gone(site))
            site.pool.close_idle()
            assert "complete" not in owner.told
            assert "failed" not in owner.told

    with_upstream(main)


def test_detach_reads_the_rest_and_keeps_the_connection() -> None:
    async def main(site: Site) -> None:
        attempt, owner, end = await site.asked()
        end.write(HEAD + b"he")
        await until(lambda: owner.body == b"he")
        site.dialer.pause(attempt)
        site.dialer.detach(attempt)
        assert site.pool.idle == 0
        end.write(b"llo")
        await until(lambda: site.pool.idle == 1)
        assert owner.told == ["sent", "head", "chunk"]
        again, _, same = await site.asked(b"{again}")
        assert again.is_reused
        assert same is end

    with_upstream(main)


def test_detach_from_within_the_last_chunk_keeps_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, transport, owner, pool = offline()

    def detach(*_: object) -> None:
        connection.detach()

    monkeypatch.setattr(owner, "on_chunk", detach)
    connection.data_received(OK)
    assert owner.told == ["sent", "head"]
    assert pool.idle == 1
    assert not transport.is_closed


def test_a_detached_answer_that_does_not_end_is_closed() -> None:
    connection, transport, _, pool = offline()
    connection.data_received(HEAD)
    connection.detach()
    began_at_s = connection.idle_at_s
    pool.sweep(began_at_s + DRAIN_S)
    assert not transport.is_closed
    pool.sweep(began_at_s + DRAIN_S + 0.1)
    assert transport.is_aborted


def test_a_pool_that_is_closed_leaves_nothing_open() -> None:
    for closes_first in (True, False):
        connection, transport, _, pool = offline()
        connection.data_received(HEAD)
        if closes_first:
            pool.close()
            connection.detach()
        else:
            connection.detach()
            pool.close()
        assert transport.is_aborted


def test_pause_stops_reading_and_resume_goes_on() -> None:
    async def main(site: Site) -> None:
        attempt, owner, end = await site.asked()
        large = b"x" * 20_000_000
        end.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(large))
        await until(lambda: "head" in owner.told)
        site.dialer.pause(attempt)
        site.dialer.pause(attempt)
        end.write(large)
        for _ in range(50):
            await turn()
        assert owner.body == b""
        assert end.transport.get_write_buffer_size() > 0  # it is the upstream who waits
        site.dialer.resume(attempt)
        site.dialer.resume(attempt)
        await until(lambda: owner.is_over)
        assert owner.body == large

    with_upstream(main)


def test_a_connection_paused_at_the_end_of_its_answer_is_usable_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, transport, owner, pool = offline()

    def pause(*_: object) -> None:
        connection.pause()

    monkeypatch.setattr(owner, "on_chunk", pause)
    connection.data_received(OK)
    assert owner.told[-1] == "complete"
    assert not transport.is_reading_paused
    assert pool.idle == 1


def test_an_answer_that_overtakes_its_request_ends_the_connection() -> None:
    connection, transport, owner, pool = offline()
    transport.unsent = 1000
    connection.data_received(OK)
    assert owner.told[-1] == "complete"
    assert pool.idle == 0
    assert transport.is_closed


# --- the pool


def test_connections_idle_for_too_long_are_closed() -> None:
    async def main(site: Site) -> None:
        ends = await site.idle(2)
        now_s = clock.now_s()
        site.dialer.sweep(now_s + 54.0)
        assert site.pool.idle == 2
        site.dialer.sweep(now_s + 55.5)
        assert site.pool.idle == 0
        await until(lambda: all(end.is_lost for end in ends))

    with_upstream(main)


def test_a_connection_idle_for_too_long_is_not_taken() -> None:
    async def main(site: Site) -> None:
        (end,) = await site.idle(1)
        assert site.pool.take(clock.now_s() + 56.0) is None
        await until(lambda: end.is_lost)

    with_upstream(main)


def test_no_more_idle_connections_are_kept_than_the_bound() -> None:
    async def main(site: Site) -> None:
        asked = [await site.asked(b"{%d}" % number) for number in range(4)]
        for _, owner, end in asked:
            end.write(OK)
            await until(lambda owner=owner: owner.is_over)
        assert site.pool.idle == 2
        await until(lambda: site.pool.open == 2)

    with_upstream(main, idle_connections_max=2)


def test_connection_close_is_obeyed() -> None:
    async def main(site: Site) -> None:
        _, owner, end = await site.asked()
        end.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        await until(lambda: owner.is_over and end.is_lost)
        assert owner.body == b"ok"
        assert site.pool.idle == 0

    with_upstream(main)


def test_configure_keeps_the_pools_of_what_did_not_change() -> None:
    async def main(site: Site) -> None:
        (end,) = await site.idle(1)
        before = site.pool
        site.dialer.configure((site.entry,), {"up": "the-key"})
        assert site.pool is before
        assert site.pool.idle == 1
        attempt, owner, same = await site.asked(b"{going}")
        assert same is end
        site.dialer.configure((site.entry,), {"up": "another-key"})
        assert site.pool is not before
        assert attempt.connection is not None
        end.write(OK)
        await until(lambda: owner.is_over and end.is_lost)  # it ends well, and is not kept
        assert owner.body == b"hello"
        assert before.open == 0
        fresh, _, other = await site.asked(b"{fresh}")
        assert not fresh.is_reused
        assert b"another-key" in other.received

    with_upstream(main)
