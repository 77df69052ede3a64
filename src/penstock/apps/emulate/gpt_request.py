"""Reading the Chat Completions API, for GPT and for Gemini's compatible endpoint."""

from typing import Any, Final

import msgspec

from penstock.apps.emulate.ask import Ask, Role, Thinking, Tool, ToolChoice, TroubleError, Turn
from penstock.apps.emulate.catalogue import GEMINI, Model
from penstock.apps.emulate.dialect import Query, check_context, encode, model_named, parse
from penstock.apps.emulate.text import called
from penstock.apps.emulate.usage import input_tokens

CHOICES_MAX: Final = 8  # the real limit is 128; nobody's test needs it
STOPS_MAX: Final = 4
TEMPERATURE_MAX: Final = 2
_ROLES: Final[dict[str, Role]] = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}
_SYSTEM: Final = frozenset(("system", "developer"))
_EFFORTS: Final = frozenset(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_WITHOUT_THOUGHT: Final = frozenset(("", "none", "minimal"))


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str
    text: str = ""


class Function(msgspec.Struct):
    """A function: declared, called or chosen."""

    name: str
    parameters: dict[str, Any] | None = None
    arguments: str = ""


class Call(msgspec.Struct):
    """A call that the model made earlier."""

    id: str
    function: Function
    type: str = "function"


class Message(msgspec.Struct):
    """One message."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str = ""


class ToolSpec(msgspec.Struct):
    """A tool; one with a grammar has no function."""

    type: str
    function: Function | None = None


class Named(msgspec.Struct):
    """One tool, chosen by name."""

    type: str
    function: Function | None = None


class JsonSchema(msgspec.Struct):
    """A shape for the answer."""

    name: str = ""
    schema: dict[str, Any] | None = None


class ResponseFormat(msgspec.Struct):
    """Whether the answer is text or JSON."""

    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    """What a stream holds beyond content."""

    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """The body of a request."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | Named | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None


def read(query: Query, provider: str) -> Ask:
    """Read a request."""
    request = parse(query.body, ChatRequest)
    model = model_named(provider, request.model)
    _check(request)
    turns, extras, parts = _turns(request)
    if provider == GEMINI and turns[-1].role is Role.ASSISTANT and not model.may_prefill:
        raise TroubleError(400, "Requests ending with a model turn are not supported.")
    tokens = input_tokens(turns, extras, parts)
    check_context(model, tokens)
    choice, named = _tool_choice(request)
    declared = [tool.function for tool in request.tools or () if tool.function is not None]
    options = request.stream_options
    return Ask(
        model=model,
        turns=turns,
        input_tokens=tokens,
        is_stream=bool(request.stream),
        output_tokens_max=_limit(request, model),
        stops=_stops(request.stop),
        choices=request.n or 1,
        tools=tuple(Tool(function.name, function.parameters or {}) for function in declared),
        tool_choice=choice,
        tool_named=named,
        may_call_parallel=request.parallel_tool_calls is not False,
        schema=_schema(request.response_format),
        thinking=_thinking(request.reasoning_effort),
        includes_usage=not request.stream or (options is not None and options.include_usage),
    )


def _check(request: ChatRequest) -> None:
    if not request.messages:
        raise TroubleError(400, "messages: must hold at least one message", param="messages")
    if request.stream_options is not None and not request.stream:
        raise TroubleError(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if request.temperature is not None and not 0 <= request.temperature <= TEMPERATURE_MAX:
        raise TroubleError(400, "temperature: must be from 0 to 2", param="temperature")
    if request.n is not None and not 1 <= request.n <= CHOICES_MAX:
        raise TroubleError(400, f"n: must be from 1 to {CHOICES_MAX}", param="n")
    if request.logprobs:
        raise TroubleError(
            400, "logprobs are not supported with reasoning models.", param="logprobs"
        )


def _limit(request: ChatRequest, model: Model) -> int:
    limit, name = request.max_completion_tokens, "max_completion_tokens"
    if limit is None:
        limit, name = request.max_tokens, "max_tokens"
    if limit is None:
        return model.output_tokens_max
    if not 1 <= limit <= model.output_tokens_max:
        raise TroubleError(
            400,
            f"{name} is too large: {limit}. This model supports at most {model.output_tokens_max}"
            " completion tokens."
            if limit > 0
            else f"{name}: must be at least 1",
            param=name,
        )
    return limit


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > STOPS_MAX:
        raise TroubleError(400, f"stop: {STOPS_MAX} sequences at most", param="stop")
    return stops


def _schema(spec: ResponseFormat | None) -> dict[str, Any] | None:
    if spec is None or spec.type == "text":
        return None
    if spec.type == "json_object":
        return {}
    if spec.type == "json_schema" and spec.json_schema is not None:
        return spec.json_schema.schema or {}
    raise TroubleError(
        400, "response_format.type: must be text, json_object or json_schema with its schema",
        param="response_format",
    )  # fmt: skip


def _thinking(effort: str | None) -> Thinking:
    """Chat Completions never shows thoughts; it counts them."""
    if effort is not None and effort not in _EFFORTS:
        raise TroubleError(
            400, f"reasoning_effort: {effort!r} is not known", param="reasoning_effort"
        )
    return Thinking.OFF if (effort or "") in _WITHOUT_THOUGHT else Thinking.HIDDEN


def _tool_choice(request: ChatRequest) -> tuple[ToolChoice, str]:
    chosen = request.tool_choice
    if isinstance(chosen, Named):
        name = chosen.function.name if chosen.function is not None else ""
        known = {tool.function.name for tool in request.tools or () if tool.function is not None}
        if chosen.type == "function" and name not in known:
            raise TroubleError(400, f"tool_choice: no tool is named {name!r}", param="tool_choice")
        return (ToolChoice.REQUIRED, name) if name else (ToolChoice.AUTO, "")
    if chosen not in {None, "none", "auto", "required"}:
        raise TroubleError(400, f"tool_choice: {chosen!r} is not known", param="tool_choice")
    return ToolChoice(chosen or "auto"), ""


def _turns(request: ChatRequest) -> tuple[tuple[Turn, ...], list[str], int]:
    """Return the turns, the texts that are none, and how many parts are no text."""
    turns: list[Turn] = []
    extras = [encode(request.tools).decode()] if request.tools else []
    if request.response_format is not None and request.response_format.json_schema is not None:
        extras.append(encode(request.response_format.json_schema.schema).decode())
    parts = 0
    open_calls: set[str] = set()
    for at, message in enumerate(request.messages):
        text, others = _content(message)
        parts += others
        if message.role in _SYSTEM:
            extras.append(text)
            continue
        role = _ROLES.get(message.role)
        if role is None:
            raise TroubleError(
                400, f"messages[{at}].role: {message.role!r} is not known", param="messages"
            )
        _check_calls(open_calls, message, at)
        turns.append(Turn(role, text))
    _check_calls(open_calls, Message("user"), len(request.messages))
    return tuple(turns) or (Turn(Role.USER, ""),), extras, parts


def _check_calls(open_calls: set[str], message: Message, at: int) -> None:
    """Refuse calls without results, and results without calls."""
    if message.role == "tool":
        if message.tool_call_id not in open_calls:
            raise TroubleError(
                400,
                "messages with role 'tool' must be a response to a preceding message with"
                " 'tool_calls'.",
                param=f"messages.[{at}].role",
            )
        open_calls.discard(message.tool_call_id)
        return
    if open_calls:
        raise TroubleError(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            f" to each 'tool_call_id': {', '.join(sorted(open_calls))}",
            param=f"messages.[{at}].role",
        )
    open_calls.update(call.id for call in message.tool_calls or ())


def _content(message: Message) -> tuple[str, int]:
    calls = [
        called(call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ]
    content = message.content
    if not isinstance(content, list):
        return "\n".join(text for text in (content, *calls) if text), 0
    texts = [part.text for part in content if part.type in {"text", "refusal"}]
    return "\n".join(text for text in (*texts, *calls) if text), len(content) - len(texts)
