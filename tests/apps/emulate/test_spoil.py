"""Spoiled streams always end, and harmless faults lose no content."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.dialect import ENDINGS, Frame, FrameKind
from penstock.apps.emulate.spoil import spoil, spoil_whole
from penstock.core.fault import HARMLESS, Fault, FaultKind, Phase

KINDS = [kind for kind in FaultKind if Fault(kind=kind).phase is Phase.DELIVERY]
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(KINDS),
    after_events=st.integers(0, 12),
    delay_s=st.none() | st.floats(0.0, 5.0),
    write_bytes=st.integers(1, 40),
)


def frames(count: int) -> Iterator[Frame]:
    yield Frame(FrameKind.STRUCTURE, b'data: {"role":1}\n\n')
    for at in range(count):
        yield Frame(FrameKind.CONTENT, b'data: {"word":"%d"}\n\n' % at, 1)
    yield Frame(FrameKind.FINISH, b'data: {"finish":1}\n\n')
    yield Frame(FrameKind.USAGE, b'data: {"usage":1}\n\n', tells_usage=True)
    yield Frame(FrameKind.CLOSING, b"data: [DONE]\n\n")


@given(FAULTS, st.integers(0, 10))
def test_a_stream_ends_at_its_first_ending(fault: Fault, count: int) -> None:
    spoiled = list(
        spoil(frames(count), fault.for_stream(), lambda sent: b"data: error %d\n\n" % sent)
    )
    assert spoiled[-1].kind is FrameKind.END
    ending = next(at for at, frame in enumerate(spoiled) if frame.kind in ENDINGS)
    sent = b"".join(frame.data for frame in spoiled[:ending])
    plain = b"".join(frame.data for frame in frames(count))
    is_whole = all(frame.data in sent for frame in frames(count) if frame.tokens)
    is_silent = any(frame.kind is FrameKind.SILENCE for frame in spoiled)
    if fault.kind in HARMLESS and not is_silent:
        assert is_whole
        assert b'data: {"finish":1}\n\n' in sent
    if fault.kind is FaultKind.SLOW_DRIP:
        assert sent == plain
        assert max(len(frame.data) for frame in spoiled) <= fault.write_bytes
    if fault.for_stream().kind in {FaultKind.STREAM_CUT, FaultKind.STREAM_ABORT}:
        assert sum(frame.tokens for frame in spoiled) == min(count, fault.after_events)
        assert b"finish" not in sent


def test_without_a_fault_nothing_changes() -> None:
    assert list(spoil(frames(3), None, lambda _: b""))[:-1] == list(frames(3))


@given(st.binary(min_size=2, max_size=200), FAULTS)
def test_a_whole_answer_arrives_only_if_it_was_meant_to(body: bytes, fault: Fault) -> None:
    spoiled = list(spoil_whole(body, fault))
    sent = b"".join(frame.data for frame in spoiled)
    assert body.startswith(sent)
    is_whole = fault.kind is FaultKind.SLOW_DRIP or (
        fault.kind is FaultKind.STALL and fault.delay_s is not None
    )
    assert (sent == body) == is_whole
