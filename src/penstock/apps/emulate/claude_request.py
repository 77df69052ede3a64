"""Reading Claude's Messages API: what is accepted, and what is refused with which words.

on 2026-10-21   no temperature, top_p and top_k, even at their defaults; no documents in
assistant turns; no citations on user text
by model        prefill, and then without white space at its end and without thinking; sampling;
forced tools, and then without thinking; thinking with a budget; system turns
after a user's
always          results of tools right after the calls, all of them, first in their turn; no
empty turns and texts; thoughts as they were signed; a schema or citations
"""

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
from penstock.apps.emulate.catalogue import CLAUDE, Model
from penstock.apps.emulate.dialect import Query, check_context, encode, model_named, parse
from penstock.apps.emulate.text import called
from penstock.apps.emulate.usage import input_tokens

VERSIONS: Final = ("2023-06-01", "2026-10-21")
WITHOUT_SAMPLING: Final = "2026-10-21"
BUDGET_MIN: Final = 1024
_TEXTLESS: Final = frozenset(("image", "document", "container_upload"))


class Block(msgspec.Struct):
    """One content block; of all sorts, the fields that matter here."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: "str | list[Block] | None" = None
    citations: Any = None  # of a text: a list; of a document: whether it may be cited
    signature: str = ""


class Message(msgspec.Struct):
    """One message."""

    role: str
    content: str | list[Block]


class ToolSpec(msgspec.Struct):
    """A tool: the caller's own, or a hosted one, which has a type and no schema."""

    name: str
    input_schema: dict[str, Any] = {}
    type: str = "custom"


class Choice(msgspec.Struct):
    """Which tool to use."""

    type: str
    name: str = ""
    disable_parallel_tool_use: bool = False


class ThinkingSpec(msgspec.Struct):
    """Whether and how to think."""

    type: str
    budget_tokens: int | None = None
    display: str = "summarized"


class Format(msgspec.Struct):
    """A shape for the answer."""

    type: str
    schema: dict[str, Any] = {}


class OutputConfig(msgspec.Struct):
    """Shape and effort of the output."""

    format: Format | None = None
    effort: str | None = None


class MessagesRequest(msgspec.Struct):
    """The body of a request."""

    model: str
    messages: list[Message]
    max_tokens: int | None = None
    stream: bool = False
    system: str | list[Block] | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: Choice | None = None
    thinking: ThinkingSpec | None = None
    output_config: OutputConfig | None = None


def version_of(query: Query) -> str:
    """Return the API version that the caller speaks."""
    version = query.headers.get(b"anthropic-version", b"").decode("latin-1")
    if not version:
        raise TroubleError(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise TroubleError(400, f'anthropic-version: "{version}" is not a valid version')
    return version


def read(query: Query, *, is_count: bool = False) -> Ask:
    """Read a request; a count of tokens needs no ``max_tokens``."""
    version = version_of(query)
    request = parse(query.body, MessagesRequest)
    model = model_named(CLAUDE, request.model)
    output_tokens_max = model.output_tokens_max
    if not is_count:
        output_tokens_max = _limit(request, model)
        _check_sampling(request, model, version)
        _check_thinking(request.thinking, model, output_tokens_max)
    turns, parts = _turns(request, version, model)
    choice, named, is_parallel = _tool_choice(request, model)
    is_thinking = request.thinking is not None and request.thinking.type != "disabled"
    if turns[-1].role is Role.ASSISTANT:
        _check_prefill(turns[-1].text, model, is_thinking=is_thinking)
    if is_thinking and choice is ToolChoice.REQUIRED:
        raise TroubleError(400, "Thinking may not be enabled when tool_choice forces tool use.")
    extras = _extras(request)
    tokens = input_tokens(turns, extras, parts)
    check_context(model, tokens)
    config = request.output_config
    return Ask(
        model=model,
        turns=turns,
        input_tokens=tokens,
        is_stream=request.stream,
        output_tokens_max=output_tokens_max,
        stops=tuple(request.stop_sequences or ()),
        tools=tuple(Tool(tool.name, tool.input_schema) for tool in request.tools or ()),
        tool_choice=choice,
        tool_named=named,
        may_call_parallel=is_parallel,
        schema=config.format.schema if config is not None and config.format is not None else None,
        thinking=_thinking(request.thinking, model, turns),
    )


def prefill_rejected() -> TroubleError:
    """Return the error of models that no longer go on from an assistant turn."""
    return TroubleError(
        400,
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message.",
    )


def _check_prefill(text: str, model: Model, *, is_thinking: bool) -> None:
    if not model.may_prefill:
        raise prefill_rejected()
    if text != text.rstrip():
        raise TroubleError(
            400, "messages: final assistant content cannot end with trailing whitespace"
        )
    if is_thinking:
        raise TroubleError(400, "messages: prefill is not supported with extended thinking")


def _limit(request: MessagesRequest, model: Model) -> int:
    limit = request.max_tokens
    if limit is None:
        raise TroubleError(400, "max_tokens: Field required", param="max_tokens")
    if not 0 <= limit <= model.output_tokens_max:
        raise TroubleError(
            400,
            f"max_tokens: {limit} > {model.output_tokens_max}, which is the maximum allowed number"
            f" of output tokens for {model.name}",
            param="max_tokens",
        )
    return limit


def _check_sampling(request: MessagesRequest, model: Model, version: str) -> None:
    given = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
    }
    for name, value in given.items():
        if value is not None and (version == WITHOUT_SAMPLING or not model.may_sample):
            raise TroubleError(400, f"{name}: this parameter is not supported", param=name)
    if request.temperature is not None and not 0 <= request.temperature <= 1:
        raise TroubleError(400, "temperature: must be from 0 to 1", param="temperature")


