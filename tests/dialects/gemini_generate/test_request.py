"""What a Gemini caller's request means."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import CallerError, DialectError
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate import passthrough
from penstock.dialects.gemini_generate.request import declared_names, read_request
from penstock.dialects.message import (
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

PATH = b"/v1/models/m:generateContent"
HI: dict[str, object] = {"role": "user", "parts": [{"text": "hi"}]}


def inquire(*contents: object, **fields: object) -> Inquiry:
    body = {"contents": contents or [HI]} | fields
    return passthrough.inquire(msgspec.json.encode(body), PATH)


def read(*contents: object, **fields: object) -> Request:
    return read_request(inquire(*contents, **fields))


def call(name: str, call_id: str | None = None, **args: object) -> dict[str, object]:
    fields: dict[str, object] = {"name": name, "args": args}
    return {"functionCall": fields | ({"id": call_id} if call_id else {})}


def result(name: str, call_id: str | None = None, **response: object) -> dict[str, object]:
    fields: dict[str, object] = {"name": name, "response": response or {"output": "ok"}}
    return {"functionResponse": fields | ({"id": call_id} if call_id else {})}


def model(*parts: object) -> dict[str, object]:
    return {"role": "model", "parts": parts}


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "parts": parts}


def test_a_question_in_both_spellings_and_in_googles_lax_form() -> None:
    expected = read(systemInstruction={"parts": [{"text": "be"}, {"text": "brief"}]})
    assert expected.system == "be\n\nbrief"
    assert expected.turns == (Turn(Role.USER, (Text("hi"),)),)
    lax = inquire(system_instruction={"parts": [{"text": "be"}, {"text": "brief"}]})
    assert read_request(lax) == expected
    body = b'{"contents":{"parts":{"text":"hi"}}}'
    assert read_request(passthrough.inquire(body, PATH)).turns == expected.turns


def test_options_in_both_spellings() -> None:
    camel = {"maxOutputTokens": 7, "topK": 40.0, "thinkingConfig": {"thinkingBudget": 0}}
    snake = {"max_output_tokens": 7, "top_k": 40.0, "thinking_config": {"thinking_budget": 0}}
    for request in (read(generationConfig=camel), read(generation_config=snake)):
        assert (request.output_tokens_max, request.top_k, request.effort) == (7, 40, "none")
        assert request.dropped == ()


def test_results_find_their_calls_by_id() -> None:
    turns = read(
        HI,
        model(call("f", "a", x=1), call("f", "b", x=2)),
        user(result("f", "b", output="2"), result("f", "a", output="1")),
    ).turns
    assert turns[1].parts == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", '{"x":2}'))
    assert turns[2].parts == (ToolResult("b", (Text("2"),)), ToolResult("a", (Text("1"),)))


def test_a_made_id_is_nobodys() -> None:
    turns = read(
        HI, model(call("f", "call_0"), call("g")), user(result("g"), result("f", "call_0"))
    ).turns
    assert [part.id for part in turns[1].parts if isinstance(part, ToolCall)] == [
        "call_0", "call_1",
    ]  # fmt: skip


def test_results_without_ids_find_their_calls_by_name_in_order() -> None:
    turns = read(
        HI,
        model(call("f", x=1), call("g"), call("f", x=2)),
        {"role": "function", "parts": [result("g", output="g")]},
        user(result("f", output="1"), result("f", output="2")),
        model(call("f", x=3)),
        user(result("f", output="3"), {"text": "so?"}),
    ).turns
    assert [part.id for part in turns[1].parts if isinstance(part, ToolCall)] == [
        "call_0", "call_1", "call_2",
    ]  # fmt: skip
    assert turns[2].parts == (
        ToolResult("call_1", (Text("g"),)),
        ToolResult("call_0", (Text("1"),)),
        ToolResult("call_2", (Text("2"),)),
    )
    assert turns[4].parts == (ToolResult("call_3", (Text("3"),)), Text("so?"))


@pytest.mark.parametrize(
    ("response", "content", "is_error"),
    [
        ({"output": "a"}, "a", False),
        ({"result": {"b": 1}}, '{"b":1}', False),
        ({"error": "no"}, "no", True),
        ({"temperature": 20}, '{"temperature":20}', False),
        ({"error": "no", "code": 1}, '{"error":"no","code":1}', False),
    ],
)
def test_what_a_function_said(response: dict[str, object], content: str, *, is_error: bool) -> None:
    turns = read(HI, model(call("f")), user(result("f", None, **response))).turns
    assert turns[2].parts == (ToolResult("call_0", (Text(content),), is_error),)


UNREADABLE: list[tuple[list[dict[str, object]], str]] = [
    ([HI, user(result("f"))], "contents[1].parts[0].functionResponse"),
    ([HI, model(call("f")), user(result("g"))], "contents[2].parts[0].functionResponse"),
    ([HI, model(call("f"))], "contents[1]"),
    ([HI, model(call("f"), call("f")), user(result("f"))], "contents[1]"),
    ([{"role": "system", "parts": []}], "contents[0].role"),
    ([model({"inlineData": {"mimeType": "image/png", "data": ""}})], "contents[0].parts[0]"),
    ([user(call("f"))], "contents[0].parts[0]"),
    ([user({"executableCode": {}})], "contents[0].parts[0]"),
    ([user({})], "contents[0].parts[0]"),
    ([user({"inlineData": {"mimeType": "audio/wav"}})], "contents[0].parts[0].inlineData"),
    ([user({"inlineData": {"mimeType": "text/plain", "data": "%"}})],
     "contents[0].parts[0].inlineData"),
    ([user({"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a"}})],
     "fileData.fileUri"),
    ([user({"text": 1})], "contents[0].parts[0].text"),
]  # fmt: skip


@pytest.mark.parametrize(("contents", "place"), UNREADABLE)
def test_what_no_translation_can_carry_is_named(contents: list[object], place: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(*contents)
    assert (caught.value.param or "").startswith(place.partition("[")[0])
    if "text" not in place.rpartition(".")[2]:
        assert caught.value.param == place


def test_data_is_read_in_the_urls_alphabet() -> None:
    image = user(
        {"inlineData": {"mimeType": "image/png", "data": "-_-_YQ"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "YQ==", "displayName": "a.pdf"}},
        {"inlineData": {"mimeType": "text/csv", "data": "w7w"}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/a"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.example/b"}},
    )
    assert read(image).turns[0].parts == (
        Image("image/png", "+/+/YQ=="),
        Document(data="YQ==", title="a.pdf"),
        Document("text/csv", text="ü"),
        Image(url="https://x.example/a"),
        Document(url="https://x.example/b"),
    )


def test_thoughts_and_signatures_stay_at_their_vendor() -> None:
    signed = {"text": "so", "thoughtSignature": "c2ln"}
    request = read(HI, model({"text": "hm", "thought": True}, signed), HI)
    assert request.turns[1].parts == (Text("so"),)
    assert request.dropped == ("contents.thought", "contents.thoughtSignature")
    alone = read(HI, model({"text": "hm", "thought": True}), HI)
    assert len(alone.turns) == 1  # never an empty turn


def test_tools_of_either_schema() -> None:
    empty: dict[str, object] = {"type": "object", "properties": {}}
    declarations: list[dict[str, object]] = [
        {"name": "f", "description": "d", "parameters": empty | {"type": "OBJECT"}},
        {"name": "g", "parametersJsonSchema": {"type": "object", "x": 1}},
        {"name": "h.x"},
    ]
    request = read(tools=[{"functionDeclarations": declarations}])
    assert request.tools[:2] == (Tool("f", "d", empty), Tool("g", "", {"type": "object", "x": 1}))
    assert request.tools[2].name.startswith("h_x_")
    asked = inquire(tools={"function_declarations": declarations})
    assert declared_names(asked) == ["f", "g", "h.x"]
    assert read_request(asked).tools == request.tools


@pytest.mark.parametrize("tools", [1, [1], [{"functionDeclarations": 1}], [{"a": 1}]])
def test_names_of_tools_that_nobody_understands(tools: object) -> None:
    assert declared_names(inquire(tools=tools)) == []


@pytest.mark.parametrize(
    ("calling", "choice", "names"),
    [
        ({"mode": "AUTO"}, ToolChoice(), ["f", "g"]),
        ({"mode": "VALIDATED"}, ToolChoice(), ["f", "g"]),
        ({"mode": "none"}, ToolChoice(ChoiceMode.NONE), ["f", "g"]),
        ({"mode": "ANY"}, ToolChoice(ChoiceMode.REQUIRED), ["f", "g"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g"]}, ToolChoice(ChoiceMode.ONE, "g"),
         ["f", "g"]),
        ({"mode": "AUTO", "allowedFunctionNames": ["g"]}, ToolChoice(), ["g"]),
    ],
)  # fmt: skip
def test_choice_of_tools(calling: object, choice: ToolChoice, names: list[str]) -> None:
    declared = [
        {"functionDeclarations": [{"name": "f"}]},
        {"functionDeclarations": [{"name": "g"}]},
    ]
    request = read(tools=declared, toolConfig={"functionCallingConfig": calling})
    assert request.tool_choice == choice
    assert [tool.name for tool in request.tools] == names


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        ({"thinkingConfig": {"thinkingLevel": "XHIGH"}}, "effort", "xhigh"),
        ({"thinkingConfig": {"thinkingBudget": -1}}, "effort", ""),
        ({"thinkingConfig": {"thinkingBudget": 1}}, "effort", "minimal"),
        ({"thinkingConfig": {"thinkingBudget": 9000}}, "effort", "medium"),
        ({"thinkingConfig": {"includeThoughts": True}}, "shows_thinking", True),
        ({"responseMimeType": "application/json"}, "is_json", True),
        ({"responseMimeType": "text/plain"}, "is_json", False),
        ({"responseJsonSchema": {"type": "object"}}, "schema", {"type": "object"}),
        ({"responseSchema": {"type": "OBJECT"}}, "schema", {"type": "object"}),
        ({"stopSequences": ["a", ""]}, "stop", ("a",)),
        ({"responseModalities": ["TEXT"]}, "dropped", ()),
    ],
)
def test_options(config: object, field: str, value: object) -> None:
    assert getattr(read(generationConfig=config), field) == value


WRONG: list[tuple[dict[str, object], str]] = [
    ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "x"}}},
     "generationConfig.thinkingConfig.thinkingLevel"),
    ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
    ({"generationConfig": {"responseMimeType": "text/x.enum"}},
     "generationConfig.responseMimeType"),
    ({"generationConfig": {"topP": "x"}}, "generationConfig.topP"),
    ({"generationConfig": {"topK": 1.5}}, "generationConfig.topK"),
    ({"toolConfig": {"functionCallingConfig": {"mode": "x"}}},
     "toolConfig.functionCallingConfig.mode"),
    ({"tools": [{"codeExecution": {}}]}, "tools[0].codeExecution"),
    ({"systemInstruction": {"parts": [{"inlineData": {}}]}}, "systemInstruction.parts[0]"),
    ({"cachedContent": "c"}, "cachedContent"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), WRONG)
def test_what_is_wrong_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize(("tier", "read_as"), [("FLEX", "flex"), ("unspecified", ""), (None, "")])
def test_service_tier(tier: str | None, read_as: str) -> None:
    assert read(serviceTier=tier).service_tier == read_as


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["contents", "parts", "text", "role", "functionCall", "functionResponse", "name",
             "inline_data", "mimeType", "tools", "functionDeclarations", "parameters", "properties",
             "generationConfig", "thinkingConfig", "toolConfig", "system_instruction", "args"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


FIELDS = st.sampled_from(
    ["contents", "tools", "toolConfig", "generationConfig", "system_instruction"]
)


@given(fields=st.dictionaries(FIELDS, JSON))
def test_any_json_is_read_or_refused_by_name(fields: dict[str, object]) -> None:
    body = msgspec.json.encode({"contents": [HI]} | fields)
    try:
        asked = passthrough.inquire(body, PATH)
        declared_names(asked)
        request = read_request(asked)
    except (CallerError, DialectError):
        return
    assert all(turn.parts for turn in request.turns)
