"""Reading GPT's Responses API: what is accepted, and what is refused with which words.

Nothing is kept between requests, so ``store`` is only repeated: what names an earlier response or
one of its items is not found, as it would be after its deletion. A field that the API does not have
is refused, as the real one does it; ``stop`` is such a field.
"""

from typing import Any, Final, TypeVar

import msgspec

from penstock.apps.emulate.ask import (
    Ask,
    Reason,
    Role,
    Thinking,
    Tool,
    ToolChoice,
    TroubleError,
    Turn,
    is_signature,
)
from penstock.apps.emulate.catalogue import GPT, Model
from penstock.apps.emulate.dialect import Query, check_context, encode, model_named, parse
from penstock.apps.emulate.text import called
from penstock.apps.emulate.usage import input_tokens

ENCRYPTED: Final = "reasoning.encrypted_content"
TEMPERATURE_MAX: Final = 2
_ROLES: Final[dict[str, Role]] = {"user": Role.USER, "assistant": Role.ASSISTANT}
_SYSTEM: Final = frozenset(("system", "developer"))
_EFFORTS: Final = frozenset(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
_WITHOUT_THOUGHT: Final = frozenset(("none", "minimal"))
_TEXTS: Final = frozenset(("input_text", "output_text", "refusal", "text"))
_OTHERS: Final = frozenset(("input_image", "input_file", "input_audio"))
_CALLS: Final = frozenset(("function_call", "custom_tool_call"))
_RESULTS: Final = frozenset(("function_call_output", "custom_tool_call_output"))
_TRUNCATIONS: Final = frozenset(("auto", "disabled"))


class Part(msgspec.Struct):
    """One part of a message, a result or a summary."""

    type: str
    text: str = ""
    refusal: str = ""


class Item(msgspec.Struct):
    """One item of the input; of all sorts, the fields that matter here."""

    type: str = "message"
    role: str = ""
    id: str | None = None
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""
    input: str = ""
    output: str | list[Part] | None = None
    encrypted_content: str | None = None


class ToolSpec(msgspec.Struct):
    """A tool; one with a grammar has no parameters, and hosted ones have no name."""

    type: str
    name: str = ""
    parameters: dict[str, Any] | None = None


class Chosen(msgspec.Struct):
    """One tool, or some of them."""

    type: str
    name: str = ""
    mode: str = "auto"
    tools: list[dict[str, Any]] = []


class Format(msgspec.Struct):
    """The shape of the answer."""

    type: str
    name: str = ""
    schema: dict[str, Any] | None = None


class TextConfig(msgspec.Struct):
    """What the text is to be like."""

    format: Format | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct):
    """How to think, and whether to tell of it."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class StreamOptions(msgspec.Struct):
    """What a stream holds beyond content."""

    include_obfuscation: bool = True


class CountRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What counts as input: the body of a count, and the beginning of a request."""

    model: str | None = None
    input: str | list[Item] | None = None
    instructions: str | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | Chosen | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    truncation: str | None = None
    personality: str | None = None


