"""Any official SDK can have an answer gone on with that broke at any of the others.

The emulator's text is shared here, so that what one provider began another ends, byte by byte.
"""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import KEY, RunningEmulator

pytestmark = pytest.mark.slow

CLAUDE, CHAT, RESPONSES, GEMINI = "claude", "chat", "responses", "gemini"
DIALECTS = (CLAUDE, CHAT, RESPONSES, GEMINI)
HAIKU, GPT, GEMINI_PRO = "claude-haiku-4-5", "gpt-5.6", "gemini-3-pro"
Turns = list[tuple[str, str]]
Say = Callable[[str, Turns], str]
QUESTION: Turns = [("user", "Why do gates stay closed in winter?")]
TOOL_RESULT = "The gate is at 3 m."


@pytest.fixture(scope="module")
def shared(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator("--instant", "--seed", "3", "--shared-text")


@pytest.fixture
def sdks(shared: RunningEmulator) -> Iterator[dict[str, Any]]:
    """Give the three SDKs, set on one emulator whose text is shared."""
    shared.reset()
    urls = shared.urls
    options = types.HttpOptions(base_url=urls["gemini_native"])
    google = genai.Client(api_key=KEY, http_options=options)
    with (
        anthropic.Anthropic(base_url=urls["claude"], auth_token=KEY, max_retries=0) as claude,
        openai.OpenAI(base_url=urls["gpt"], api_key=KEY, max_retries=0) as gpt,
    ):
        yield {CLAUDE: claude, CHAT: gpt, RESPONSES: gpt, GEMINI: google.models}
    google.close()


@pytest.fixture
def say(sdks: dict[str, Any]) -> Say:
    """Give a function that asks one provider to answer a conversation."""

    def ask(dialect: str, turns: Turns) -> str:
        sdk = sdks[dialect]
        messages: list[Any] = [{"role": role, "content": text} for role, text in turns]
        if dialect == CLAUDE:
            answer = sdk.messages.create(model=HAIKU, max_tokens=5000, messages=messages)
            return "".join(block.text for block in answer.content)
        if dialect == CHAT:
            answer = sdk.chat.completions.create(model=GPT, messages=messages)
            return answer.choices[0].message.content
        if dialect == RESPONSES:
            return sdk.responses.create(model=GPT, input=messages).output_text
        contents = [
            {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}
            for role, text in turns
        ]
        return sdk.generate_content(model=GEMINI_PRO, contents=contents).text

    return ask


def wish(partial: str) -> tuple[str, str]:
    quote = partial[-40:].lstrip()
    return ("user", f"My connection dropped. I have it up to «{quote}»: repeat that and go on.")


def test_all_say_the_same_to_the_same_conversation(say: Say) -> None:
    more: Turns = [*QUESTION, ("assistant", "Because of ice."), ("user", "And in summer?")]
    for turns in (QUESTION, more):
        assert len({say(dialect, turns) for dialect in DIALECTS}) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("length", [5, 41, 200])
def test_a_quoted_end_is_repeated_and_gone_on_from(say: Say, dialect: str, length: int) -> None:
    whole = say(CLAUDE, QUESTION)
    partial = whole[:length].rstrip()
    more = say(dialect, [*QUESTION, ("assistant", partial), wish(partial)])
    quote = partial[-40:].lstrip()
    assert more.startswith(quote)
    assert partial + more.removeprefix(quote) == whole


@pytest.mark.parametrize("dialect", [CLAUDE, GEMINI])
def test_a_prefill_is_gone_on_from_where_the_model_allows_it(say: Say, dialect: str) -> None:
    whole = say(CHAT, QUESTION)
    partial = whole[:100].rstrip()
    assert partial + say(dialect, [*QUESTION, ("assistant", partial)]) == whole


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_gpt_starts_again_after_a_prefill(say: Say, dialect: str) -> None:
    whole = say(CLAUDE, QUESTION)
    assert say(dialect, [*QUESTION, ("assistant", whole[:100].rstrip())]) == whole


def test_a_continuation_can_be_struck_alone(shared: RunningEmulator, say: Say) -> None:
    whole = say(CHAT, QUESTION)
    partial = whole[:100].rstrip()
    shared.faults({"kind": "http_503", "requests": "continuation"}, {"kind": "continue_restart"})
    assert say(CHAT, QUESTION) == whole
    with pytest.raises(openai.InternalServerError):
        say(CHAT, [*QUESTION, ("assistant", partial), wish(partial)])
    shared.faults({"kind": "continue_restart"}, {"kind": "http_503", "requests": "fresh"})
    assert say(RESPONSES, [*QUESTION, ("assistant", partial), wish(partial)]) == whole
    assert shared.attempts()[-1]["fault"] == "continue_restart"
    with pytest.raises(errors.ServerError):
        say(GEMINI, QUESTION)


def test_a_conversation_with_a_tool_is_the_same_for_all(sdks: dict[str, Any]) -> None:
    """Each dialect carries call and result in its own way; the conversation is one."""
    question, arguments = "Is the gate open? [[words:20]]", {"city": "Kyiv", "at": 3}
    claude = sdks[CLAUDE].messages.create(
        model=HAIKU,
        max_tokens=500,
        messages=[
            {"role": "user", "content": question},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": arguments}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": TOOL_RESULT}]},
        ],
    )  # fmt: skip
    json_text = '{"at": 3,  "city": "Kyiv"}'
    chat = sdks[CHAT].chat.completions.create(
        model=GPT,
        messages=[
            {"role": "user", "content": question},
            {"role": "assistant", "tool_calls": [
                {"id": "c", "type": "function",
                 "function": {"name": "look", "arguments": json_text}}]},
            {"role": "tool", "tool_call_id": "c", "content": TOOL_RESULT},
        ],
    )  # fmt: skip
    response = sdks[RESPONSES].responses.create(
        model=GPT,
        input=[
            {"role": "user", "content": question},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": json_text},
            {"type": "function_call_output", "call_id": "c", "output": TOOL_RESULT},
        ],
    )
    dummy = b"skip_thought_signature_validator"
    gemini = sdks[GEMINI].generate_content(
        model="gemini-2.5-flash",
        contents=[
            {"role": "user", "parts": [{"text": question}]},
            {"role": "model", "parts": [
                {"function_call": {"name": "look", "args": arguments},
                 "thought_signature": dummy}]},
            {"role": "user", "parts": [
                {"function_response": {"name": "look", "response": {"output": TOOL_RESULT}}}]},
        ],
    )  # fmt: skip
    texts = {
        claude.content[0].text,
        chat.choices[0].message.content,
        response.output_text,
        gemini.text,
    }
    assert len(texts) == 1
