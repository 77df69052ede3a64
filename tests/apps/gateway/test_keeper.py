"""Whatever callers do and however fast they read: one exchange, whole answers, and all bounds."""

from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.apps.gateway.reading import Socket, Source

from penstock.apps.gateway.keeper import Keeper, Name, Owner, Scope, Wish
from penstock.apps.gateway.kept import KeptAnswer, Phase, Reader
from penstock.config.model import Keep
from penstock.core.errors import CallerError, ShedError
from penstock.dialects.registry import DIALECTS

CHAT: Final = DIALECTS["openai_chat"]
OWNER: Final = Owner("t", "k")
EVENTS: Final = b"content-type: text/event-stream\r\n"
NAME: Final = Name(OWNER, "openai_chat", "n")
SMALL: Final = Keep(
    exchanges_max=5, bytes_max=700, exchange_bytes_max=300, window_s=10.0, orphan_s=3.0
)
RESPONSE: Final = b'event: response.created\ndata: {"type":"response.created",'
RESPONSE_AT: Final = RESPONSE + b'"sequence_number":%d,"response":{"id":"resp_1"}}\n\n'
DELTA: Final = b'data: {"type":"response.output_text.delta","sequence_number":%d}\n\n'


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


LIFE = (
    CHAT.keep_alive,
    CHAT.comment(b'load {"level":1,"degraded":[]}') + CHAT.comment(b"queued position=3"),
)


def wish(name: str = "n", body: bytes = b"body") -> Wish:
    return Wish(OWNER, Scope(OWNER, "route", "openai_chat", name), body)


class Bench:
    """A keeper with its clock, and what it has counted."""

    def __init__(self, limits: Keep = SMALL) -> None:
        self.clock = Clock()
        self.misses: list[str] = []
        self.keeper = Keeper(self.clock, self.misses.append)
        self.keeper.settings = limits

    def begin(self, name: str = "n", dialect: str = "openai_chat") -> tuple[KeptAnswer, Socket]:
        kept = self.keeper.begin(wish(name), DIALECTS[dialect], f"req_{name}", b"")
        assert kept is not None
        kept.attach(Source())
        return kept, self.read(kept, is_replay=False)

    def read(self, kept: KeptAnswer, *, is_replay: bool = True, after: int = -1) -> Socket:
        socket = Socket()
        kept.read(Reader(kept, socket.call, is_replay=is_replay, after=after))
        return socket

    def error(self, name: str = "n", body: bytes = b"body") -> CallerError:
        with pytest.raises(CallerError) as caught:
            self.keeper.find(wish(name, body))
        return caught.value


def test_who_asks_again_gets_what_was_said_and_then_what_is_said() -> None:
    bench = Bench()
    kept, first = bench.begin()
    kept.start(EVENTS)
    kept.write(b"data: 1\n\n")
    first.leave()
    assert bench.keeper.find(wish()) is kept
    second = bench.read(kept)
    assert b"x-penstock-replayed: true" in second.head
    second.take_all()
    assert second.body == b"data: 1\n\n"
    kept.write(b"data: 2\n\n")
    kept.end(b"data: 3\n\n")
    second.take_all()
    assert second.body == b"data: 1\n\ndata: 2\n\ndata: 3\n\n"
    assert second.has_last_chunk
    third = bench.read(kept)
    third.take_all()
    assert third.body == second.body
    bench.clock.now_s += 9.9
    bench.keeper.sweep(bench.clock.now_s)
    assert bench.keeper.find(wish()) is kept
    bench.clock.now_s += 0.1
    bench.keeper.sweep(bench.clock.now_s)
    assert bench.keeper.find(wish()) is None
    assert (bench.keeper.count, bench.keeper.bytes) == (0, 0)


