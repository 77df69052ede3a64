"""Counting at Gemini: a conversation, or a whole request inside."""

from typing import Any

import msgspec
import pytest
from tests.dialects.counts import body_of

from penstock.core.errors import DialectError
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate.count import GeminiCount
from penstock.dialects.registry import DIALECTS

COUNT = GeminiCount()
PATH = b"/genai/v1beta/models/route:countTokens"
CONTENTS: list[Any] = [{"role": "user", "parts": [{"text": "What is a weir?"}]}]
WHOLE: dict[str, Any] = {
    "model": "models/route",
    "contents": CONTENTS,
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "tools": [{"functionDeclarations": [{"name": "find"}]}],
}


def inquiry_of(body: dict[str, Any]) -> Inquiry:
    return COUNT.inquire(msgspec.json.encode(body), PATH)


def test_the_path_names_the_model() -> None:
    assert inquiry_of({"contents": CONTENTS}).model == "route"
    assert COUNT.path("a/b", is_stream=False) == b"/models/a%2Fb:countTokens"
    with pytest.raises(DialectError, match="countTokens"):
        COUNT.inquire(b'{"contents":[]}', b"/v1/models/m:generateContent")
    with pytest.raises(DialectError, match="contents"):
        COUNT.inquire(b"{}", PATH)


def test_a_whole_request_tells_what_it_needs() -> None:
    assert inquiry_of({"generateContentRequest": WHOLE}).needs_tools
    assert not inquiry_of({"contents": CONTENTS}).needs_tools


def test_the_same_dialect_changes_the_model_only() -> None:
    alone = inquiry_of({"contents": CONTENTS})
    assert COUNT.forward(alone, "gemini-3-flash", asks_usage=False) is alone.body
    for name in ("generateContentRequest", "generate_content_request"):
        sent = COUNT.forward(inquiry_of({name: WHOLE}), "gemini-3-flash", asks_usage=False)
        assert msgspec.json.decode(sent) == {name: WHOLE | {"model": "models/gemini-3-flash"}}


@pytest.mark.parametrize("name", ["anthropic_messages", "openai_responses"])
def test_it_is_asked_of_others(name: str) -> None:
    inquiry = inquiry_of({"generateContentRequest": WHOLE})
    sent = msgspec.json.encode(body_of(COUNT, inquiry, name))
    for word in (b"Be brief.", b"What is a weir?", b"find"):
        assert word in sent
    assert COUNT.read_request(inquiry).dropped == ()


def test_others_send_a_whole_request() -> None:
    chat = DIALECTS["openai_chat"]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    asked = {"model": "m", "messages": messages, "service_tier": "flex"}
    sent = body_of(chat, chat.inquire(msgspec.json.encode(asked)), "gemini_generate")
    assert set(sent) == {"generateContentRequest"}
    whole = sent["generateContentRequest"]
    assert whole["model"] == "models/gemini-3-flash"
    assert whole["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert "serviceTier" not in whole