def _check_thinking(thinking: ThinkingSpec | None, model: Model, limit: int) -> None:
    if thinking is None or thinking.type in {"adaptive", "disabled", "between_tools"}:
        return
    if thinking.type != "enabled":
        raise TroubleError(400, f"thinking.type: {thinking.type} is not known", param="thinking")
    if not model.may_budget_thinking:
        raise TroubleError(
            400, "thinking.type: enabled is not supported by this model; use adaptive"
        )
    budget = thinking.budget_tokens
    if budget is None or budget < BUDGET_MIN or budget >= limit:
        raise TroubleError(
            400,
            f"thinking.budget_tokens: must be at least {BUDGET_MIN} and less than max_tokens",
            param="thinking",
        )


def _thinking(spec: ThinkingSpec | None, model: Model, turns: tuple[Turn, ...]) -> Thinking:
    """Say whether this answer thinks; where nobody asked for it, a user's word does."""
    if spec is None:
        said = next((turn.text for turn in reversed(turns) if turn.role is Role.USER), "")
        return Thinking.HIDDEN if model.thinks_unasked and "think" in said else Thinking.OFF
    if spec.type == "disabled":
        return Thinking.OFF
    return Thinking.HIDDEN if spec.display == "omitted" else Thinking.SHOWN


def _tool_choice(request: MessagesRequest, model: Model) -> tuple[ToolChoice, str, bool]:
    spec = request.tool_choice
    if spec is None:
        return ToolChoice.AUTO, "", True
    is_parallel = not spec.disable_parallel_tool_use
    if spec.type in {"auto", "none"}:
        return ToolChoice(spec.type), "", is_parallel
    if spec.type not in {"any", "tool"}:
        raise TroubleError(400, f"tool_choice.type: {spec.type} is not known", param="tool_choice")
    if not model.may_force_tool:
        raise TroubleError(400, "tool_choice: this model does not support forced tool use")
    if spec.type == "tool" and spec.name not in {tool.name for tool in request.tools or ()}:
        raise TroubleError(400, f"tool_choice.name: no tool is named {spec.name}")
    return ToolChoice.REQUIRED, spec.name if spec.type == "tool" else "", is_parallel


def _turns(request: MessagesRequest, version: str, model: Model) -> tuple[tuple[Turn, ...], int]:
    """Return the turns and how many parts are no text."""
    messages = request.messages
    if not messages:
        raise TroubleError(400, "messages: at least one message is required", param="messages")
    if all(message.role == "system" for message in messages):
        raise TroubleError(400, "messages.0.role: system is not allowed here", param="messages")
    config = request.output_config
    has_schema = config is not None and config.format is not None
    turns: list[Turn] = []
    parts = 0
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        blocks = _blocks(message.content)
        if message.role == "system":
            _check_system(messages, at, blocks, model)
            continue
        _check_message(message, blocks, at, is_last=at == len(messages) - 1)
        _check_blocks(message.role, blocks, at, has_schema=has_schema)
        if version == WITHOUT_SAMPLING:
            _check_newest(message.role, blocks, at)
        open_calls = _calls_left_open(open_calls, blocks, at)
        parts += sum(block.type in _TEXTLESS for block in blocks)
        turns += _split(Role(message.role), blocks)
    if open_calls:
        raise TroubleError(400, "messages: tool_use ids were found without tool_result blocks")
    return tuple(turns), parts