def test_a_refusal_reaches_all_who_wait_and_is_not_kept() -> None:
    bench = Bench()
    kept, first = bench.begin()
    second = bench.read(kept)
    kept.refuse(ShedError("full", retry_after_s=2.0), b"")
    for socket in (first, second):
        assert socket.status == 503
        assert b"retry-after: 2" in socket.head
        assert b"x-penstock-kept" not in socket.head
    assert bench.keeper.find(wish()) is None
    kept, first = bench.begin()
    kept.answer(400, b"", b"no")
    assert (first.status, first.body) == (400, b"no")
    assert bench.keeper.count == 0


def test_a_stream_of_nothing_but_signs_of_life_is_not_kept() -> None:
    bench = Bench()
    kept, first = bench.begin()
    kept.start(EVENTS)
    first.take_all()
    for life in LIFE:
        kept.write(life)
    assert bench.keeper.find(wish()) is kept
    kept.abort(b"data: error\n\n")
    first.take_all()
    assert first.body == b"".join(LIFE) + b"data: error\n\n"
    assert first.is_closed
    assert not first.is_answered
    assert bench.keeper.find(wish()) is None
    assert (bench.keeper.count, bench.keeper.bytes) == (0, 0)


def test_what_is_cancelled_while_it_waits_is_not_begun_again() -> None:
    bench = Bench()
    kept, first = bench.begin()
    assert bench.keeper.cancel(NAME) == [kept]
    assert first.status == 409
    assert b'"cancelled"' in first.body
    assert bench.keeper.cancel(NAME) == [kept], "twice is once"
    with pytest.raises(CallerError) as refused:
        bench.keeper.find(wish())
    assert (refused.value.status, refused.value.code) == (409, "cancelled")
    bench.clock.now_s += SMALL.window_s
    bench.keeper.sweep(bench.clock.now_s)
    assert bench.keeper.cancel(NAME) == []
    assert bench.keeper.find(wish()) is None
    assert (bench.keeper.count, bench.keeper.bytes) == (0, 0)


def test_what_is_cancelled_in_mid_stream_is_replayed_as_that() -> None:
    bench = Bench()
    kept, first = bench.begin()
    kept.start(EVENTS)
    kept.write(b"data: one\n\n")
    bench.keeper.cancel(NAME)
    first.take_all()
    assert first.body.startswith(b"data: one\n\n")
    assert b"cancelled" in first.body
    assert not first.is_answered
    again = bench.read(kept)
    again.take_all()
    assert again.body == first.body


def test_an_answer_that_has_ended_is_not_cancelled_any_more() -> None:
    bench = Bench()
    kept, _ = bench.begin()
    kept.answer(200, b"", b"whole")
    assert bench.keeper.cancel(NAME) == [kept]
    assert not kept.is_cancelled
    assert bench.keeper.find(wish()) is kept


def test_only_its_owner_cancels_by_its_path_and_on_all_routes() -> None:
    bench = Bench()
    kept, _ = bench.begin()
    scope = Scope(OWNER, "another", "openai_chat", "n")
    other = bench.keeper.begin(Wish(OWNER, scope, b"d"), CHAT, "req_2", b"")
    assert other is not None
    other.attach(Source())
    assert bench.keeper.cancel(NAME._replace(owner=Owner("t", "other"))) == []
    assert bench.keeper.cancel(NAME._replace(dialect="anthropic_messages")) == []
    assert not kept.is_cancelled
    assert bench.keeper.cancel(NAME) == [kept, other]


def test_a_whole_answer_waits_for_its_caller() -> None:
    bench = Bench()
    kept, first = bench.begin()
    first.leave()
    kept.answer(200, b"", b"whole")
    assert bench.read(kept).body == b"whole"
    large, first = bench.begin("large")
    large.answer(200, b"", b"x" * 301)
    assert first.body == b"x" * 301
    assert b"x-penstock-kept: false" in first.head
    assert bench.error("large").code == "answer_not_kept"
    assert bench.misses == ["outgrown"]


def test_another_body_is_another_request() -> None:
    bench = Bench()
    kept, _ = bench.begin()
    error = bench.error(body=b"other")
    assert (error.status, error.code, error.should_retry) == (422, "idempotency_key_reused", False)
    kept.start(EVENTS)
    kept.end(b"")
    assert bench.error(body=b"other").status == 422


