"""Reading Gemini's generateContent."""

from typing import Any, Final

import msgspec

from penstock.apps.emulate.ask import (
    Ask,
    Role,
    Thinking,
    Tool,
    ToolChoice,
    TroubleError,
    Turn,
    is_signature,
)
from penstock.apps.emulate.catalogue import GEMINI, Model
from penstock.apps.emulate.dialect import check_context, encode, parse
from penstock.apps.emulate.text import called
from penstock.apps.emulate.usage import input_tokens

# Accepted in place of a signature, for calls that another model made; SDKs send it as base64.
SIGNATURE_DUMMIES: Final = frozenset(
    ("skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=")
)
CHOICES_MAX: Final = 8
STOPS_MAX: Final = 5
_MODES: Final[dict[str, ToolChoice]] = {
    "MODE_UNSPECIFIED": ToolChoice.AUTO,
    "AUTO": ToolChoice.AUTO,
    "VALIDATED": ToolChoice.AUTO,
    "ANY": ToolChoice.REQUIRED,
    "NONE": ToolChoice.NONE,
}


class _Camel(msgspec.Struct, rename="camel"):
    """The names on the wire are in camel case."""


class FunctionCall(_Camel):
    """A call that the model made earlier."""

    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class FunctionResponse(_Camel):
    """What came of a call."""

    name: str
    response: dict[str, Any] | None = None
    id: str | None = None


class Part(_Camel):
    """One part of a turn."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: dict[str, Any] | None = None
    file_data: dict[str, Any] | None = None


class Content(_Camel):
    """One turn."""

    parts: list[Part] = []
    role: str = "user"


class Declaration(_Camel):
    """A function that may be called."""

    name: str
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class ToolSpec(_Camel):
    """Functions; hosted tools stand beside them and are ignored."""

    function_declarations: list[Declaration] = []


class CallingConfig(_Camel):
    """Which function to call."""

    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class ToolConfig(_Camel):
    """How to use tools."""

    function_calling_config: CallingConfig | None = None


class ThinkingConfig(_Camel):
    """How to think."""

    thinking_level: str | None = None
    thinking_budget: int | None = None
    include_thoughts: bool = False


class GenerationConfig(_Camel):
    """How to generate."""

    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    candidate_count: int | None = None
    response_mime_type: str | None = None
    response_json_schema: dict[str, Any] | None = None
    response_schema: dict[str, Any] | None = None
    thinking_config: ThinkingConfig | None = None


class GenerateRequest(_Camel):
    """The body of a request."""

    contents: list[Content] = []
    system_instruction: Content | None = None
    generation_config: GenerationConfig | None = None
    tools: list[ToolSpec] | None = None
    tool_config: ToolConfig | None = None


class CountRequest(_Camel):
    """The body of a count, which may hold a whole request."""

    contents: list[Content] = []
    generate_content_request: GenerateRequest | None = None


def count(body: bytes) -> int:
    """Return the tokens of a request."""
    request = parse(body, CountRequest)
    inner = request.generate_content_request or GenerateRequest(contents=request.contents)
    turns, extras, parts = _turns(inner)
    return input_tokens(turns, extras, parts)


def read(body: bytes, model: Model, *, is_stream: bool) -> Ask:
    """Read a request."""
    request = parse(body, GenerateRequest)
    if not request.contents:
        raise TroubleError(400, "contents: contents are required", param="contents")
    config = request.generation_config or GenerationConfig()
    turns, extras, parts = _turns(request)
    _check_order(request.contents)
    if turns[-1].role is Role.ASSISTANT and not model.may_prefill:
        raise TroubleError(400, "Requests ending with a model turn are not supported.")
    if model.needs_signature:
        _check_signatures(request.contents)
    tokens = input_tokens(turns, extras, parts)
    check_context(model, tokens)
    choice, named, declared = _tools(request)
    return Ask(
        model=model,
        turns=turns,
        input_tokens=tokens,
        is_stream=is_stream,
        output_tokens_max=_limit(config, model),
        stops=_stops(config),
        choices=_choices(config),
        tools=declared,
        tool_choice=choice,
        tool_named=named,
        schema=_schema(config),
        thinking=_thinking(config.thinking_config),
    )


def _limit(config: GenerationConfig, model: Model) -> int:
    limit = config.max_output_tokens
    if limit is None:
        return model.output_tokens_max
    if not 1 <= limit <= model.output_tokens_max:
        raise TroubleError(
            400,
            "generationConfig.maxOutputTokens: must be from 1 to"
            f" {model.output_tokens_max} for {model.name}",
        )
    return limit


def _stops(config: GenerationConfig) -> tuple[str, ...]:
    stops = tuple(config.stop_sequences or ())
    if len(stops) > STOPS_MAX:
        raise TroubleError(400, f"generationConfig.stopSequences: {STOPS_MAX} at most")
    return stops


def _choices(config: GenerationConfig) -> int:
    choices = config.candidate_count or 1
    if not 1 <= choices <= CHOICES_MAX:
        raise TroubleError(400, f"generationConfig.candidateCount: from 1 to {CHOICES_MAX}")
    return choices


def _schema(config: GenerationConfig) -> dict[str, Any] | None:
    schema = config.response_json_schema or config.response_schema
    if config.response_mime_type == "application/json":
        return schema or {}
    if schema is not None:
        raise TroubleError(
            400, "generationConfig: a response schema needs responseMimeType application/json"
        )
    return None


def _thinking(config: ThinkingConfig | None) -> Thinking:
    if config is None or config.thinking_budget == 0 or config.thinking_level == "MINIMAL":
        return Thinking.OFF
    return Thinking.SHOWN if config.include_thoughts else Thinking.HIDDEN


def _tools(request: GenerateRequest) -> tuple[ToolChoice, str, tuple[Tool, ...]]:
    declared = tuple(
        Tool(function.name, function.parameters_json_schema or function.parameters or {})
        for spec in request.tools or ()
        for function in spec.function_declarations
    )
    calling = request.tool_config.function_calling_config if request.tool_config else None
    if calling is None:
        return ToolChoice.AUTO, "", declared
    if calling.mode not in _MODES:
        raise TroubleError(400, f"toolConfig.functionCallingConfig.mode: {calling.mode!r}")
    allowed = calling.allowed_function_names
    if allowed:
        declared = tuple(tool for tool in declared if tool.name in allowed)
    return _MODES[calling.mode], "", declared


def _check_order(contents: list[Content]) -> None:
    """Refuse turns that begin with the model's, and calls and results that are not side by side."""
    if contents[0].role == "model":
        raise TroubleError(400, "Please ensure that the first turn is a user turn.")
    expected = 0
    for before, content in zip([None, *contents], contents, strict=False):
        calls = sum(part.function_call is not None for part in content.parts)
        results = sum(part.function_response is not None for part in content.parts)
        if results and not expected:
            raise TroubleError(
                400,
                "Please ensure that function response turn comes immediately after a function"
                " call turn.",
            )
        if results != expected:
            raise TroubleError(
                400,
                "Please ensure that the number of function response parts is equal to the number"
                " of function call parts of the function call turn.",
            )
        if calls and (before is None or before.role == "model"):
            raise TroubleError(
                400,
                "Please ensure that function call turn comes immediately after a user turn or"
                " after a function response turn.",
            )
        expected = calls


