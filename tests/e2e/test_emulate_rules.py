"""What each family of models and each version of an API no longer takes, or does not take yet.

All of it comes as the provider's own 400, so that a gateway which sends it finds out in a test.
"""

import base64
from typing import Any

import anthropic
import pytest
from google.genai import errors, types
from tests.e2e.emulator import KEY, RunningEmulator

pytestmark = pytest.mark.slow

SONNET, OLDER, HAIKU = "claude-sonnet-5-5", "claude-sonnet-4-6", "claude-haiku-4-5"
NEWEST, OLDEST = "2026-10-21", "2023-06-01"
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain",
                                           "data": "A weir."}}  # fmt: skip
CALL: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "fine"}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
DUMMY = "skip_thought_signature_validator"


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if len(content) == 1 else list(content)}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def refusal(
    emulator: RunningEmulator, model: str, version: str, *, is_count: bool = False, **body: Any
) -> str:
    """Return the message of a 400 from the emulated Claude, or nothing."""
    asked = {"model": model, "max_tokens": 2_000, "messages": [user("hi")]} | body
    path = "/claude/v1/messages" + ("/count_tokens" if is_count else "")
    headers = {"anthropic-version": version}
    if version == OLDEST:
        headers |= {"x-api-key": KEY, "authorization": ""}
    received, _ = emulator.exchange(path, asked, headers)
    assert received[9:12] in {b"200", b"400"}, received
    return "" if received[9:12] == b"200" else received.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize(
    ("model", "version", "is_taken"),
    [(HAIKU, OLDEST, True), (HAIKU, NEWEST, False), (OLDER, OLDEST, True),
     (OLDER, NEWEST, False), (SONNET, OLDEST, False), (SONNET, NEWEST, False)],
)  # fmt: skip
def test_claude_takes_sampling_by_version_and_family(
    emulator: RunningEmulator, model: str, version: str, *, is_taken: bool
) -> None:
    fields: list[dict[str, Any]] = [{"temperature": 1.0}, {"top_p": 0.9}, {"top_k": 5}]
    for field in fields:
        message = refusal(emulator, model, version, **field)
        assert (message == "") == is_taken
        assert is_taken or next(iter(field)) in message


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([user("hi"), assistant(DOCUMENT, text("so")), user("and?")], "document blocks"),
        ([user(text("hi", citations=[{"type": "char_location"}]), text("!"))], "citations"),
    ],
)
def test_claude_took_more_before_its_newest_version(
    emulator: RunningEmulator, messages: list[Any], words: str
) -> None:
    assert words in refusal(emulator, HAIKU, NEWEST, messages=messages)
    assert refusal(emulator, HAIKU, OLDEST, messages=messages) == ""


