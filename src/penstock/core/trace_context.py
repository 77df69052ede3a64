"""Trace context: which trace of its caller an exchange belongs to, and the spans that are ours.

    traceparent   00-TRACE-SPAN-FLAGS   TRACE 32 and SPAN 16 lower-case hex digits, neither all
                                        zero; a later version may have more behind another dash;
                                        ff is no version; anything else is as if there were none
    tracestate    goes on as it came with a valid traceparent, unless it is longer than 512 bytes

Span ids are derived from the exchange's id and the attempt's number (0: the exchange itself), so
that whoever reads the record later names the very spans that upstreams have heard of.

Source: W3C Trace Context, 3.2 and 3.3.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"
STATE_BYTES_MAX: Final = 512  # that much must be passed on, says 3.3.1.5
EXCHANGE: Final = 0
SAMPLED: Final = 1  # the flag of whoever records this trace
NOTHING: Final = b""
_HEX: Final = frozenset(b"0123456789abcdef")
_LENGTHS: Final = [2, 32, 16, 2]  # of version, trace, span and flags
_NO_TRACE: Final = b"0" * 32
_NO_SPAN: Final = b"0" * 16


class Parent(NamedTuple):
    """The caller's span."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def is_sampled(self) -> bool:
        """Whether the caller records this trace."""
        return bool(int(self.flags, 16) & SAMPLED)


def parent_of(traceparent: bytes) -> Parent | None:
    """Return what a header says; None if it says nothing that counts."""
    fields = traceparent.strip(b" \t").split(b"-")
    known = fields[:4]
    if [len(one) for one in known] != _LENGTHS or not _HEX.issuperset(b"".join(known)):
        return None
    version, trace_id, span_id, flags = known
    if version == b"ff" or (version == b"00" and len(fields) > len(known)):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Parent(trace_id.decode(), span_id.decode(), flags.decode())


def trace_of(exchange: str) -> str:
    """Return the trace id of an exchange whose caller has none."""
    return hashlib.sha256(f"trace {exchange}".encode()).hexdigest()[:32]


def span_of(exchange: str, attempt: int) -> str:
    """Return the span id of an attempt, or of the exchange itself (``EXCHANGE``)."""
    return hashlib.sha256(f"span {exchange} {attempt}".encode()).hexdigest()[:16]


def lines(headers: Mapping[bytes, bytes], exchange: str, attempt: int) -> bytes:
    """Return the header lines for an upstream; none if the caller has sent no trace."""
    given = headers.get(TRACEPARENT)
    if given is None:
        return NOTHING
    parent = parent_of(given)
    if parent is None:
        return NOTHING
    span_id = span_of(exchange, attempt)
    line = f"traceparent: 00-{parent.trace_id}-{span_id}-{parent.flags}\r\n".encode()
    state = headers.get(TRACESTATE, NOTHING)
    if not state or len(state) > STATE_BYTES_MAX:
        return line
    return b"%btracestate: %b\r\n" % (line, state)


def kept(headers: Mapping[bytes, bytes]) -> str:
    """Return the caller's traceparent as the record keeps it; empty if there is none."""
    parent = parent_of(headers.get(TRACEPARENT, NOTHING))
    return "" if parent is None else f"00-{parent.trace_id}-{parent.span_id}-{parent.flags}"