class ResponsesRequest(CountRequest, forbid_unknown_fields=True):
    """The body of a request."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    store: bool | None = None
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    background: bool | None = None
    top_logprobs: int | None = None
    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    image: Any = None
    max_tool_calls: int | None = None
    moderation: Any = None
    prompt: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None


class Echoed(msgspec.Struct):
    """What is repeated as it came."""

    text: dict[str, Any] | None = None
    tool_choice: Any = None
    tools: list[Any] | None = None


_Request = TypeVar("_Request", CountRequest, ResponsesRequest)


def count(query: Query) -> int:
    """Return the tokens of a request; the model need not be named."""
    request = _parsed(query, CountRequest)
    if request.model is not None:
        model_named(GPT, request.model)
    turns, extras, parts = _turns(request)
    return input_tokens(turns, extras, parts)


def read(query: Query) -> Ask:
    """Read a request."""
    request = _parsed(query, ResponsesRequest)
    if request.model is None:
        raise TroubleError(400, "Missing required parameter: 'model'.", param="model")
    model = model_named(GPT, request.model)
    _check(request)
    turns, extras, parts = _turns(request)
    tokens = input_tokens(turns, extras, parts)
    check_context(model, tokens)
    choice, named, tools = _tools(request)
    return Ask(
        model=model,
        turns=turns,
        input_tokens=tokens,
        is_stream=bool(request.stream),
        output_tokens_max=_limit(request, model),
        tools=tools,
        tool_choice=choice,
        tool_named=named,
        may_call_parallel=request.parallel_tool_calls is not False,
        schema=_schema(request.text),
        thinking=_thinking(request.reasoning),
        is_padded=request.stream_options is None or request.stream_options.include_obfuscation,
        has_sealed_thoughts=ENCRYPTED in (request.include or ()),
        echo=_echo(request, query.body),
    )


def _parsed(query: Query, into: type[_Request]) -> _Request:
    request = parse(query.body, into)
    if request.previous_response_id is not None:
        raise TroubleError(
            400,
            f"Previous response with id '{request.previous_response_id}' not found.",
            reason=Reason.NO_RESPONSE,
            param="previous_response_id",
        )
    if request.conversation is not None:
        raise TroubleError(404, "Conversation not found.", param="conversation")
    return request


def _check(request: ResponsesRequest) -> None:
    if request.stream_options is not None and not request.stream:
        raise TroubleError(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if request.temperature is not None and not 0 <= request.temperature <= TEMPERATURE_MAX:
        raise TroubleError(400, "temperature: must be from 0 to 2", param="temperature")
    if request.top_p is not None and not 0 <= request.top_p <= 1:
        raise TroubleError(400, "top_p: must be from 0 to 1", param="top_p")
    if request.top_logprobs is not None or "message.output_text.logprobs" in (
        request.include or ()
    ):
        raise TroubleError(
            400, "logprobs are not supported with reasoning models.", param="top_logprobs"
        )
    if request.background:
        raise TroubleError(400, "background responses are not emulated", param="background")
    if request.prompt is not None:
        raise TroubleError(404, "Prompt not found.", param="prompt")
    if request.truncation not in {None, *_TRUNCATIONS}:
        raise TroubleError(400, "truncation: must be auto or disabled", param="truncation")


def _limit(request: ResponsesRequest, model: Model) -> int:
    limit = request.max_output_tokens
    if limit is None:
        return model.output_tokens_max
    if not 1 <= limit <= model.output_tokens_max:
        raise TroubleError(
            400,
            f"max_output_tokens: must be from 1 to {model.output_tokens_max} for {model.name}",
            param="max_output_tokens",
        )
    return limit


def _schema(config: TextConfig | None) -> dict[str, Any] | None:
    shape = config.format if config is not None else None
    if shape is None or shape.type == "text":
        return None
    if shape.type == "json_object":
        return {}
    if shape.type != "json_schema":
        raise TroubleError(
            400, "text.format.type: must be text, json_object or json_schema", param="text.format"
        )
    for name, value in (("name", shape.name), ("schema", shape.schema)):
        if not value:
            place = f"text.format.{name}"
            raise TroubleError(400, f"Missing required parameter: '{place}'.", param=place)
    return shape.schema


def _thinking(spec: Reasoning | None) -> Thinking:
    """Say whether the model thinks: only where reasoning is asked for, and shown as a summary."""
    if spec is None:
        return Thinking.OFF
    if spec.effort is not None and spec.effort not in _EFFORTS:
        raise TroubleError(
            400, f"reasoning.effort: {spec.effort!r} is not known", param="reasoning.effort"
        )
    if spec.effort in _WITHOUT_THOUGHT:
        return Thinking.OFF
    return Thinking.SHOWN if spec.summary or spec.generate_summary else Thinking.HIDDEN


def _tools(request: CountRequest) -> tuple[ToolChoice, str, tuple[Tool, ...]]:
    functions = [tool for tool in request.tools or () if tool.type == "function"]
    declared = tuple(Tool(tool.name, tool.parameters or {}) for tool in functions)
    chosen = request.tool_choice
    if not isinstance(chosen, Chosen):
        if chosen not in {None, "none", "auto", "required"}:
            raise TroubleError(400, f"tool_choice: {chosen!r} is not known", param="tool_choice")
        return ToolChoice(chosen or "auto"), "", declared
    if chosen.type == "allowed_tools":
        names = {tool.get("name") for tool in chosen.tools}
        allowed = tuple(tool for tool in declared if tool.name in names)
        is_forced = chosen.mode == "required"
        return ToolChoice.REQUIRED if is_forced else ToolChoice.AUTO, "", allowed
    if chosen.type != "function":
        return ToolChoice.AUTO, "", declared
    if chosen.name not in {tool.name for tool in declared}:
        raise TroubleError(
            400, f"Tool choice '{chosen.name}' not found in 'tools' parameter.", param="tool_choice"
        )
    return ToolChoice.REQUIRED, chosen.name, declared


def _turns(request: CountRequest) -> tuple[tuple[Turn, ...], list[str], int]:
    """Return the turns, the texts that are none, and how many parts are no text."""
    extras = [request.instructions] if request.instructions else []
    if request.tools:
        extras.append(encode(request.tools).decode())
    shape = request.text.format if request.text is not None else None
    if shape is not None and shape.schema is not None:
        extras.append(encode(shape.schema).decode())
    if isinstance(request.input, str):
        return (Turn(Role.USER, request.input),), extras, 0
    if not request.input:
        raise TroubleError(400, "Missing required parameter: 'input'.", param="input")
    _check_calls(request.input)
    turns: list[Turn] = []
    parts = 0
    for at, item in enumerate(request.input):
        role, text, others = _item(item, at)
        parts += others
        if role is None:
            extras.append(text)
        elif item.type in _CALLS and turns and turns[-1].role is Role.ASSISTANT:
            # A model's words and its calls are one turn, as they are in the other dialects.
            turns[-1] = Turn(role, "\n".join(part for part in (turns[-1].text, text) if part))
        else:
            turns.append(Turn(role, text))
    return tuple(turns) or (Turn(Role.USER, ""),), extras, parts


def _item(item: Item, at: int) -> tuple[Role | None, str, int]:
    """Return whose turn an item is, if anybody's, its text, and its parts that are no text."""
    place = f"input[{at}]"
    if item.type == "message":
        if item.role not in {*_ROLES, *_SYSTEM}:
            raise TroubleError(400, f"{place}.role: {item.role!r} is not known", param=place)
        text, others = _content(item.content, place)
        return _ROLES.get(item.role), text, others
    if item.type in _CALLS:
        return Role.ASSISTANT, called(item.name or "", item.arguments or item.input), 0
    if item.type in _RESULTS:
        text, others = _content(item.output, place)
        return Role.TOOL, text, others
    if item.type == "reasoning":
        _check_reasoning(item, place)
        return None, "", 0
    if item.type == "item_reference":
        raise TroubleError(404, f"Item with id '{item.id}' not found.", param=place)
    if item.type.endswith(("_call", "_output")):
        return None, "", 1  # of a hosted tool
    raise TroubleError(400, f"{place}.type: {item.type!r} is not known", param=f"{place}.type")


