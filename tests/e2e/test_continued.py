"""A stream that breaks is gone on with by another provider, and the official SDK sees one stream.

The emulated providers share their text, so the whole answer is known byte by byte.
"""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.e2e.conftest import StartEmulator, StartGateway
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, CLAUDE, GPT, RunningGateway, config_of, document, target

GEMINI_PRO = "gemini-3-pro"
QUESTION = "Why do gates stay closed in winter?"
CALLERS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")
UPSTREAMS = {
    "chat": ("openai_chat", "gpt", GPT),
    "responses": ("openai_responses", "gpt", GPT),
    "claude": ("anthropic_messages", "claude", CLAUDE),
    "gemini": ("gemini_generate", "gemini_native", GEMINI_PRO),
}
PROVIDERS = {"chat": "gpt", "responses": "gpt", "claude": "claude", "gemini": "gemini"}
CUT: dict[str, object] = {"kind": "stream_abort", "after_events": 5}
# Each begins once and ends once; the others are slow.
RING = {("chat", "claude"), ("claude", "gemini"), ("gemini", "responses"), ("responses", "chat")}
PAIRS = [
    (a, b) if (a, b) in RING else pytest.param(a, b, marks=pytest.mark.slow)
    for a in UPSTREAMS
    for b in UPSTREAMS
]
Ask = Callable[..., str]


def table(emulator: RunningEmulator) -> dict[str, Any]:
    """Return routes from every upstream to every other, each with ``on_break`` continue."""
    made = document(emulator)
    urls = emulator.urls
    made["upstreams"] = [
        {
            "name": name,
            "dialect": dialect,
            "base_url": urls[url] + ("/v1beta" if name == "gemini" else ""),
            "api_key_env": "EMULATED_KEY",
        }
        for name, (dialect, url, _) in UPSTREAMS.items()
    ]
    targets = {name: target(name, model) for name, (_, _, model) in UPSTREAMS.items()}
    made["routes"] = [
        {"name": f"{a}-{b}", "targets": [targets[a], targets[b]], "on_break": "continue"}
        for a in targets
        for b in targets
        if a != b
    ]
    made["routes"] += [
        {"name": f"only-{name}", "targets": [one], "on_break": "continue"}
        for name, one in targets.items()
    ]
    three = [targets["chat"], targets["claude"], targets["gemini"]]
    made["routes"].append({"name": "three", "targets": three, "on_break": "continue"})
    made["routes"].append({"name": "strict", "targets": three})
    assembled = {"name": "assembled", "targets": three[:2]}
    made["routes"] += [assembled | {"unary_via_stream": True}]
    return made


