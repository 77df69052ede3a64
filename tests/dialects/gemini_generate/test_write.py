"""What a Gemini upstream is sent."""

import msgspec
import pytest

from penstock.core.errors import CallerError
from penstock.dialects import capability
from penstock.dialects.gemini_generate.write import SIGNATURE_DUMMY, write_request
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

HI = Turn(Role.USER, (Text("hi"),))
CALL = ToolCall("c", "f", '{"a": 1.0}')
TOOL = Tool("f", "finds", {"properties": {}})
HISTORY = (HI, Turn(Role.ASSISTANT, (Text("so"), CALL)), Turn(Role.USER, (ToolResult("c", ()),)))
THREE, TWO = "gemini-3-flash-preview", "gemini-2.5-flash"


def written(
    model: str = THREE, *turns: Turn, **fields: object
) -> tuple[dict[str, object], list[str]]:
    request = msgspec.structs.replace(
        Request(dialect="openai_chat", model="m", turns=turns or (HI,)), **fields
    )
    body, dropped = write_request(request, model, capability.gemini(model))
    return msgspec.json.decode(body, type=dict[str, object]), list(dropped)


def config(model: str = THREE, **fields: object) -> object:
    return written(model, **fields)[0].get("generationConfig")


def contents(model: str, *turns: Turn) -> list[dict[str, object]]:
    return msgspec.convert(written(model, *turns)[0]["contents"], list[dict[str, object]])


def test_a_question() -> None:
    body, dropped = written(system="be brief")
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    }
    assert dropped == []


def test_no_role_stands_twice_in_a_row_and_later_instructions_lead() -> None:
    later = Turn(Role.SYSTEM, (Text("be brief"),))
    body, dropped = written(THREE, HI, later, HI, system="be kind")
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}, {"text": "hi"}]}]
    assert body["systemInstruction"] == {"parts": [{"text": "be kind\n\nbe brief"}]}
    assert dropped == ["later_system"]


def test_a_conversation_begins_with_the_user() -> None:
    turns = contents(THREE, Turn(Role.ASSISTANT, (Text("Hello!"),)), HI)
    assert turns[0] == {"role": "user", "parts": [{"text": "."}]}


def test_a_conversation_must_say_something() -> None:
    with pytest.raises(CallerError, match="message"):
        written(THREE, Turn(Role.SYSTEM, (Text("a"),)))


def test_a_turn_that_is_to_be_continued() -> None:
    turns = (HI, Turn(Role.ASSISTANT, (Text("I"),)))
    assert len(contents(TWO, *turns)) == 2
    with pytest.raises(CallerError) as caught:
        written("gemini-3.7-pro", *turns)
    assert caught.value.param == "prefill"