def _check_reasoning(item: Item, place: str) -> None:
    """Refuse thoughts that are not ours; without their sealed form we would have to keep them."""
    if item.encrypted_content is None:
        raise TroubleError(
            404,
            f"Item with id '{item.id}' not found. Items are not persisted here; ask for"
            f" {ENCRYPTED} in 'include' and send it back.",
            param=place,
        )
    if not is_signature(GPT, item.encrypted_content):
        raise TroubleError(
            400,
            f"The encrypted content for item {item.id} could not be verified.",
            reason=Reason.FOREIGN_THOUGHT,
            param=place,
        )


def _content(content: str | list[Part] | None, place: str) -> tuple[str, int]:
    if not isinstance(content, list):
        return content or "", 0
    for at, part in enumerate(content):
        if part.type not in _TEXTS and part.type not in _OTHERS:
            param = f"{place}.content[{at}]"
            raise TroubleError(400, f"{param}.type: {part.type!r} is not known", param=param)
    texts = [part.text or part.refusal for part in content if part.type in _TEXTS]
    return "\n".join(text for text in texts if text), len(content) - len(texts)


def _check_calls(items: list[Item]) -> None:
    """Refuse calls without results, results without calls, and thoughts that lead to nothing."""
    called = {item.call_id for item in items if item.type in _CALLS}
    returned = {item.call_id for item in items if item.type in _RESULTS}
    for call_id in sorted(str(one) for one in returned - called):
        raise TroubleError(
            400,
            f"No tool call found for function call output with call_id {call_id}.",
            param="input",
        )
    for call_id in sorted(str(one) for one in called - returned):
        raise TroubleError(400, f"No tool output found for function call {call_id}.", param="input")
    if items[-1].type == "reasoning":
        raise TroubleError(
            400,
            f"Item '{items[-1].id}' of type 'reasoning' was provided without its required"
            " following item.",
            param="input",
        )


def _echo(request: ResponsesRequest, body: bytes) -> dict[str, Any]:
    """Return what the answer repeats of the request, as it came, with the API's defaults."""
    came = msgspec.json.decode(body, type=Echoed)
    reasoning = request.reasoning or Reasoning()
    text = request.text or TextConfig()
    return {
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": request.metadata or {},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": reasoning.effort, "summary": reasoning.summary},
        "safety_identifier": request.safety_identifier,
        "service_tier": "default",
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {
            "format": (came.text or {}).get("format") or {"type": "text"},
            "verbosity": text.verbosity or "medium",
        },
        "tool_choice": came.tool_choice or "auto",
        "tools": came.tools or [],
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "user": request.user,
    }