def test_who_outgrows_the_bound_is_read_at_the_slowest_readers_pace() -> None:
    bench = Bench()
    kept, fast = bench.begin()
    source = Source()
    kept.attach(source)
    slow = bench.read(kept)
    kept.start(EVENTS)
    fast.take_all()
    for _ in range(3):
        kept.write(b"x" * 100)
        fast.take_all()
        assert not source.is_paused
    kept.write(b"y" * 100)
    fast.take_all()
    assert source.is_paused
    assert bench.error().status == 409
    slow.take_all()
    assert not source.is_paused
    assert bench.keeper.bytes == 0
    kept.write(b"z" * 50)
    assert source.is_paused
    for socket in (fast, slow):
        socket.take_all()
    assert not source.is_paused
    kept.end(b"")
    assert fast.body == slow.body == b"x" * 300 + b"y" * 100 + b"z" * 50
    assert slow.has_last_chunk
    assert bench.error().status == 409  # for the whole window, so that it is not charged again


def test_a_whole_answer_too_long_to_be_held_is_passed_on_and_not_kept() -> None:
    bench = Bench()
    kept, first = bench.begin()
    kept.start(b"content-type: application/json\r\n")
    assert b"x-penstock-kept: false" in first.head
    kept.write(b'{"a":')
    assert bench.error().status == 409  # for the whole window, so that it is not charged again
    kept.end(b"1}")
    first.take_all()
    assert first.body == b'{"a":1}'
    assert first.has_last_chunk
    assert bench.keeper.bytes == 0
    assert bench.error().status == 409


def test_what_has_outgrown_and_has_no_reader_is_ended_at_once() -> None:
    bench = Bench()
    kept, first = bench.begin()
    source = Source()
    kept.attach(source)
    kept.start(EVENTS)
    first.leave()
    kept.write(b"x" * 301)
    assert not source.has_hung_up  # not in the middle of a write
    bench.keeper.sweep(bench.clock.now_s)
    assert source.has_hung_up
    assert bench.keeper.bytes == 0


def test_the_oldest_answers_make_room_and_are_never_charged_again_in_silence() -> None:
    bench = Bench()
    for name in ("a", "b", "c"):
        kept, first = bench.begin(name)
        kept.answer(200, b"", name.encode() * 300)
        assert first.is_answered
    assert bench.misses == ["pushed_out"]
    assert bench.error("a").code == "answer_not_kept"
    assert bench.keeper.bytes == 600
    running = [bench.begin(name)[0] for name in ("d", "e")]
    assert bench.keeper.begin(wish("f"), CHAT, "req_f", b"") is None
    assert bench.misses[-1] == "full"
    for kept in running:
        kept.start(EVENTS)
        kept.write(b"x" * 300)
    assert [kept.is_held for kept in running] == [True, True]
    assert bench.error("c").code == "answer_not_kept"


def test_nobody_reads_before_the_first_content_and_nothing_is_left() -> None:
    bench = Bench()
    kept, first = bench.begin()
    source = Source()
    kept.attach(source)
    first.leave()
    bench.clock.now_s += 2.9
    bench.keeper.sweep(bench.clock.now_s)
    assert not source.has_hung_up
    again = bench.read(kept)
    bench.clock.now_s += 5.0
    bench.keeper.sweep(bench.clock.now_s)
    assert not source.has_hung_up
    again.leave()
    bench.clock.now_s += 3.0
    bench.keeper.sweep(bench.clock.now_s)
    assert source.has_hung_up
    assert bench.keeper.find(wish()) is None


def test_a_process_that_goes_down_waits_for_no_one_who_might_come_back() -> None:
    bench = Bench()
    kept, first = bench.begin()
    source = Source()
    kept.attach(source)
    bench.keeper.close()
    assert not source.has_hung_up
    first.leave()
    bench.keeper.close()
    assert source.has_hung_up
    read, socket = bench.begin("read")
    told = Source()
    read.attach(told)
    assert socket.call.observer is not None
    socket.call.observer.on_stop()
    assert [error.code for error in told.stops] == ["no_capacity"]