def test_calls_are_signed_for_models_that_check() -> None:
    two = Turn(Role.ASSISTANT, (CALL, ToolCall("d", "g", "not json")))
    failed = ToolResult("d", (Text("no"),), is_error=True)
    results = Turn(Role.USER, (ToolResult("c", (Text("1"),)), failed))
    for model, is_signed in ((THREE, True), (TWO, False), ("gemini-9", True)):
        turns = contents(model, HI, two, results)
        first: dict[str, object] = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1.0}}}
        if is_signed:
            first["thoughtSignature"] = SIGNATURE_DUMMY
        assert turns[1]["parts"] == [
            first,
            {"functionCall": {"id": "d", "name": "g", "args": {"_raw": "not json"}}},
        ]
        assert turns[2]["parts"] == [
            {"functionResponse": {"id": "c", "name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"id": "d", "name": "g", "response": {"error": "no"}}},
        ]


def test_media_in_a_result() -> None:
    result = ToolResult("c", (Text("see"), Image("image/png", "YQ=="), Document(data="YQ==")))
    turns = (HI, Turn(Role.ASSISTANT, (CALL,)), Turn(Role.USER, (result, Text("so?"))))
    media = [
        {"inlineData": {"mimeType": "image/png", "data": "YQ=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "YQ=="}},
    ]
    response: dict[str, object] = {"id": "c", "name": "f", "response": {"output": "see"}}
    assert contents(THREE, *turns)[2]["parts"] == [
        {"functionResponse": response | {"parts": media}},
        {"text": "so?"},
    ]
    body, dropped = written(TWO, *turns)
    assert msgspec.convert(body["contents"], list[dict[str, object]])[2]["parts"] == [
        {"functionResponse": response},
        *media,
        {"text": "so?"},
    ]
    assert dropped == ["result_images"]


def test_documents_have_their_names_before_them() -> None:
    plain, paper = Document(text="grün", title="a.txt"), Document(data="YQ==", title="b.pdf")
    data = {"inlineData": {"mimeType": "application/pdf", "data": "YQ=="}}
    asked = Turn(Role.USER, (plain, paper, Text("so?")))
    assert contents(THREE, asked)[0]["parts"] == [
        {"text": "File a.txt:"},
        {"text": "grün"},
        {"text": "File b.pdf:"},
        data,
        {"text": "so?"},
    ]
    told = Turn(Role.USER, (ToolResult("c", (plain, paper)),))
    response = {"output": "File a.txt:\ngrün\nFile b.pdf:"}
    assert contents(THREE, HI, Turn(Role.ASSISTANT, (CALL,)), told)[2]["parts"] == [
        {"functionResponse": {"id": "c", "name": "f", "response": response, "parts": [data]}}
    ]


@pytest.mark.parametrize("part", [Image(url="https://x.example/a.png"), Document(url="http://x")])
def test_addresses_are_refused(part: Image | Document) -> None:
    with pytest.raises(CallerError, match="send the data"):
        written(THREE, Turn(Role.USER, (part,)))


def test_tools_and_their_choice() -> None:
    declared: dict[str, object] = {
        "name": "f",
        "description": "finds",
        "parametersJsonSchema": {"type": "object", "properties": {}},
    }
    for choice, mode in (
        (None, None),
        (ToolChoice(is_parallel=True), None),
        (ToolChoice(ChoiceMode.NONE), {"mode": "NONE"}),
        (ToolChoice(ChoiceMode.REQUIRED), {"mode": "ANY"}),
        (ToolChoice(ChoiceMode.ONE, "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ):
        body, dropped = written(tools=(TOOL,), tool_choice=choice)
        assert body["tools"] == [{"functionDeclarations": [declared]}]
        assert body.get("toolConfig") == (mode and {"functionCallingConfig": mode})
        assert dropped == []
    assert written(tools=(TOOL,), tool_choice=ToolChoice(is_parallel=False))[1] == ["parallel"]


def test_a_name_of_other_characters_is_escaped_everywhere() -> None:
    turns = (HI, Turn(Role.ASSISTANT, (ToolCall("c", "1/f", "{}"),)), HISTORY[2])
    choice = ToolChoice(ChoiceMode.ONE, "1/f")
    tool = msgspec.structs.replace(TOOL, name="1/f")
    body, dropped = written(THREE, *turns, tools=(tool,), tool_choice=choice)
    assert msgspec.json.encode(body).count(b'"_:1:2ff"') == 4
    assert dropped == []
    with pytest.raises(CallerError, match="128 characters"):
        written(tools=(msgspec.structs.replace(TOOL, name="f" * 129),))


def test_what_steers_the_answer() -> None:
    assert config(
        output_tokens_max=7,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        seed=7,
        frequency_penalty=1.0,
        presence_penalty=-1.0,
        stop=("a",),
    ) == {
        "maxOutputTokens": 7,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 3,
        "seed": 7,
        "frequencyPenalty": 1.0,
        "presencePenalty": -1.0,
        "stopSequences": ["a"],
    }


def test_what_does_not_fit() -> None:
    assert written(seed=2**40)[1] == ["seed"]
    body, dropped = written(output_tokens_max=128_000)
    assert body["generationConfig"] == {"maxOutputTokens": 65_536}
    assert dropped == ["output_max"]
    assert config("tuned", output_tokens_max=128_000) == {"maxOutputTokens": 128_000}
    with pytest.raises(CallerError, match="at least one"):
        written(output_tokens_max=0)
    with pytest.raises(CallerError, match="at most 5"):
        written(stop=tuple("abcdef"))


def test_the_form_of_the_answer() -> None:
    schema = {"type": "object"}
    form = {"responseMimeType": "application/json"}
    assert config(is_json=True) == form
    assert config(schema={}) == form
    assert config(schema=schema, tools=(TOOL,)) == form | {"responseJsonSchema": schema}
    body, dropped = written(TWO, schema=schema, tools=(TOOL,))
    assert "generationConfig" not in body
    assert '{"type":"object"}' in msgspec.json.encode(body["systemInstruction"]).decode().replace(
        "\\", ""
    )
    assert dropped == ["schema"]
    assert written(TWO, is_json=True, tools=(TOOL,))[1] == ["json"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "is_exact"),
    [
        (THREE, "medium", {"thinkingLevel": "MEDIUM"}, True),
        (THREE, "max", {"thinkingLevel": "HIGH"}, False),
        (THREE, "none", {"thinkingLevel": "MINIMAL"}, False),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "LOW"}, False),
        (TWO, "low", {"thinkingBudget": 2048}, True),
        (TWO, "none", {"thinkingBudget": 0}, True),
        (TWO, "max", {"thinkingBudget": 24_576}, False),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}, False),
        ("gemini-2.0-flash", "none", None, True),
        ("gemini-2.0-flash", "low", None, False),
    ],
)
def test_effort(model: str, effort: str, thinking: object, *, is_exact: bool) -> None:
    body, dropped = written(model, effort=effort)
    assert body.get("generationConfig") == (thinking and {"thinkingConfig": thinking})
    assert dropped == ([] if is_exact else ["effort"])


def test_half_of_the_answer_is_left_to_say() -> None:
    body, dropped = written(TWO, effort="high", output_tokens_max=1000)
    assert body["generationConfig"] == {
        "maxOutputTokens": 1000,
        "thinkingConfig": {"thinkingBudget": 500},
    }
    assert dropped == ["effort"]


def test_thoughts_are_shown_where_there_are_any() -> None:
    assert config(shows_thinking=True) == {"thinkingConfig": {"includeThoughts": True}}
    assert config(shows_thinking=False) == {"thinkingConfig": {"includeThoughts": False}}
    assert written("gemini-2.0-flash", shows_thinking=True)[1] == ["shows_thinking"]
    assert written("gemini-2.0-flash", shows_thinking=False)[1] == []


@pytest.mark.parametrize(("tier", "sent"), [("flex", "flex"), ("auto", None), ("", None)])
def test_service_tier(tier: str, sent: str | None) -> None:
    body, dropped = written(service_tier=tier)
    assert body.get("serviceTier") == sent
    assert dropped == []


def test_what_has_no_place_is_named_once() -> None:
    cached = Turn(Role.USER, (Text("hi"), CachePoint()))
    body, dropped = written(
        THREE,
        cached,
        caches_system=True,
        cache_key="k",
        verbosity="low",
        user="u",
        user_concept="safety_identifier",
        tools=(msgspec.structs.replace(TOOL, is_strict=True),),
    )
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert dropped == ["cache", "cache_key", "verbosity", "safety_identifier", "tool_strict"]
