"""A caller's trace goes on, with spans of our own; what is no trace is as none."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core import trace_context
from penstock.core.trace_context import parent_of

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
GOOD: Final = f"00-{TRACE}-b7ad6b7169203331-01".encode()
HEX: Final = st.text("0123456789abcdef")


def test_a_trace_goes_on_with_a_span_of_the_attempt() -> None:
    lines = trace_context.lines({b"traceparent": GOOD, b"tracestate": b"a=1,b=2"}, "x", 1)
    span = trace_context.span_of("x", 1)
    assert lines == f"traceparent: 00-{TRACE}-{span}-01\r\ntracestate: a=1,b=2\r\n".encode()
    assert trace_context.kept({b"traceparent": GOOD}) == GOOD.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"00",
        GOOD.upper(),
        b"ff" + GOOD[2:],
        GOOD + b"-more",
        GOOD + b"\n",
        GOOD[:-1],
        GOOD + b", " + GOOD,
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
    ],
)
def test_what_is_no_trace_goes_nowhere(wrong: bytes) -> None:
    headers = {b"traceparent": wrong, b"tracestate": b"a=1"}
    assert parent_of(wrong) is None
    assert trace_context.lines(headers, "x", 1) == b""
    assert trace_context.kept(headers) == ""


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    later = parent_of(b"cc" + GOOD[2:] + b"-what-comes")
    assert later == parent_of(GOOD)


def test_flags_tell_who_records() -> None:
    flags = [b"00", b"01", b"02", b"03"]
    parents = [parent_of(GOOD[:-2] + one) for one in flags]
    assert [one.is_sampled for one in parents if one] == [False, True, False, True]


def test_a_long_state_is_left_out() -> None:
    headers = {b"traceparent": GOOD, b"tracestate": b"a=" + b"1" * 511}
    assert b"tracestate" not in trace_context.lines(headers, "x", 1)
    assert trace_context.lines({b"tracestate": b"a=1"}, "x", 1) == b""


@given(st.text(min_size=1), st.integers(0, 9), st.integers(0, 9))
def test_spans_are_valid_and_their_own(exchange: str, one: int, other: int) -> None:
    span = trace_context.span_of(exchange, one)
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert (span == trace_context.span_of(exchange, other)) == (one == other)
    assert re.fullmatch("[0-9a-f]{32}", trace_context.trace_of(exchange))


@given(st.binary(max_size=80) | HEX.map(str.encode))
def test_whatever_comes_makes_one_line_or_none(given: bytes) -> None:
    lines = trace_context.lines({b"traceparent": given}, "x", 1)
    assert lines == b"" or lines.count(b"\r\n") == 1