def _calls_left_open(open_calls: set[str], blocks: list[Block], at: int) -> set[str]:
    """Return the calls of one message, once those before it have found their results."""
    results = {block.tool_use_id for block in blocks if block.type == "tool_result"}
    if open_calls - results:
        raise TroubleError(
            400,
            f"messages.{at}: tool_use ids were found without tool_result blocks immediately"
            f" after: {', '.join(sorted(open_calls - results))}",
        )
    if results - open_calls:
        raise TroubleError(
            400,
            f"messages.{at}: unexpected tool_use_id found in tool_result blocks:"
            f" {', '.join(sorted(results - open_calls))}",
        )
    kinds = [block.type for block in blocks]
    if results and "tool_result" in kinds[len([k for k in kinds if k == "tool_result"]) :]:
        raise TroubleError(400, f"messages.{at}: tool_result blocks must come first in the content")
    return {block.id for block in blocks if block.type == "tool_use"}


def _split(role: Role, blocks: list[Block]) -> list[Turn]:
    """Return the turns of one message: results of tools, then what the user says."""
    results = [block for block in blocks if block.type == "tool_result"]
    others = [block for block in blocks if block.type != "tool_result"]
    turns = [Turn(Role.TOOL, _text(results))] if results else []
    return [*turns, Turn(role, _text(others))] if others or not results else turns


def _check_system(messages: list[Message], at: int, blocks: list[Block], model: Model) -> None:
    """Refuse a system turn where the model does not take one."""
    if not at or messages[at - 1].role != "user":
        raise TroubleError(400, f"messages.{at}.role: system must follow a user turn")
    if not model.takes_system_midway:
        raise TroubleError(400, "messages: role 'system' is not supported on this model")
    if any(block.type != "text" for block in blocks):
        raise TroubleError(400, f"messages.{at}: system turns are text only")


def _check_message(message: Message, blocks: list[Block], at: int, *, is_last: bool) -> None:
    if message.role not in {"user", "assistant"}:
        raise TroubleError(400, f"messages.{at}.role: {message.role} is not allowed here")
    if not blocks and not (is_last and message.role == "assistant"):
        raise TroubleError(
            400,
            f"messages.{at}: all messages must have non-empty content except for the optional"
            " final assistant message",
        )


def _check_blocks(role: str, blocks: list[Block], at: int, *, has_schema: bool) -> None:
    for index, block in enumerate(blocks):
        place = f"messages.{at}.content.{index}"
        if block.type == "text" and not block.text.strip():
            raise TroubleError(400, f"{place}: text content blocks must be non-empty")
        is_ours = is_signature(CLAUDE, block.signature)
        if role == "assistant" and block.type == "thinking" and not is_ours:
            raise TroubleError(400, f"{place}: Invalid `signature` in `thinking` block")
        if block.type == "document" and block.citations and has_schema:
            raise TroubleError(400, "output_config.format: not together with citations")


def _check_newest(role: str, blocks: list[Block], at: int) -> None:
    """Refuse what the newest version no longer takes."""
    for block in blocks:
        if role == "assistant" and block.type == "document":
            raise TroubleError(400, f"messages.{at}: document blocks are for user turns only")
        if role == "user" and block.type == "text" and block.citations:
            raise TroubleError(400, f"messages.{at}: citations are not permitted in user text")


def _blocks(content: str | list[Block] | None) -> list[Block]:
    if isinstance(content, list):
        return content
    return [Block("text", text=content)] if content else []


def _text(blocks: list[Block]) -> str:
    """Join what a turn says; calls and results count as their JSON and text."""
    texts: list[str] = []
    for block in blocks:
        if block.type == "tool_use":
            texts.append(called(block.name, block.input))
        elif block.type == "tool_result":
            texts.append(_text(_blocks(block.content)))
        else:
            texts.append(block.text)
    return "\n".join(text for text in texts if text)


def _extras(request: MessagesRequest) -> list[str]:
    extras = [_text(_blocks(request.system))]
    extras += [_text(_blocks(m.content)) for m in request.messages if m.role == "system"]
    if request.tools:
        extras.append(encode(request.tools).decode())
    return extras
