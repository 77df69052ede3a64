"""Events come out the same however the stream is cut."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.dialects.samples import PLACES, cut

from penstock.core.errors import DialectError
from penstock.dialects import sse

LINES = st.lists(
    st.sampled_from([b"data: a", b"data:b", b": c", b"event: e", b"junk", b"id: 1", b""]),
    max_size=12,
)
ENDS = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=12, max_size=12)


def split(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = sse.Splitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events, splitter.rest


@given(lines=LINES, ends=ENDS, places=PLACES)
@example(lines=[b"data: a", b""], ends=[b"\r"] * 12, places=[])
@example(lines=[b"data: a", b"", b"id: 1"], ends=[b"\n", b"\r", b"\n"] * 4, places=[9])
def test_any_cut_gives_the_same_events(
    lines: list[bytes], ends: list[bytes], places: list[int]
) -> None:
    stream = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    # A CR at the very end waits for its LF: one more byte decides.
    whole, rest = split([stream, b"x"])
    pieces, pieces_rest = split([*cut(stream, places), b"x"])
    assert pieces == whole
    assert pieces_rest == rest
    assert b"".join(whole) + rest == stream + b"x"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_blank_line_ends_an_event_at_once(end: bytes) -> None:
    stream = (b"event: e" + end + b"data: a" + end + end) * 2
    events, rest = split([bytes([byte]) for byte in stream])
    if end == b"\r\n":  # the last LF is not missing
        assert rest == b""
    assert b"".join(events) + rest == stream
    read = [sse.fields(event) for event in events]
    assert [(fields.event, fields.data) for fields in read] == [(b"e", b"a")] * 2


def test_an_event_is_bounded() -> None:
    splitter = sse.Splitter(event_bytes_max=8)
    assert splitter.feed(b"data: 1\n\n") == [b"data: 1\n\n"]
    with pytest.raises(DialectError, match="longer than 8 bytes"):
        splitter.feed(b"data: 1234567")


def test_a_bound_holds_for_a_line_in_many_chunks() -> None:
    splitter = sse.Splitter(event_bytes_max=8)
    assert splitter.feed(b"data: ") == splitter.feed(b"1") == splitter.feed(b"2") == []
    assert splitter.rest == b"data: 12"
    with pytest.raises(DialectError):
        splitter.feed(b"3")


def test_a_bound_holds_for_lines_that_end_in_crlf() -> None:
    with pytest.raises(DialectError):
        sse.Splitter(event_bytes_max=8).feed(b"data: 1\r\ndata: 2\r\n")


@pytest.mark.parametrize(
    ("raw", "event", "data", "junk"),
    [
        (b"data: a\ndata: b\n\n", b"", b"a\nb", 0),
        (b"data:a\nevent:e\nid: 7\nretry: 1\n\n", b"e", b"a", 0),
        (b": comment\n\n", b"", None, 0),
        (b"data\n\n", b"", b"", 0),
        (b"oops\ndata:  a\n<html>\n\n", b"", b" a", 2),
        (b"\xef\xbb\xbfdata: a\n\n", b"", b"a", 0),
    ],
)
def test_fields(raw: bytes, event: bytes, data: bytes | None, junk: int) -> None:
    fields = sse.fields(raw)
    assert (fields.event, fields.data, fields.junk_lines) == (event, data, junk)


def test_junk_is_taken_out_and_nothing_else() -> None:
    assert sse.without_junk(b"oops\n: c\ndata: a\nwhat: b\n\n") == b": c\ndata: a\n\n"
    assert sse.without_junk(b"oops\n\n") == b""
