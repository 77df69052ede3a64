"""Notes in a stream: who answers and why, told in front of what they are about, if asked for."""

from typing import Any

import msgspec
import pytest
from tests.exchange.world import DONE, Run, World, error, role, stop, text

from penstock.config.model import Continuation, Policy
from penstock.core.claim import MAX_TOKENS, Claim
from penstock.core.outcome import FailureKind
from penstock.core.tier import Tier
from penstock.dialects.registry import DIALECTS
from penstock.exchange.notes import Notes

WHOLE = (role(), text("Hello"), stop(), DONE)


def notes(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return the notes of a stream in their order."""
    lines = [one for one in run.caller.body.split(b"\n") if one.startswith(b": ")]
    told: list[tuple[str, dict[str, Any]]] = []
    for line in lines:
        name, _, value = line[2:].decode().partition(" ")
        if value.startswith("{"):
            told.append((name, msgspec.json.decode(value)))
    return told


def noted() -> World:
    """Return a world where everybody asks for notes."""
    world = World()
    world.wants_notes = True
    return world


def answered(upstream: str, attempts: int, because: str) -> tuple[str, dict[str, object]]:
    return "answered", {
        "upstream": upstream, "model": "m", "attempts": attempts, "because": because,
    }  # fmt: skip


def test_who_does_not_ask_is_told_nothing() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.fail(FailureKind.RESET)
    world.line.stream(*WHOLE)
    assert notes(run) == []
    assert run.caller.body == b"".join(WHOLE)


def test_the_first_choice_answers_for_no_reason() -> None:
    world = noted()
    run = world.start(world.route("a", "b"))
    world.line.stream(*WHOLE)
    assert notes(run) == [answered("a", 1, "")]
    head, _, rest = run.caller.body.partition(b"\n\n")
    assert head.startswith(b": answered ")
    assert rest == b"".join(WHOLE), "it stands in front, and changes nothing"


def test_a_failover_says_who_failed_and_how() -> None:
    world = noted()
    run = world.start(world.route("a", "b", "c"))
    world.line.answer(529, b"{}")
    world.line.fail(FailureKind.RESET)
    world.line.stream(*WHOLE)
    assert notes(run) == [answered("c", 3, "a: overloaded, b: reset")]


def test_who_is_not_even_asked_is_named_in_an_ordered_route_only() -> None:
    for policy, because in ((Policy.ORDER, "a: cooling"), (Policy.LOAD, "")):
        world = noted()
        route = world.route("a", "b", policy=policy)
        route.targets[0].state.cooldown.rest_until(world.now_s + 60)
        run = world.start(route)
        world.line.stream(*WHOLE)
        assert notes(run) == [answered("b", 1, because)]


def test_an_open_breaker_is_a_reason() -> None:
    world = noted()
    route = world.route("a", "b")
    for _ in range(40):
        world.start(route)
        while not world.runs[-1].is_done:
            if world.line.upstream == "a":
                world.line.fail(FailureKind.RESET)
            else:
                world.line.stream(*WHOLE)
    run = world.start(route)
    assert world.line.upstream == "b"
    world.line.stream(*WHOLE)
    assert notes(run) == [answered("b", 1, "a: failing")]


def test_a_seam_says_who_goes_on_and_why() -> None:
    world = noted()
    route = world.route("a", "b", "c", continuation=Continuation())
    run = world.start(route)
    world.line.fail(FailureKind.RESET)
    world.line.sse()
    world.line.chunk(role() + text("Hello, "))
    world.line.chunk(error())
    world.line.stream(role(), text("world, how are you?"), stop(), DONE)
    assert run.caller.ended_by == "end"
    names = [name for name, _ in notes(run)]
    assert names == ["answered", "continued"]
    assert notes(run)[0] == answered("b", 2, "a: reset")
    why = notes(run)[1][1]["because"]
    assert why.startswith("b: "), "only why the one before has stopped"
    assert notes(run)[1][1]["upstream"] == "c"
    body = run.caller.body
    assert body.index(b"Hello, ") < body.index(b": continued") < body.index(b"world, how")


def test_what_load_takes_stands_before_anything_else() -> None:
    world = noted()
    world.upstream("a", 1)
    world.tier = Tier.FREE
    holder = world.start(world.route("a"))
    world.line.sent()
    run = world.start(world.route("a"))
    run.exchange.claim.load_level = 2  # as admission writes it
    world.advance(1.5)
    world.hang_up(holder)
    world.line.stream(*WHOLE)
    assert notes(run) == [("load", {"level": 2, "degraded": []}), answered("a", 1, "")]
    body = run.caller.body
    assert body.index(b": load") < body.index(b": queued") < body.index(b": answered")


def test_load_is_told_again_only_when_it_has_changed() -> None:
    claim = Claim("t", "k", Tier.FREE, 1, 0.0)
    told = Notes(DIALECTS["openai_chat"])
    assert told.load(claim) == b""
    claim.load_level, claim.degraded = 3, (MAX_TOKENS,)
    assert told.load(claim) == b': load {"level":3,"degraded":["max_tokens"]}\n\n'
    assert told.load(claim) == b""
    claim.load_level, claim.degraded = 0, ()
    assert told.load(claim) == b': load {"level":0,"degraded":[]}\n\n'
    assert told.load(claim) == b""


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_dialect_without_comments_has_no_notes(name: str) -> None:
    claim = Claim("t", "k", Tier.FREE, 1, 0.0)
    claim.load_level = 1
    note = Notes(DIALECTS[name]).load(claim)
    assert bool(note) != name.startswith("gemini")
    assert not note or note.startswith(b": load {")
