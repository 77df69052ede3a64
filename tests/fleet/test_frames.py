"""Cut anywhere, frames give the same messages; garbage gives a DialectError and nothing else."""

import contextlib
import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError
from penstock.fleet import frames as subject
from penstock.fleet.frames import BATCH_MAX, FRAME_BYTES_MAX, FrameReader, frames
from penstock.fleet.messages import (
    Ask,
    Close,
    FromOwner,
    FromWorker,
    GiveBack,
    Granted,
    Hello,
    Outcomes,
    Ping,
    Pong,
    Progress,
    RouteName,
    Withdraw,
)

NUMBERS = st.integers(0, 2**40)
WORDS = st.text(max_size=20)
MESSAGES = st.one_of(
    st.builds(Hello, st.integers(1, 64), NUMBERS, NUMBERS),
    st.builds(
        Ask,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        st.lists(st.integers(0, 9)).map(tuple),
        st.floats(0, 1e6),
        st.booleans(),
        st.lists(WORDS | NUMBERS | st.booleans()).map(tuple),
    ),
    st.builds(GiveBack, NUMBERS, st.builds(Outcomes, WORDS, NUMBERS, WORDS, st.floats(0, 99))),
    st.builds(RouteName, NUMBERS, WORDS, st.just((("a", "m"),)), st.booleans()),
    st.builds(Close, NUMBERS, st.tuples(*[NUMBERS] * 5)),
    st.builds(Progress, st.lists(st.tuples(NUMBERS, NUMBERS)).map(tuple)),
    st.builds(Withdraw, NUMBERS),
    st.just(Ping()),
)
ENCODER = msgspec.msgpack.Encoder()


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(one, len(data)) for one in at), len(data)]
    return [data[one:two] for one, two in itertools.pairwise(edges)]


@given(
    st.lists(st.lists(MESSAGES, min_size=1, max_size=5), max_size=5),
    st.lists(st.integers(0, 600)),
)
def test_cut_anywhere_the_messages_are_the_same(batches: list[list[Any]], at: list[int]) -> None:
    data = b"".join(frames(batch, ENCODER) for batch in batches)
    reader: FrameReader[FromWorker] = FrameReader(list[FromWorker])
    found = [message for piece in cut(data, at) for message in reader.feed(piece)]
    assert found == [message for batch in batches for message in batch]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_garbage_is_refused_by_name(data: bytes, at: list[int]) -> None:
    reader: FrameReader[FromOwner] = FrameReader(list[FromOwner])
    with contextlib.suppress(DialectError):
        for piece in cut(data, at):
            reader.feed(piece)


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.data())
def test_a_changed_byte_is_read_or_refused(batch: list[Any], data: st.DataObject) -> None:
    raw = bytearray(frames(batch, ENCODER))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    reader: FrameReader[FromWorker] = FrameReader(list[FromWorker])
    with contextlib.suppress(DialectError):
        reader.feed(bytes(raw))


def test_a_length_beyond_the_bound_is_refused_before_its_bytes_come() -> None:
    reader: FrameReader[FromOwner] = FrameReader(list[FromOwner])
    assert reader.feed(FRAME_BYTES_MAX.to_bytes(4, "big")) == []
    reader = FrameReader(list[FromOwner])
    with pytest.raises(DialectError, match="bytes"):
        reader.feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))
    with pytest.raises(DialectError, match="nothing"):
        reader.feed(frames([Pong()], ENCODER))


def test_many_messages_go_in_several_frames() -> None:
    many = [Granted(at, 1, 0) for at in range(2 * BATCH_MAX + 1)]
    raw = frames(many, ENCODER)
    assert int.from_bytes(raw[:4], "big") < len(raw) // 2
    reader: FrameReader[FromOwner] = FrameReader(list[FromOwner])
    assert reader.feed(raw) == many
    assert subject.frames([], ENCODER) == b"\0\0\0\x01\x90"
