"""What becomes of each field of a request that goes to another dialect: data, read by the code.

    carried        with the same meaning; nothing is said
    approximated   in other words, or only where the model allows: named in ``x-penstock-dropped``
    dropped        left out, since the answer keeps its meaning: named in ``x-penstock-dropped``
    refused        400 that names the field: without it the answer would mean something else

A field that stands in no row is dropped. Values that ask for nothing (null, false, an empty list)
are never named. The page ``docs/reference/dialects.md`` is ``render()``.

Source: DIALECTS 3, 8 and 9 of the reference shelf.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import json_fields
from penstock.dialects.concepts import Verdict


class Row(msgspec.Struct, frozen=True):
    """One concept, under its names in both dialects; ``to_*`` is what the other one makes of it.

    A name with a dot lies deeper; one without stands at the top of the body.
    """

    concept: str
    openai_chat: str
    anthropic_messages: str
    to_anthropic: Verdict
    to_openai: Verdict
    note: str = ""


C, A, D, R, N = (
    Verdict.CARRIED,
    Verdict.APPROXIMATED,
    Verdict.DROPPED,
    Verdict.REFUSED,
    Verdict.ABSENT,
)
SAMPLING: Final = "Dropped where the model's family refuses it, or thinks."
HOSTED: Final = "Runs at the vendor; nobody else has it."
ROWS: Final[tuple[Row, ...]] = (
    Row("model", "model", "model", C, C),
    Row("stream", "stream", "stream", C, C),
    Row("turns", "messages", "messages", C, C, "Turns of the same role are merged."),
    Row("system", "messages.system", "system", C, C, "Joined by blank lines."),
    Row(
        "later_system", "messages.system (later)", "messages.system", A, C,
        "After a user turn it stays where the Claude family takes it (then carried). Elsewhere it "
        "joins the leading instructions: order and prompt cache suffer, its authority does not.",
    ),
    Row(
        "first_turn", "messages[0]", "messages[0]", A, C,
        "A conversation that the assistant begins gets a user turn of one dot before it.",
    ),
    Row(
        "prefill", "messages[-1]", "messages[-1]", R, A,
        "A last turn of the assistant: only for Claude families that go on from it (4.5 and older, "
        "then carried). OpenAI takes it, but starts its answer anew.",
    ),
    Row("images", "image_url", "image", C, C, "Base64 and URLs; the gateway fetches nothing."),
    Row("image_detail", "image_url.detail", "", D, N),
    Row("files", "file", "document", R, R, "A document of plain text becomes text to OpenAI."),
    Row("audio_in", "input_audio", "", R, N),
    Row("search_results", "", "search_result", N, R),
    Row("server_tools", "", "server_tool_use", N, R, HOSTED),
    Row("calls", "tool_calls", "tool_use", C, C, "Invalid JSON goes to Claude as `_raw`."),
    Row("results", "messages.tool", "tool_result", C, C, "Together, first in the next user turn."),
    Row("result_images", "", "tool_result.image", N, A, "Into the user message that follows."),
    Row("is_error", "", "tool_result.is_error", N, A, "The result's text begins with `Error:`."),
    Row("speaker", "messages.name", "", D, N),
    Row(
        "thinking_history", "reasoning_content", "messages.thinking", D, D,
        "Reasoning never crosses vendors.",
    ),
    Row("citations", "", "citations", N, D),
    Row(
        "cache", "prompt_cache_breakpoint", "cache_control", D, D,
        "Carried unchanged where caller and upstream speak the same dialect.",
    ),
    Row("cache_key", "prompt_cache_key", "", D, N),
    Row("cache_options", "prompt_cache_options", "", D, N),
    Row("cache_retention", "prompt_cache_retention", "", D, N),
    Row(
        "output_max", "max_completion_tokens", "max_tokens", C, C,
        "Claude needs it: without one it is the family's maximum, and never above it "
        "(approximated). 0 (Claude's cache warming) is refused towards OpenAI.",
    ),
    Row("output_max_old", "max_tokens", "", C, N),
    Row("temperature", "temperature", "temperature", C, C, SAMPLING + " To Claude at most 1."),
    Row("top_p", "top_p", "top_p", C, C, SAMPLING + " To Claude not beside temperature."),
    Row("top_k", "", "top_k", N, D),
    Row(
        "stop", "stop", "stop_sequences", C, C,
        "Refused: only blanks to Claude, more than four to OpenAI, any to o3 and o4.",
    ),
    Row("seed", "seed", "", D, N),
    Row("frequency_penalty", "frequency_penalty", "", D, N),
    Row("presence_penalty", "presence_penalty", "", D, N),
    Row("logit_bias", "logit_bias", "", D, N),
    Row("logprobs", "logprobs", "", R, N),
    Row("top_logprobs", "top_logprobs", "", R, N),
    Row("n", "n", "", R, N, "More than one."),
    Row("tools", "tools", "tools", C, C, "Functions. Hosted and grammar tools are refused."),
    Row(
        "tool_strict", "tools.strict", "tools.strict", C, C,
        "Dropped for Claude families without structured output.",
    ),
    Row("tool_extras", "", "tools.input_examples", N, D, "And other hints on single tools."),
    Row(
        "tool_choice", "tool_choice", "tool_choice", C, C,
        "A forced call is refused for Claude families that refuse it.",
    ),
    Row("allowed_tools", "tool_choice.allowed_tools", "", A, N, "The list of tools is filtered."),
    Row("parallel", "parallel_tool_calls", "disable_parallel_tool_use", C, C),
    Row("functions", "functions", "", R, N, "Superseded by tools."),
    Row("function_call", "function_call", "", R, N, "Superseded by tool_choice."),
    Row(
        "schema", "response_format", "output_config.format", C, C,
        "json_schema. To Claude objects are closed (approximated if they were open), or the schema "
        "is put as an instruction where the family takes none. To OpenAI strict only if closed.",
    ),
    Row(
        "json", "response_format.json_object", "", A, N,
        "An instruction in the system prompt; the answer is not checked.",
    ),
    Row(
        "effort", "reasoning_effort", "thinking", C, C,
        "`output_config.effort` wins over a budget of tokens. The nearest that the model knows "
        "(then approximated); dropped where it knows none, and for Claude families with a budget "
        "beside a forced or open tool call.",
    ),
    Row("display", "", "thinking.display", N, D),
    Row("verbosity", "verbosity", "", D, N),
    Row("user", "user", "metadata.user_id", C, C, "Longer than 64 characters: its SHA-256."),
    Row("safety_identifier", "safety_identifier", "", C, N, "As user."),
    Row("metadata", "metadata", "", D, N),
    Row("service_tier", "service_tier", "service_tier", D, D),
    Row("speed", "", "speed", N, D),
    Row("store", "store", "", D, N),
    Row("prediction", "prediction", "", D, N),
    Row("moderation", "moderation", "", R, N, HOSTED),
    Row("modalities", "modalities", "", R, N, "Other than text."),
    Row("audio", "audio", "", R, N),
    Row("web_search", "web_search_options", "", R, N, HOSTED),
    Row("stream_options", "stream_options", "", C, N, "`include_usage`; no more."),
    Row("container", "", "container", N, R, HOSTED),
    Row("mcp", "", "mcp_servers", N, R, HOSTED),
    Row("context_management", "", "context_management", N, D),
    Row("diagnostics", "", "diagnostics", N, D),
    Row("fallbacks", "", "fallbacks", N, D, "The route has its own."),
    Row("geo", "", "inference_geo", N, R, "A promise about where; nobody else gives it."),
    Row("profile", "", "user_profile_id", N, D),
    Row("workspace", "", "workspace_id", N, D),
)  # fmt: skip
PAGE: Final = """# Translation between dialects