def _check_signatures(contents: list[Content]) -> None:
    """Refuse a call of this turn without a signature of ours, as models from Gemini 3 on do."""
    for content in reversed(contents):
        if content.role == "user" and any(part.text is not None for part in content.parts):
            return  # what lies before is an earlier turn
        calls = [part for part in content.parts if part.function_call is not None]
        if not calls:
            continue
        signature = calls[0].thought_signature or ""  # of parallel calls, the first has it
        if not is_signature(GEMINI, signature) and signature not in SIGNATURE_DUMMIES:
            state = "is not valid" if signature else "is missing"
            raise TroubleError(400, f"Function call {state}: a thought_signature in functionCall")


def _turns(request: GenerateRequest) -> tuple[tuple[Turn, ...], list[str], int]:
    turns: list[Turn] = []
    parts = 0
    for at, content in enumerate(request.contents):
        if content.role not in {"user", "model", "function"} or not content.parts:
            raise TroubleError(400, f"contents[{at}]: must have parts, and the role user or model")
        results = [part for part in content.parts if part.function_response is not None]
        said = [part for part in content.parts if part.function_response is None]
        if results:
            turns.append(Turn(Role.TOOL, _text(results)[0]))
        if said:
            text, others = _text(said)
            parts += others
            turns.append(Turn(Role.ASSISTANT if content.role == "model" else Role.USER, text))
    system = request.system_instruction
    extras = [_text(system.parts)[0]] if system is not None else []
    if request.tools:
        extras.append(encode(request.tools).decode())
    return tuple(turns), extras, parts


def _text(parts: list[Part]) -> tuple[str, int]:
    """Return what parts of a turn say, and how many of them are no text."""
    texts: list[str] = []
    others = 0
    for part in parts:
        if part.function_call is not None:
            texts.append(called(part.function_call.name, part.function_call.args))
        elif part.function_response is not None:
            texts.append(encode(part.function_response.response).decode())
        elif part.text is None:
            others += 1
        elif not part.thought:
            texts.append(part.text)
    return "\n".join(text for text in texts if text), others
