"""Lines of the spool: told apart by their kind, read back as written, without a word of content."""

import msgspec
from tests.exchange.world import DONE, World, problem, role, stop, text, usage

from penstock.core.outcome import FailureKind
from penstock.exchange.record import AttemptRecord, Opened, Record

CANARY = "canary-1a2b3c"


def test_lines_are_read_back_as_they_were_written() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.answer(500, problem("oops"))
    world.line.stream(role(), text("Hello"), stop(), usage(1, 2), DONE)
    lines = [*world.recorder.opened_by_id[run.order.id], world.record(run)]
    read = [msgspec.json.decode(msgspec.json.encode(one), type=Opened | Record) for one in lines]
    assert read == lines
    assert [type(one) for one in read] == [Opened, Opened, Record]


def test_what_is_not_told_takes_no_room() -> None:
    record = AttemptRecord("a", "m", "success", 0.0, 1.0)
    assert msgspec.json.encode(record) == (
        b'{"upstream":"a","model":"m","outcome":"success","dialled_s":0.0,"duration_s":1.0}'
    )


def test_no_line_holds_what_was_said() -> None:
    world = World()
    fields: dict[str, object] = {"user": CANARY, "metadata": {"note": CANARY}}
    run = world.start(world.route("a"), fields=fields)
    world.line.stream(role(), text(CANARY), stop(), DONE)
    for line in (*world.recorder.opened_by_id[run.order.id], world.record(run)):
        assert CANARY.encode() not in msgspec.json.encode(line)


def test_outcomes_are_words_that_a_reader_knows() -> None:
    words = {"success", "ignored"} | {kind.value for kind in FailureKind}
    world = World()
    for kind in FailureKind:
        run = world.start(world.route(kind.value), may_fail_over=False)
        world.line.fail(kind)
        if kind is FailureKind.STALE:
            world.line.fail(kind)  # the first is repeated for free
        assert {one.outcome for one in world.record(run).attempts} <= words
