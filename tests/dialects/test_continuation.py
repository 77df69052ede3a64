"""Asking to go on: what is asked of whom, and what is never asked."""

import msgspec
import pytest
from tests.dialects.samples import REQUESTS, path

from penstock.dialects import capability
from penstock.dialects.capability import Engine, Prefill
from penstock.dialects.continuation import (
    PROMPT,
    Continuation,
    continued,
    fault_of,
    is_spent,
    obstacle_of,
)
from penstock.dialects.events import ArgumentsDelta, Event, TextDelta, ThinkingDelta, ToolStarted
from penstock.dialects.message import (
    ChoiceMode,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
)
from penstock.dialects.progress import Progress
from penstock.dialects.registry import DIALECTS

SENT = "The quick brown fox jumps over the lazy dog and then \u201csleeps\u201d all day. "
HI = Turn(Role.USER, (Text("hi"),))
TOOLS = (Tool("f", "", {"type": "object"}),)
REQUEST = Request(dialect="openai_chat", model="m", turns=(HI,), is_stream=True)
with_ = msgspec.structs.replace


def ask(
    request: Request, *events: Event, prefill: Prefill = Prefill.REFUSED, prompt: str = PROMPT
) -> Continuation:
    progress = Progress()
    for event in events or (TextDelta(SENT),):
        progress.see(event)
    return continued(request, progress, prefill=prefill, prompt=prompt)


def test_a_prefill_ends_the_history() -> None:
    for prefill in (Prefill.LITERAL, Prefill.CONTINUE, Prefill.PREFIX):
        turns = ask(REQUEST, prefill=prefill).request.turns
        assert turns == (HI, Turn(Role.ASSISTANT, (Text(SENT.rstrip()),)))


def test_an_anchor_is_quoted_in_the_callers_voice() -> None:
    for prefill in (Prefill.REFUSED, Prefill.RESTARTS):
        turns = ask(REQUEST, prefill=prefill, prompt="on from {anchor}, {please}").request.turns
        assert turns[:2] == (HI, Turn(Role.ASSISTANT, (Text(SENT.rstrip()),)))
        anchor = SENT.rstrip()[-40:].lstrip()
        assert turns[2:] == (Turn(Role.USER, (Text(f"on from {anchor}, {{please}}"),)),)


def test_text_with_braces_is_quoted_as_it_is() -> None:
    prompt = ask(REQUEST, TextDelta("a {anchor} {0} {x}")).request.turns[-1].parts[0]
    assert isinstance(prompt, Text)
    assert "a {anchor} {0} {x}" in prompt.text
    assert prompt.text == PROMPT.replace("{anchor}", "a {anchor} {0} {x}")


def test_a_beginning_of_the_callers_own_goes_on() -> None:
    for begun, joined in (
        ((Text("Sure: "),), (Text("Sure: " + SENT.rstrip()),)),
        ((ToolCall("c", "f", "{}"),), (ToolCall("c", "f", "{}"), Text(SENT.rstrip()))),
    ):
        request = with_(REQUEST, turns=(HI, Turn(Role.ASSISTANT, begun)))
        turns = ask(request, prefill=Prefill.LITERAL).request.turns
        assert turns == (HI, Turn(Role.ASSISTANT, joined))


@pytest.mark.parametrize("event", [ThinkingDelta("hm"), TextDelta(" \n")])
def test_without_text_the_request_is_as_it_was(event: Event) -> None:
    request = with_(REQUEST, tool_choice=ToolChoice(ChoiceMode.REQUIRED), output_tokens_max=9)
    asked = ask(request, event)
    assert asked.request == request
    assert asked.seam.feed("Hello") == "Hello"


@pytest.mark.parametrize(
    ("choice", "free"),
    [
        (None, None),
        (ToolChoice(), ToolChoice()),
        (ToolChoice(ChoiceMode.NONE), ToolChoice(ChoiceMode.NONE)),
        (ToolChoice(ChoiceMode.REQUIRED, is_parallel=False), ToolChoice(is_parallel=False)),
        (ToolChoice(ChoiceMode.ONE, "f"), ToolChoice()),
    ],
)
def test_no_call_is_forced(choice: ToolChoice | None, free: ToolChoice | None) -> None:
    asked = ask(with_(REQUEST, tools=TOOLS, tool_choice=choice)).request
    assert (asked.tools, asked.tool_choice) == (TOOLS, free)