CLAUDE_REFUSES: list[tuple[str, dict[str, Any], str]] = [
    (SONNET, {"messages": [user("hi"), assistant("so")]}, "prefill"),
    (OLDER, {"messages": [user("hi"), assistant("so")]}, "prefill"),
    (HAIKU, {"messages": [user("hi"), assistant("so ")]}, "trailing whitespace"),
    (HAIKU, {"messages": [user("hi"), assistant("so")],
             "thinking": {"type": "enabled", "budget_tokens": 1_024}}, "extended thinking"),
    (SONNET, {"tools": [TOOL], "tool_choice": {"type": "any"}}, "forced tool use"),
    (SONNET, {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look"}}, "forced"),
    (OLDER, {"tools": [TOOL], "tool_choice": {"type": "any"},
             "thinking": {"type": "enabled", "budget_tokens": 1_024}}, "forces tool use"),
    (SONNET, {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, "adaptive"),
    (HAIKU, {"messages": [user("hi"), {"role": "system", "content": "Be brief."}]}, "system"),
    (SONNET, {"messages": [{"role": "system", "content": "x"}, user("hi")]}, "follow a user"),
    (SONNET, {"messages": [user(""), user("hi")]}, "non-empty content"),
    (SONNET, {"messages": [user([text(" ")])]}, "non-empty"),
    (SONNET, {"messages": [user("hi"), assistant([CALL]), user("so?")]}, "without tool_result"),
    (SONNET, {"messages": [user("hi"), assistant([CALL]), user(text("so"), RESULT)]}, "first"),
    (SONNET, {"messages": [user([RESULT])]}, "unexpected tool_use_id"),
    (SONNET, {"messages": [user("hi"), assistant([{"type": "thinking", "thinking": "x",
              "signature": "forged"}, text("so")]), user("?")]}, "signature"),
    (SONNET, {"messages": [user(DOCUMENT | {"citations": {"enabled": True}}, text("so"))],
              "output_config": {"format": {"type": "json_schema", "schema": {}}}}, "citations"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "body", "words"), CLAUDE_REFUSES)
def test_claude_refuses(
    emulator: RunningEmulator, model: str, body: dict[str, Any], words: str
) -> None:
    assert words in refusal(emulator, model, NEWEST, **body)


CLAUDE_TAKES: list[tuple[str, dict[str, Any]]] = [
    (HAIKU, {"messages": [user("hi"), assistant("so")]}),
    (OLDER, {"tools": [TOOL], "tool_choice": {"type": "any"}}),
    (SONNET, {"messages": [user("hi"), {"role": "system", "content": "x"}, assistant("y"),
                           user("z")]}),
    (SONNET, {"messages": [user("hi"), assistant([CALL]), user(RESULT, text("so"))]}),
    (SONNET, {"messages": [user(DOCUMENT | {"citations": {"enabled": True}}, text("so"))]}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "body"), CLAUDE_TAKES)
@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_claude_takes(
    emulator: RunningEmulator, model: str, version: str, body: dict[str, Any]
) -> None:
    assert refusal(emulator, model, version, **body) == ""


def test_claude_counts_what_it_will_charge(emulator: RunningEmulator, claude: Any) -> None:
    asked: dict[str, Any] = {
        "model": SONNET,
        "messages": [user(text("What is this?"), DOCUMENT)],
        "system": "Be brief.",
        "tools": [TOOL],
    }
    counted = claude.messages.count_tokens(**asked)
    message = claude.messages.create(**asked, max_tokens=50)
    assert counted.input_tokens == message.usage.input_tokens
    for version in (NEWEST, OLDEST):
        assert refusal(emulator, HAIKU, version, is_count=True, max_tokens=None) == ""
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.count_tokens(model=SONNET, messages=[])
    assert "anthropic-version" in refusal(emulator, HAIKU, "2020-01-01", is_count=True)


def test_claude_takes_its_own_thoughts_back(claude: Any, gemini: Any) -> None:
    thought = claude.messages.create(
        model=SONNET, max_tokens=400, messages=[user("Why?")], thinking={"type": "adaptive"}
    )
    history: list[Any] = [user("Why?"), {"role": "assistant", "content": thought.content}]
    assert claude.messages.create(model=SONNET, max_tokens=9, messages=[*history, user("And?")])
    foreign = base64.b64decode(thought.content[0].signature)
    with pytest.raises(errors.ClientError, match="not valid"):
        gemini.generate_content(model="gemini-3-pro", contents=gemini_call(foreign))


# Gemini


def gemini_call(signature: bytes | None) -> list[Any]:
    part: dict[str, Any] = {"function_call": {"name": "look", "args": {}}}
    if signature is not None:
        part["thought_signature"] = signature
    response = {"function_response": {"name": "look", "response": {"output": "fine"}}}
    return [
        {"role": "user", "parts": [{"text": "Look!"}]},
        {"role": "model", "parts": [part]},
        {"role": "user", "parts": [response]},
    ]


@pytest.mark.parametrize(
    ("model", "takes_prefill"),
    [("gemini-2.5-flash", True), ("gemini-3-pro", True), ("gemini-3.5-flash-lite", False),
     ("gemini-3.6-flash", False), ("gemini-3.7-flash", False)],
)  # fmt: skip
def test_gemini_takes_a_model_turn_last_by_family(
    gemini: Any, compatible: Any, model: str, *, takes_prefill: bool
) -> None:
    contents = [types.UserContent("hi"), types.ModelContent("so")]
    messages = [user("hi"), assistant("so")]
    if takes_prefill:
        assert gemini.generate_content(model=model, contents=contents).text
        assert compatible.chat.completions.create(model=model, messages=messages).choices
        return
    with pytest.raises(errors.ClientError, match="ending with a model turn"):
        gemini.generate_content(model=model, contents=contents)


@pytest.mark.parametrize("model", ["gemini-3-pro", "gemini-3.7-flash"])
def test_gemini_wants_a_signature_on_the_calls_of_this_turn(gemini: Any, model: str) -> None:
    with pytest.raises(errors.ClientError, match="missing"):
        gemini.generate_content(model=model, contents=gemini_call(None))
    with pytest.raises(errors.ClientError, match="not valid"):
        gemini.generate_content(model=model, contents=gemini_call(b"forged"))
    assert gemini.generate_content(model=model, contents=gemini_call(DUMMY.encode())).text
    older = [*gemini_call(None), types.ModelContent("so"), types.UserContent("And?")]
    assert gemini.generate_content(model=model, contents=older).text
    assert gemini.generate_content(model="gemini-2.5-flash", contents=gemini_call(None)).text


def test_gemini_takes_the_dummy_as_plain_text_on_both_paths(emulator: RunningEmulator) -> None:
    contents: list[Any] = [
        {"role": "user", "parts": [{"text": "Look!"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": DUMMY}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {}}}]},
    ]  # fmt: skip
    for version in ("v1", "v1beta"):
        path = f"/gemini/{version}/models/gemini-3.7-flash:generateContent"
        received, _ = emulator.exchange(path, {"contents": contents})
        assert received.startswith(b"HTTP/1.1 200")


def test_gemini_wants_its_turns_in_order(gemini: Any) -> None:
    question, call, result = gemini_call(DUMMY.encode())
    model = types.ModelContent("so")
    wrong: list[tuple[str, list[Any]]] = [
        ("first turn", [model, question]),
        ("first turn", [call, result]),
        ("immediately after a user", [question, model, call, result]),
        ("immediately after a function call", [question, result]),
        ("immediately after a function call", [question, call, result, result]),
        ("number of function response", [question, call, question]),
        ("number of function response",
         [question, call, {"role": "user", "parts": result["parts"] * 2}]),
    ]  # fmt: skip
    for words, contents in wrong:
        with pytest.raises(errors.ClientError, match=words):
            gemini.generate_content(model="gemini-2.5-flash", contents=contents)


def test_gemini_counts_what_it_will_charge(gemini: Any) -> None:
    contents = "What is a weir?"
    counted = gemini.count_tokens(model="gemini-3.7-flash", contents=contents)
    answer = gemini.generate_content(model="gemini-3.7-flash", contents=contents)
    assert counted.total_tokens == answer.usage_metadata.prompt_token_count
    with pytest.raises(errors.ClientError):
        gemini.count_tokens(model="gemini-0", contents=contents)


# Words before calls


def test_words_can_come_before_calls_in_every_dialect(claude: Any, gpt: Any, gemini: Any) -> None:
    question, schema = "[[lead:4]] look, please", {"type": "object"}
    message = claude.messages.create(
        model=SONNET, max_tokens=400, messages=[user(question)], tools=[TOOL]
    )
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert len(message.content[0].text.split()) == 4
    function = {"name": "look", "parameters": schema}
    with gpt.chat.completions.stream(
        model="gpt-5.6",
        messages=[user(question)],
        tools=[{"type": "function", "function": function}],
    ) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert len(choice.message.content.split()) == 4
    assert [call.function.name for call in choice.message.tool_calls] == ["look"]
    response = gpt.responses.create(
        model="gpt-5.6", input=question, tools=[{"type": "function", "strict": False, **function}]
    )
    assert [item.type for item in response.output] == ["message", "function_call"]
    config = {"tools": [{"function_declarations": [{"name": "look"}]}]}
    answer = gemini.generate_content(model="gemini-3.7-flash", contents=question, config=config)
    said, called = answer.candidates[0].content.parts
    assert len(said.text.split()) == 4
    assert called.function_call.name == "look"
