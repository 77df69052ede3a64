"""Faults of delivery: a stream, or the bytes of a whole answer, with something wrong in between.

Each kind is a generator around the frames; where a fault waits for ``after_events`` of content and
the answer is shorter, it strikes just before the finish, so that it always strikes.
"""

from collections.abc import Callable, Generator, Iterator
from itertools import chain
from typing import Final

from penstock.apps.emulate.dialect import Frame, FrameKind
from penstock.core.fault import Fault, FaultKind

SLOW_TTFT_S: Final = 10.0  # where a script does not say
_JUNK: Final = b"this line is no field of an event stream\n"
_END: Final = Frame(FrameKind.END)
_ERRORS: Final = frozenset((
    FaultKind.ERROR_EVENT_FIRST, FaultKind.ERROR_EVENT_MID, FaultKind.FAILED_EVENT_FIRST,
    FaultKind.FAILED_EVENT_MID,
))  # fmt: skip
_FIRST: Final = frozenset((
    FaultKind.ERROR_EVENT_FIRST, FaultKind.FAILED_EVENT_FIRST, FaultKind.MALFORMED_FIRST,
))  # fmt: skip
_Strike = Callable[[Iterator[Frame], Fault], Iterator[Frame]]


def spoil(
    frames: Iterator[Frame], fault: Fault | None, error_event: Callable[[int], bytes]
) -> Iterator[Frame]:
    """Return the frames with their ending, as a fault leaves them.

    ``error_event`` is what the dialect sends for an error inside a stream after so many frames.
    """
    if fault is None:
        return chain(frames, (_END,))
    if fault.kind in _ERRORS:
        return chain(_error(frames, fault, error_event), (_END,))
    strike = _STRIKES.get(fault.kind)
    return chain(frames if strike is None else strike(frames, fault), (_END,))


def spoil_whole(body: bytes, fault: Fault) -> Iterator[Frame]:
    """Return the bytes of an answer with a known length, in frames, as a fault leaves them."""
    half = len(body) // 2
    if fault.kind is FaultKind.SLOW_DRIP:
        yield from _pieces(Frame(FrameKind.PIECE, body), fault.write_bytes)
    else:
        yield Frame(FrameKind.PIECE, body[:half])
        if fault.kind is FaultKind.STALL:
            yield from _silence(Frame(FrameKind.PIECE, body[half:]), fault)
    yield _END


def _place(fault: Fault) -> int:
    return 0 if fault.kind in _FIRST else fault.after_events


def _error(
    frames: Iterator[Frame], fault: Fault, error_event: Callable[[int], bytes]
) -> Iterator[Frame]:
    sent = 0
    for frame in _lead(frames, _place(fault)):
        sent += 1
        yield frame
    yield Frame(FrameKind.STRUCTURE, error_event(sent))


def _lead(frames: Iterator[Frame], count: int) -> Generator[Frame, None, Frame]:
    """Yield what comes before so much content is over, and return the frame after it."""
    seen = 0
    for frame in frames:
        if frame.kind is FrameKind.FINISH or (frame.kind is FrameKind.CONTENT and seen == count):
            return frame
        seen += frame.kind is FrameKind.CONTENT
        yield frame
    return _END


def _cut(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    yield from _lead(frames, fault.after_events)


def _abort(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    yield from _lead(frames, fault.after_events)
    yield Frame(FrameKind.ABORT)


def _stall(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    following = yield from _lead(frames, fault.after_events)
    yield from _silence(following, fault)
    yield from frames


def _silence(following: Frame, fault: Fault) -> Iterator[Frame]:
    if fault.delay_s is None:
        yield Frame(FrameKind.SILENCE)
    else:
        yield following._replace(wait_s=fault.delay_s)


def _slow_ttft(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    first = yield from _lead(frames, 0)
    yield first._replace(wait_s=SLOW_TTFT_S if fault.delay_s is None else fault.delay_s)
    yield from frames


def _malformed(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    """Cut the JSON of one event in its middle; the event ends, and the stream goes on."""
    victim = yield from _lead(frames, _place(fault))
    line = victim.data.rstrip(b"\r\n")
    start = line.find(b"data: ") + len(b"data: ")
    kept = line[: start + (len(line) - start) // 2]
    yield victim._replace(data=kept + victim.data[len(line) :])
    yield from frames


def _junk_line(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    following = yield from _lead(frames, fault.after_events)
    yield following._replace(data=_JUNK + following.data)
    yield from frames


def _without(kind: FrameKind) -> _Strike:
    def strike(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
        del fault
        return (frame for frame in frames if frame.kind is not kind)

    return strike


def _empty(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    del frames, fault
    return iter(())


def _drip(frames: Iterator[Frame], fault: Fault) -> Iterator[Frame]:
    for frame in frames:
        yield from _pieces(frame, fault.write_bytes)


def _pieces(frame: Frame, size: int) -> Iterator[Frame]:
    yield frame._replace(data=frame.data[:size])
    for at in range(size, len(frame.data), size):
        yield Frame(FrameKind.PIECE, frame.data[at : at + size])


_STRIKES: Final[dict[FaultKind, _Strike]] = {
    FaultKind.STREAM_CUT: _cut,
    FaultKind.STREAM_ABORT: _abort,
    FaultKind.STALL: _stall,
    FaultKind.SLOW_TTFT: _slow_ttft,
    FaultKind.MALFORMED_FIRST: _malformed,
    FaultKind.MALFORMED_MID: _malformed,
    FaultKind.JUNK_LINE: _junk_line,
    FaultKind.MISSING_DONE: _without(FrameKind.CLOSING),
    FaultKind.MISSING_USAGE: _without(FrameKind.USAGE),
    FaultKind.EMPTY_STREAM: _empty,
    FaultKind.SLOW_DRIP: _drip,
}