Where caller and upstream speak the same dialect, bytes pass unchanged. Where they do not, each
field has a verdict:

- **carried**: with the same meaning
- **approximated**: in other words, and named in the response header `x-penstock-dropped`
- **dropped**: left out, and named in `x-penstock-dropped`
- **refused**: 400 that names the field, unless another upstream of the route can do it

Fields that are not listed are dropped.

| `openai_chat` | to Anthropic | `anthropic_messages` | to OpenAI | Note |
|---|---|---|---|---|
"""
_BY_CONCEPT: Final = {row.concept: row for row in ROWS}


def name_of(concept: str, dialect: str) -> str:
    """Return the name of a concept in the words of a dialect; the other's if it has none."""
    row = _BY_CONCEPT[concept]
    names = (row.openai_chat, row.anthropic_messages)
    own, other = names if dialect == "openai_chat" else names[::-1]
    return own or other


def leftovers(dialect: str, fields: dict[str, msgspec.Raw], handled: frozenset[str]) -> list[str]:
    """Return the names of top-level fields that are dropped.

    Raises CallerError for one that is refused. ``handled`` are those that the dialect reads itself.
    """
    refused = _top_level(dialect, Verdict.REFUSED)
    dropped: list[str] = []
    for name, raw in fields.items():
        if name in handled or json_fields.is_empty(raw) or bytes(raw) == b"false":
            continue
        if name in refused:
            raise refusal(name)
        dropped.append(name)
    return dropped


def refusal(field: str, why: str = "") -> CallerError:
    """Return the error for a field that no translation can carry."""
    reason = why or "the upstream speaks another dialect, which has no counterpart"
    return CallerError(
        f"{field} cannot be carried: {reason}.", code="unsupported_parameter", param=field
    )


def render() -> str:
    """Return the table as a page of the reference."""
    rows = [
        f"| {_code(row.openai_chat)} | {row.to_anthropic.value} "
        f"| {_code(row.anthropic_messages)} | {row.to_openai.value} | {row.note} |"
        for row in ROWS
    ]
    return PAGE + "\n".join(rows) + "\n"


def _top_level(dialect: str, verdict: Verdict) -> frozenset[str]:
    pairs = [
        (row.openai_chat, row.to_anthropic)
        if dialect == "openai_chat"
        else (row.anthropic_messages, row.to_openai)
        for row in ROWS
    ]
    return frozenset(name for name, given in pairs if given is verdict and "." not in name)


def _code(name: str) -> str:
    return f"`{name}`" if name else ""