@pytest.fixture(scope="module")
def emulated(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator("--instant", "--seed", "3", "--shared-text")


@pytest.fixture(scope="module")
def running(start_gateway: StartGateway, emulated: RunningEmulator) -> RunningGateway:
    return start_gateway(config_of(table(emulated)))


@pytest.fixture
def sdks(running: RunningGateway, emulated: RunningEmulator) -> Iterator[dict[str, Any]]:
    emulated.reset()
    url = running.url
    google = genai.Client(
        api_key=CALLER_KEY, http_options=types.HttpOptions(base_url=url, timeout=20_000)
    )
    with (
        anthropic.Anthropic(base_url=url, auth_token=CALLER_KEY, max_retries=0) as claude,
        openai.OpenAI(base_url=f"{url}/v1", api_key=CALLER_KEY, max_retries=0) as gpt,
    ):
        yield {
            "openai_chat": gpt,
            "openai_responses": gpt,
            "anthropic_messages": claude,
            "gemini_generate": google.models,
        }
    google.close()


@pytest.fixture
def ask(sdks: dict[str, Any]) -> Ask:
    """Give a function that asks a route in one dialect, by a stream, and returns its text."""

    def asked(caller: str, route: str, **more: Any) -> str:
        sdk = sdks[caller]
        messages = [{"role": "user", "content": QUESTION}]
        if caller == "openai_chat":
            stream = sdk.chat.completions.create(
                model=route, messages=messages, stream=True, **more
            )
            chunks = list(stream)
            assert {chunk.id for chunk in chunks} == {chunks[0].id}
            return "".join(
                chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices
            )
        if caller == "openai_responses":
            with sdk.responses.stream(model=route, input=QUESTION, **more) as stream:
                numbers = [event.sequence_number for event in stream]
                assert numbers == list(range(len(numbers)))
                return stream.get_final_response().output_text
        if caller == "anthropic_messages":
            with sdk.messages.stream(
                model=route, max_tokens=5000, messages=messages, **more
            ) as stream:
                final = stream.get_final_message()
            assert [block.type for block in final.content] == ["text"]
            return final.content[0].text
        pieces = list(sdk.generate_content_stream(model=route, contents=QUESTION, **more))
        return "".join(piece.text or "" for piece in pieces)

    return asked


def whole(ask: Ask, caller: str) -> str:
    """Return what nobody has broken."""
    return ask(caller, "only-claude")


def last_record(running: RunningGateway, count: int) -> dict[str, Any]:
    wait_until(lambda: len(running.records()) >= count)
    return running.records()[-1]


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("caller", CALLERS)
def test_one_provider_begins_and_another_ends(
    ask: Ask,
    running: RunningGateway,
    emulated: RunningEmulator,
    caller: str,
    before: str,
    after: str,
) -> None:
    expected = whole(ask, caller)
    count = len(running.records())
    rule = CUT | {"provider": PROVIDERS[before], "requests": "fresh"}
    emulated.faults(rule)
    route = f"{before}-{after}" if before != after else f"only-{before}"
    assert ask(caller, route) == expected
    record = last_record(running, count + 1)
    assert record["outcome"] == "complete"
    assert record["hops"] == 1
    assert [one["outcome"] for one in record["attempts"]] == ["broken_stream", "success"]
    assert record["output_tokens"] == sum(one["output_tokens"] for one in record["attempts"])
    assert record["is_estimated"]


def test_an_api_key_s_stream_ends_in_an_error_unless_it_asks_otherwise(
    ask: Ask, emulated: RunningEmulator
) -> None:
    expected = whole(ask, "openai_chat")
    emulated.faults(CUT | {"provider": "gpt", "requests": "fresh"})
    with pytest.raises(openai.APIError):
        ask("openai_chat", "strict")
    wish = {"x-penstock-on-break": "continue"}
    assert ask("openai_chat", "strict", extra_headers=wish) == expected
    with pytest.raises(openai.APIError):
        ask("openai_chat", "three", extra_headers={"x-penstock-on-break": "error"})
    with pytest.raises(openai.BadRequestError, match="x-penstock-on-break"):
        ask("openai_chat", "three", extra_headers={"x-penstock-on-break": "maybe"})


def test_a_second_break_is_gone_on_with_too_and_a_third_upstream_ends_it(
    ask: Ask, running: RunningGateway, emulated: RunningEmulator
) -> None:
    expected = whole(ask, "anthropic_messages")
    count = len(running.records())
    emulated.faults(CUT | {"provider": "gpt"}, CUT | {"provider": "claude"})
    assert ask("anthropic_messages", "three") == expected
    record = last_record(running, count + 1)
    assert record["hops"] == 2
    assert [one["outcome"] for one in record["attempts"]][-1] == "success"


@pytest.mark.parametrize(
    "kind", ["continue_no_repeat", "continue_respaced", "continue_requoted", "continue_overlap"]
)
def test_however_the_other_one_repeats_the_seam_is_clean(
    ask: Ask, emulated: RunningEmulator, kind: str
) -> None:
    expected = whole(ask, "openai_chat")
    emulated.faults(
        CUT | {"provider": "claude", "requests": "fresh", "after_events": 30},
        {"kind": kind, "provider": "gpt"},
    )
    given = ask("openai_chat", "claude-chat")
    assert given.split() == expected.split() or kind != "continue_overlap"
    assert given[:40] == expected[:40]
    assert given[-40:] == expected[-40:]


def test_an_answer_that_begins_anew_is_broken_not_joined(
    ask: Ask, emulated: RunningEmulator
) -> None:
    emulated.faults(
        CUT | {"provider": "claude", "requests": "fresh", "after_events": 40},
        {"kind": "continue_restart", "provider": "gpt"},
    )
    with pytest.raises(openai.APIError):
        ask("openai_chat", "claude-chat")


def test_a_whole_answer_may_come_as_a_stream_and_a_break_in_it_is_failed_over(
    sdks: dict[str, Any], running: RunningGateway, emulated: RunningEmulator
) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    create = sdks["openai_chat"].chat.completions.create
    expected = create(model="only-claude", messages=messages).choices[0].message.content
    emulated.faults(CUT | {"provider": "gpt"})
    count = len(running.records())
    answer = create(model="assembled", messages=messages)
    assert answer.choices[0].message.content == expected
    assert answer.choices[0].finish_reason == "stop"
    record = last_record(running, count + 1)
    assert [one["outcome"] for one in record["attempts"]] == ["broken_stream", "success"]
    assert record["output_tokens"] == answer.usage.completion_tokens
    claude = sdks["anthropic_messages"].messages.create(
        model="assembled", max_tokens=5000, messages=messages
    )
    assert claude.content[0].text == expected
    with pytest.raises(openai.BadRequestError, match="logprobs"):
        create(model="assembled", messages=messages, logprobs=True)