def test_what_was_called_is_not_called_again() -> None:
    request = with_(REQUEST, tools=TOOLS, tool_choice=ToolChoice())
    events = (ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}"), TextDelta(SENT))
    asked = ask(request, *events).request
    assert (asked.tools, asked.tool_choice) == ((), None)


def test_the_limit_is_reduced_by_what_was_sent() -> None:
    assert ask(REQUEST).request.output_tokens_max is None
    sent_tokens = -(-len(SENT.encode()) // 4)
    request = with_(REQUEST, output_tokens_max=100)
    limit = ask(request, prefill=Prefill.LITERAL).request.output_tokens_max
    assert limit == 100 - sent_tokens
    with_anchor = ask(request).request.output_tokens_max
    assert limit is not None
    assert with_anchor is not None
    assert limit < with_anchor <= limit + 13
    assert ask(with_(request, output_tokens_max=1), prefill=Prefill.LITERAL).request == with_(
        ask(request, prefill=Prefill.LITERAL).request, output_tokens_max=1
    )


def test_what_reaches_the_limit_is_spent() -> None:
    assert not is_spent(REQUEST, SENT)
    assert not is_spent(with_(REQUEST, output_tokens_max=3), "x" * 8)
    assert is_spent(with_(REQUEST, output_tokens_max=3), "x" * 9)


def test_a_prompt_holds_its_place_once() -> None:
    assert fault_of(PROMPT) == ""
    assert "{anchor}" in fault_of("go on")
    assert "{anchor}" in fault_of("{anchor} {anchor}")


def obstacle(name: str, **fields: object) -> str | None:
    body = msgspec.json.decode(REQUESTS[name], type=dict[str, object]) | fields
    dialect = DIALECTS[name]
    return obstacle_of(dialect.inquire(msgspec.json.encode(body), path(dialect)), dialect)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("openai_chat", {"n": 2}),
        ("openai_chat", {"response_format": {"type": "json_object"}}),
        (
            "openai_chat",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
        ),
        ("openai_chat", {"logprobs": True}),
        ("openai_chat", {"top_logprobs": 2}),
        ("openai_chat", {"modalities": ["text", "audio"]}),
        ("openai_chat", {"audio": {"voice": "a", "format": "mp3"}}),
        ("openai_chat", {"web_search_options": {"search_context_size": "low"}}),
        (
            "anthropic_messages",
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        ),
        ("anthropic_messages", {"tools": [{"type": "web_search_20250305", "name": "web"}]}),
    ],
)
def test_some_answers_are_never_continued(name: str, fields: dict[str, object]) -> None:
    assert obstacle(name, **fields)


def test_plain_answers_are_continued() -> None:
    for name in REQUESTS:
        assert obstacle(name) is None
    assert obstacle("openai_chat", seed=3, temperature=0.2, user="u") is None
    assert obstacle("anthropic_messages", temperature=0.2, metadata={"user_id": "u"}) is None


@pytest.mark.parametrize(
    ("name", "model", "engine"),
    [
        ("anthropic_messages", "claude-sonnet-4-5", None),
        ("anthropic_messages", "claude-opus-5", None),
        ("openai_chat", "gpt-5.6", None),
        ("openai_chat", "qwen", Engine.VLLM),
        ("openai_chat", "qwen", Engine.LLAMA_CPP),
    ],
)
def test_every_upstream_can_be_asked(name: str, model: str, engine: Engine | None) -> None:
    row = capability.of(name, model, engine)
    asked = ask(with_(REQUEST, tools=TOOLS), prefill=row.prefill)
    body, dropped = DIALECTS[name].write_request(asked.request, model, row)
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    messages = msgspec.json.decode(fields["messages"], type=list[dict[str, object]])
    has_prefill = messages[-1]["role"] == "assistant"
    assert has_prefill is (row.prefill in (Prefill.LITERAL, Prefill.CONTINUE))
    assert ("continue_final_message" in fields) is (row.prefill is Prefill.CONTINUE)
    assert not any("messages" in one for one in dropped)