def test_a_response_is_found_by_its_id_and_by_its_owner_alone() -> None:
    bench = Bench()
    kept, _ = bench.begin(dialect="openai_responses")
    kept.start(EVENTS)
    kept.write(kept.dialect.keep_alive)
    kept.write(RESPONSE_AT % 0)
    assert bench.keeper.find_response(OWNER, "resp_1") is kept
    assert bench.keeper.find_response(Owner("t", "other"), "resp_1") is None
    assert bench.keeper.find_response(Owner("other", "k"), "resp_1") is None
    bench.keeper.forget(kept)
    assert bench.keeper.find_response(OWNER, "resp_1") is None
    assert bench.keeper.find(wish()) is None


@pytest.mark.parametrize("after", [0, 1, 4])
def test_events_that_were_seen_are_left_out_also_of_what_comes(after: int) -> None:
    bench = Bench()
    kept, _ = bench.begin(dialect="openai_responses")
    kept.start(EVENTS)
    kept.write((RESPONSE_AT % 0) + (DELTA % 1))
    late = bench.read(kept, after=after)
    late.take_all()
    for number in (2, 3):
        kept.write(DELTA % number)
        late.take_all()
    kept.end(DELTA % 4)
    late.take_all()
    assert late.body == b"".join(DELTA % number for number in range(after + 1, 5))
    assert late.has_last_chunk


class Said:
    """What the test knows of one exchange."""

    def __init__(self, kept: KeptAnswer, source: Source, name: str) -> None:
        self.kept = kept
        self.source = source
        self.name = name
        self.text = b""
        self.is_started = self.is_over = self.is_clean = False
        self.sockets: list[Socket] = []
        self.ended_at_s = 0.0
        self.is_forgotten = False
        self.alone_since_s: float | None = None

    @property
    def readers(self) -> list[Socket]:
        return [one for one in self.sockets if not one.has_left and one.call.observer is not None]


