"""What an upstream hears of a tier: nothing it was not declared to hear, nothing dearer than it."""

from typing import Any

import msgspec
import pytest
from tests.exchange.world import CHAT, Run, Spec, World, stop, text, whole

from penstock.config.model import TierHeaders
from penstock.core.tier import Tier
from penstock.dialects.capability import Engine
from penstock.dialects.registry import DIALECTS
from penstock.exchange.urgency import SMG_CLASSES

CLAUDE = DIALECTS["anthropic_messages"]


def admitted(
    served: Tier, fields: dict[str, object], caller: Any = CHAT, model: str = "", **entry: object
) -> tuple[World, Run]:
    """Return an exchange of a tier that has been dialled."""
    world = World()
    world.tier = served
    upstream = world.upstream("a")
    upstream.entry = msgspec.structs.replace(upstream.entry, **entry)
    route = world.route(Spec("a", model))
    return world, world.start(route, is_stream=False, fields=fields, dialect=caller)


def sent(world: World) -> dict[str, Any]:
    """Return the body that has gone to the upstream."""
    return msgspec.json.decode(world.line.attempt.body)


@pytest.mark.parametrize(
    ("word", "served", "heard"),
    [
        ("priority", Tier.STANDARD, None),
        ("priority", Tier.ENTERPRISE, "priority"),
        ("flex", Tier.STANDARD, "flex"),
        ("flex", Tier.BATCH, "flex"),
        ("default", Tier.FREE, "default"),
        ("ultrafast", Tier.ENTERPRISE, None),
        ("enterprise", Tier.ENTERPRISE, None),
    ],
)
def test_a_word_goes_on_if_it_buys_no_more(word: str, served: Tier, heard: str | None) -> None:
    world, run = admitted(served, {"service_tier": word})
    assert sent(world).get("service_tier") == heard
    assert b"priority" not in world.line.attempt.more_lines
    asked = msgspec.json.decode(run.order.inquiry.body)
    assert asked["service_tier"] == word
    if heard is not None:
        assert world.line.attempt.body == run.order.inquiry.body
    else:
        assert sent(world) | {"service_tier": word} == asked


@pytest.mark.parametrize(("served", "heard"), [(Tier.STANDARD, None), (Tier.CONTROL, "priority")])
def test_a_translation_is_lowered_too(served: Tier, heard: str | None) -> None:
    gemini = DIALECTS["gemini_generate"]
    fields: dict[str, object] = {
        "serviceTier": "priority",
        "contents": [{"parts": [{"text": "hi"}]}],
    }
    world, _ = admitted(served, fields, caller=gemini, model="gpt-5.6")
    assert sent(world).get("service_tier") == heard


@pytest.mark.parametrize("served", Tier)
def test_engines_hear_a_number(served: Tier) -> None:
    asked: dict[str, object] = {"priority": -99, "n": 1}
    world, _ = admitted(served, asked, engine=Engine.VLLM, passes_priority=True)
    assert sent(world)["priority"] == served - 2
    world, _ = admitted(served, asked, engine=Engine.SGLANG, passes_priority=True)
    assert sent(world)["priority"] == 2 - served
    assert world.line.attempt.body.count(b'"priority"') == 1
    world, run = admitted(served, asked, engine=Engine.VLLM)
    assert world.line.attempt.body == run.order.inquiry.body


def test_a_translated_request_has_the_number_too() -> None:
    fields: dict[str, object] = {"max_tokens": 9}
    world, _ = admitted(
        Tier.FREE, fields, caller=CLAUDE, engine=Engine.SGLANG, passes_priority=True
    )
    assert sent(world)["priority"] == -1


@pytest.mark.parametrize("served", Tier)
def test_routers_hear_it_in_headers(served: Tier) -> None:
    world, _ = admitted(served, {}, tier_headers=TierHeaders.SMG)
    smg = SMG_CLASSES[served]
    assert world.line.attempt.more_lines == b"x-smg-priority: %b\r\n" % smg
    world, _ = admitted(served, {}, tier_headers=TierHeaders.LLM_D)
    assert (
        world.line.attempt.more_lines
        == (b"x-llm-d-inference-objective: %b\r\nx-llm-d-inference-fairness-id: tenant\r\n")
        % served.word.encode()
    )


def test_the_caller_is_told_its_tier_in_the_answer() -> None:
    world, run = admitted(Tier.FREE, {"service_tier": "priority"})
    world.line.answer(200, whole("hi"))
    assert msgspec.json.decode(run.caller.body)["service_tier"] == "default"
    world, run = admitted(Tier.FREE, {})
    world.line.answer(200, whole("hi"))
    assert run.caller.body == whole("hi")


def test_and_in_a_translated_one() -> None:
    world, run = admitted(Tier.ENTERPRISE, {"max_tokens": 9}, caller=CLAUDE)
    world.line.answer(200, whole("hi"))
    assert msgspec.json.decode(run.caller.body)["usage"]["service_tier"] == "priority"


@pytest.mark.parametrize("name", ["openai_responses", "anthropic_messages"])
def test_and_in_a_translated_stream(name: str) -> None:
    world = World()
    world.tier = Tier.ENTERPRISE
    fields: dict[str, object] = {"max_tokens": 9} if name == "anthropic_messages" else {}
    run = world.start(world.route("a"), dialect=DIALECTS[name], fields=fields)
    world.line.stream(text("hi"), stop(), b"data: [DONE]\n\n")
    assert b'"service_tier":"priority"' in run.caller.body
