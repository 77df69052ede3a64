"""What families of models accept, where a translation must know it.

A model belongs to the longest prefix that its name begins with, whatever stands before ``claude``
(a cloud's prefix) and after the version (a date). A version that is not in the table counts as
unknown, so that a new one is asked for no more than all accept. OpenAI's names go by their prefix.

Source: DIALECTS 12 of the reference shelf, second-hand for the most part: an operator's own probe
outranks it. Output maxima that nobody has published are the family's lowest.
"""

import enum
import re
from typing import Final

import msgspec

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
CLAUDE_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
# Thinking tokens for an effort, where a model is told a budget. The least is 1024.
BUDGETS: Final[dict[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}


class Thinking(enum.Enum):
    """How a Claude family is told to think."""

    NONE = "none"  # not, or nobody knows how
    BUDGET = "budget"  # enabled, with a number of tokens
    ADAPTIVE = "adaptive"  # by itself, steered by an effort


class Claude(msgspec.Struct, frozen=True):
    """What a model behind the Anthropic dialect accepts."""

    output_tokens_max: int
    sampling: bool = False  # temperature, top_p, top_k
    forced_tool: bool = False
    prefill: bool = False  # a last turn of the assistant, to be continued
    later_system: bool = False  # instructions after a user turn
    schema: bool = True
    efforts: tuple[str, ...] = ()
    thinking: Thinking = Thinking.NONE
    is_known: bool = True


class OpenAI(msgspec.Struct, frozen=True):
    """What a model behind the OpenAI chat dialect accepts."""

    sampling: bool = True
    stop: bool = True
    efforts: tuple[str, ...] = ()
    verbosity: bool = False
    cache_points: bool = False  # prompt_cache_breakpoint
    # OpenAI's own: max_completion_tokens, service_tier, prompt_cache_key; engines know max_tokens
    names_completion_tokens: bool = True


_OLD: Final = Claude(
    4096, sampling=True, forced_tool=True, prefill=True, schema=False, thinking=Thinking.NONE
)
_FOUR: Final = Claude(
    32_000, sampling=True, forced_tool=True, prefill=True, schema=False, thinking=Thinking.BUDGET
)
_FOUR_FIVE: Final = Claude(
    64_000, sampling=True, forced_tool=True, prefill=True, thinking=Thinking.BUDGET
)
_FOUR_SIX: Final = Claude(
    64_000,
    sampling=True,
    forced_tool=True,
    efforts=CLAUDE_EFFORTS,
    thinking=Thinking.ADAPTIVE,
)
_FOUR_SEVEN: Final = Claude(
    64_000, forced_tool=True, efforts=CLAUDE_EFFORTS, thinking=Thinking.ADAPTIVE
)
_FIVE: Final = Claude(
    64_000,
    forced_tool=True,
    later_system=True,
    efforts=CLAUDE_EFFORTS,
    thinking=Thinking.ADAPTIVE,
)
_FIVE_FIVE: Final = Claude(
    64_000, later_system=True, efforts=CLAUDE_EFFORTS, thinking=Thinking.ADAPTIVE
)
_UNKNOWN_CLAUDE: Final = Claude(32_000, is_known=False)
# An engine that imitates the dialect imitates its older form.
_IMITATION: Final = Claude(
    8192, sampling=True, forced_tool=True, prefill=True, schema=False, is_known=False
)
CLAUDES: Final[dict[str, Claude]] = {
    "claude-3-opus": _OLD,
    "claude-3-haiku": _OLD,
    "claude-3-5-haiku": msgspec.structs.replace(_OLD, output_tokens_max=8192),
    "claude-3-5-sonnet": msgspec.structs.replace(_OLD, output_tokens_max=8192),
    "claude-3-7-sonnet": msgspec.structs.replace(_FOUR, output_tokens_max=64_000),
    "claude-opus-4": _FOUR,
    "claude-opus-4-0": _FOUR,
    "claude-opus-4-1": msgspec.structs.replace(_FOUR, schema=True),
    "claude-sonnet-4": msgspec.structs.replace(_FOUR, output_tokens_max=64_000),
    "claude-sonnet-4-0": msgspec.structs.replace(_FOUR, output_tokens_max=64_000),
    "claude-haiku-4-5": _FOUR_FIVE,
    "claude-sonnet-4-5": _FOUR_FIVE,
    "claude-opus-4-5": _FOUR_FIVE,
    "claude-sonnet-4-6": _FOUR_SIX,
    "claude-opus-4-6": _FOUR_SIX,
    "claude-opus-4-7": _FOUR_SEVEN,
    "claude-opus-4-8": _FIVE,
    "claude-sonnet-5": _FIVE,
    "claude-opus-5": _FIVE,
    "claude-fable-5": _FIVE,
    "claude-mythos-5": _FIVE,
    "claude-haiku-5-5": Claude(64_000, later_system=True),
    "claude-sonnet-5-5": _FIVE_FIVE,
    "claude-opus-5-5": _FIVE_FIVE,
    "claude-fable-5-1": _FIVE_FIVE,
    "claude-mythos-5-1": _FIVE_FIVE,
    "claude-fable-5-2": Claude(64_000),
    "claude-mythos-5-2": Claude(64_000),
}
_REASONING: Final = OpenAI(sampling=False, efforts=("low", "medium", "high"))
_ENGINE: Final = OpenAI(names_completion_tokens=False)
_GPT: Final = OpenAI(
    sampling=False, verbosity=True, efforts=("none", "low", "medium", "high", "xhigh")
)
OPENAIS: Final[dict[str, OpenAI]] = {
    "gpt-3": OpenAI(),
    "gpt-4": OpenAI(),
    "chatgpt": OpenAI(),
    "gpt-oss": msgspec.structs.replace(_ENGINE, efforts=("low", "medium", "high")),
    "gpt-5": msgspec.structs.replace(_GPT, efforts=("minimal", "low", "medium", "high")),
    "gpt-5-1": msgspec.structs.replace(_GPT, efforts=("none", "low", "medium", "high")),
    "gpt-5-6": msgspec.structs.replace(_GPT, cache_points=True),
    "gpt": _GPT,
    "o1": _REASONING,
    "o3": msgspec.structs.replace(_REASONING, stop=False),
    "o4": msgspec.structs.replace(_REASONING, stop=False),
    "gemini": msgspec.structs.replace(_ENGINE, efforts=("low", "medium", "high")),
}
_SEPARATORS: Final = re.compile(r"[.@:/_]")
# After a version may stand a date or a word, but not one more number of the version.
_MORE_VERSION: Final = re.compile(r"-\d{1,2}(?:-|$)")


def claude(model: str) -> Claude:
    """Return what a model behind the Anthropic dialect accepts."""
    name = _SEPARATORS.sub("-", model.lower())
    at = name.find("claude")
    if at < 0:
        return _IMITATION
    name = name[at:]
    fitting = [
        prefix
        for prefix in CLAUDES
        if name.startswith(prefix)
        and name[len(prefix) : len(prefix) + 1] in ("", "-")
        and not _MORE_VERSION.match(name, len(prefix))
    ]
    return CLAUDES.get(max(fitting, key=len, default=""), _UNKNOWN_CLAUDE)


def openai(model: str) -> OpenAI:
    """Return what a model behind the OpenAI chat dialect accepts."""
    name = _SEPARATORS.sub("-", model.lower().rpartition("/")[2])
    family = max((prefix for prefix in OPENAIS if name.startswith(prefix)), key=len, default="")
    if family == "gpt-5" and _MORE_VERSION.match(name, len(family)):
        family = "gpt"  # a version of it that is not in the table
    return OPENAIS.get(family, _ENGINE)


def nearest_effort(effort: str, efforts: tuple[str, ...]) -> str:
    """Return the effort to ask for: itself, else the next lower one, else the lowest."""
    if effort in efforts:
        return effort
    rank = EFFORTS.index(effort)
    lower = [allowed for allowed in efforts if EFFORTS.index(allowed) < rank]
    return max(lower, key=EFFORTS.index, default=efforts[0])