class Keeping(RuleBasedStateMachine):
    """Callers, an exchange each, a clock, and a model of what should be."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.said: list[Said] = []

    def of(self, name: str) -> Said | None:
        """Return the exchange that still stands for this name."""
        found = [one for one in self.said if one.name == name and not one.is_forgotten]
        assert len(found) <= 1, "a second exchange within the window"
        return found[0] if found else None

    def running(self) -> list[Said]:
        return [one for one in self.said if not one.is_over and not one.source.has_hung_up]

    def sockets(self) -> list[Socket]:
        return [one for said in self.said for one in said.sockets if not one.has_left]

    def close(self, said: Said, *, has_content: bool) -> None:
        said.is_over = True
        said.ended_at_s = self.bench.clock.now_s
        said.is_forgotten = said.is_forgotten or not has_content

    @rule(name=st.sampled_from("abcdefg"), body=st.sampled_from((b"body", b"other")))
    def ask(self, name: str, body: bytes) -> None:
        said = self.of(name)
        asked = wish(name, body)
        if said is None:
            assert self.bench.keeper.find(asked) is None
            kept = self.bench.keeper.begin(wish(name), CHAT, "req", b"")
            assert (kept is None) == (self.standing() >= SMALL.exchanges_max)
            if kept is not None:
                source = Source()
                kept.attach(source)
                self.said.append(Said(kept, source, name))
                self.said[-1].sockets.append(self.bench.read(kept, is_replay=False))
            return
        if body == b"other":
            assert self.bench.error(name, body).status == 422
        elif not said.kept.is_held:
            assert self.bench.error(name).status == 409
        else:
            assert self.bench.keeper.find(asked) is said.kept
            said.sockets.append(self.bench.read(said.kept))

    def standing(self) -> int:
        return sum(not one.is_forgotten for one in self.said)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), size=st.integers(1, 250))
    def write(self, data: Any, size: int) -> None:
        said = data.draw(st.sampled_from(self.running()))
        if not said.is_started:
            said.is_started = True
            said.kept.start(EVENTS)
        if not said.source.is_paused:  # an exchange that is held up says nothing
            text = b"%d." % len(said.text)
            text += b"x" * (size - len(text))
            said.text += text
            said.kept.write(text)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), how=st.sampled_from(("end", "abort")))
    def end(self, data: Any, how: str) -> None:
        said = data.draw(st.sampled_from(self.running()))
        if not said.is_started:
            said.kept.refuse(ShedError("full", retry_after_s=1.0), b"")
            self.close(said, has_content=False)
            return
        said.text += b"last"
        said.is_clean = how == "end"
        self.close(said, has_content=True)
        (said.kept.end if said.is_clean else said.kept.abort)(b"last")

    @precondition(lambda self: self.running())
    @rule(data=st.data(), size=st.integers(1, 400))
    def answer(self, data: Any, size: int) -> None:
        said = data.draw(st.sampled_from(self.running()))
        if not said.is_started:
            said.text = b"w" * size
            said.is_clean = True
            self.close(said, has_content=True)
            said.kept.answer(200, b"", said.text)

    @precondition(lambda self: self.sockets())
    @rule(data=st.data(), size=st.integers(1, 200))
    def take(self, data: Any, size: int) -> None:
        data.draw(st.sampled_from(self.sockets())).take(size)

    @precondition(lambda self: self.sockets())
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        data.draw(st.sampled_from(self.sockets())).leave()

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def forget(self, data: Any) -> None:
        said = data.draw(st.sampled_from(self.said))
        if said.is_started or said.is_over:
            self.bench.keeper.forget(said.kept)
            said.is_forgotten = True

    @rule(seconds=st.floats(0.0, 4.0))
    def wait(self, seconds: float) -> None:
        now_s = self.bench.clock.now_s = self.bench.clock.now_s + seconds
        running = self.running()
        self.bench.keeper.sweep(now_s)
        for said in running:
            if said.source.has_hung_up:
                since_s = said.alone_since_s
                assert since_s is not None
                assert not said.kept.is_held or now_s - since_s >= SMALL.orphan_s
                self.close(said, has_content=said.is_started)
                said.text += CHAT.error_event(_orphan(), "req") if said.is_started else b""
            elif said.alone_since_s is not None:
                assert now_s - said.alone_since_s < SMALL.orphan_s
        for said in self.said:
            if said.is_over and now_s >= said.ended_at_s + SMALL.window_s:
                said.is_forgotten = True

    @invariant()
    def all_bounds_hold(self) -> None:
        keeper = self.bench.keeper
        assert keeper.count == self.standing() <= SMALL.exchanges_max
        assert keeper.bytes == sum(said.kept.taken_bytes for said in self.said)
        assert keeper.bytes <= SMALL.bytes_max
        for said in self.said:
            assert said.kept.taken_bytes <= SMALL.exchange_bytes_max
            if said.kept.phase is Phase.GONE and not said.readers:
                assert said.kept.data == b""

    @invariant()
    def every_reader_gets_all_and_nothing_else(self) -> None:
        for said in self.said:
            if not said.kept.has_answered:
                continue
            for socket in said.sockets:
                assert said.text.startswith(socket.body)
                if not socket.has_left and not socket.is_paused:
                    assert socket.body == said.text
                if socket.is_answered or socket.is_closed:
                    assert said.is_over
                    assert socket.body == said.text
                    assert socket.is_answered == said.is_clean

    @invariant()
    def only_what_is_no_longer_kept_is_held_up(self) -> None:
        for said in self.running():
            is_behind = any(one.is_paused for one in said.readers)
            assert said.source.is_paused == (said.kept.phase is Phase.PASSING and is_behind)
            if said.readers:
                said.alone_since_s = None
            elif said.alone_since_s is None:
                said.alone_since_s = self.bench.clock.now_s


def _orphan() -> CallerError:
    message = f"Nobody read this answer for {SMALL.orphan_s:g} s, so it was ended."
    error = CallerError(message, status=409, code="nobody_reads")
    error.remedy = "Take a new Idempotency-Key to ask again."
    return error


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
