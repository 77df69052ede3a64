"""Answers that break, and upstreams that go on with them, in a world of plain objects."""

from typing import Final

import msgspec
from tests.dialects.breaks import stream_of
from tests.exchange.world import CONTINUATION, TIMEOUTS, Line, Run, Spec, World

from penstock.core.outcome import FailureKind
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    Failed,
    Started,
    Stopped,
    TextDelta,
    ToolStarted,
)
from penstock.dialects.message import Role, StopReason, Usage
from penstock.dialects.seam import anchor_of

STORY: Final = (
    "Spring thaw came early to the valley, and the miller opened the upper gate by a hand's width "
    "before he went to wake the others. By noon the water stood at the third mark of the post."
)
PATIENT: Final = msgspec.structs.replace(
    TIMEOUTS,
    connect_s=100.0,
    first_token_s=200.0,
    between_tokens_s=100.0,
    queue_s=200.0,
    total_s=1000.0,
)
RESET: Final = FailureKind.BROKEN_STREAM
CALL: Final = (ToolStarted(0, "call_1", "look"), ArgumentsDelta(0, '{"at": "gate"}'))


def seen(run: Run) -> list[Event]:
    """Return what the caller can read in the bytes it has."""
    return run.order.dialect.decoder().feed(run.caller.body)


def said(run: Run) -> str:
    """Return the text that the caller has."""
    return "".join(event.text for event in seen(run) if isinstance(event, TextDelta))


def told(run: Run) -> list[str]:
    """Return the details of the errors that the caller has."""
    return [event.failure.detail for event in seen(run) if isinstance(event, Failed)]


def answer_of(text: str, *, model: str = "m", usage: Usage | None = None) -> list[Event]:
    """Return the events of a whole answer in small pieces."""
    pieces: list[Event] = [TextDelta(text[at : at + 6]) for at in range(0, len(text), 6)]
    counted = Counted(usage or Usage(20, 10, is_known=True))
    return [Started("one", model), *pieces, counted, Stopped(StopReason.END)]


def rest_of(run: Run, line: Line, whole: str = STORY) -> str:
    """Return what an obedient model says when it is asked for the rest."""
    sent, asked = said(run), line.attempt.continuation
    assert asked is not None, "it was asked for the whole answer"
    if not sent.strip():
        return whole
    rest = whole[len(sent.rstrip()) :]
    return anchor_of(sent) + rest if asked.request.turns[-1].role is Role.USER else rest


def stream(line: Line, events: list[Event]) -> bytes:
    """Return events as this upstream's dialect has them."""
    return stream_of(line.attempt.dialect.name, events)


def part(line: Line, run: Run, text: str) -> bytes:
    """Return the beginning of an answer, as this upstream's dialect has it; nothing is ended."""
    encoder = line.attempt.dialect.encoder(run.order.inquiry, 1)
    return b"".join(encoder.encode(event) for event in answer_of(text, model="m-real")[:-2])


def ask(world: World, *specs: Spec | str) -> Run:
    """Have a caller ask who wants a stream that breaks to be gone on with."""
    return world.start(world.route(*specs or ("a", "b", "c"), continuation=CONTINUATION))


def begin(world: World, run: Run, chars: int = 60) -> None:
    """Have the upstream that was dialled last say the beginning of the story."""
    world.line.sse()
    world.line.chunk(part(world.line, run, STORY[:chars]))


def until(world: World, run: Run, attempts: int) -> None:
    """Let time pass until so many attempts have been dialled."""
    for _ in range(1000):
        if len(world.dialer.lines) >= attempts:
            return
        world.advance(0.01)
    raise AssertionError(f"no attempt number {attempts}: {world.record(run)}")


def go_on(world: World, run: Run, *, usage: Usage | None = None) -> None:
    """Have the upstream that was dialled last say all the rest."""
    line = world.line
    line.stream(stream(line, answer_of(rest_of(run, line), usage=usage)))


def outcomes(world: World, run: Run) -> str:
    """Return what became of each attempt, by the record."""
    return " ".join(one.outcome for one in world.record(run).attempts)


def has_ended_well(world: World, run: Run, text: str = STORY) -> None:
    """Hold that the caller has one whole answer, and the record says so."""
    assert run.caller.ended_by == "end"
    assert said(run) == text
    assert told(run) == []
    record = world.record(run)
    assert (record.outcome, record.status, record.code) == ("complete", 200, "")
    assert record.bytes_out == len(run.caller.body)
    world.check_rest()


def has_broken(world: World, run: Run, code: str = "upstream_failed") -> None:
    """Hold that the caller was told of the break, once, and the record says so."""
    assert run.caller.ended_by == "abort"
    assert len(told(run)) == 1
    assert STORY.startswith(said(run))
    record = world.record(run)
    assert (record.outcome, record.status, record.code) == ("broken", 200, code)
    assert record.bytes_out == len(run.caller.body)
    world.check_rest()
