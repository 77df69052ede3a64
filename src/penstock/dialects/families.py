"""What models accept, as data: one row for each family of models, and for each kind of engine.

``Capability`` is the row, its fields are the columns. A row says what may be sent without being
refused; what a provider takes and ignores counts as not accepted. Numbers are 0 where nobody has
published them. How a model finds its row: ``capability.py``.

Source: DIALECTS 12 of the reference shelf, second-hand for the most part, and the engines' own
documentation: an operator's ``penstock probe`` outranks it.
"""

import enum
from typing import Final

import msgspec

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
CLAUDE_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
GPT_EFFORTS: Final = ("low", "medium", "high")


class Thinking(enum.Enum):
    """How a model is told to think."""

    NONE = "none"  # not, or nobody knows how
    BUDGET = "budget"  # enabled, with a number of tokens
    ADAPTIVE = "adaptive"  # by itself, steered by an effort
    LEVEL = "level"  # Gemini 3: a level, which is an effort in other words
    EFFORT = "effort"  # OpenAI: an effort and nothing else


class Prefill(enum.Enum):
    """What happens to a last turn of the assistant."""

    REFUSED = "refused"
    RESTARTS = "restarts"  # taken, but the answer begins anew
    LITERAL = "literal"  # goes on from it
    CONTINUE = "continue"  # goes on if told so: continue_final_message (vLLM, SGLang)
    PREFIX = "prefix"  # goes on if the turn is marked: "prefix": true (Mistral, DeepSeek)


class Engine(enum.Enum):
    """Servers that speak OpenAI's chat dialect, each in its own way."""

    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMA_CPP = "llama_cpp"
    OLLAMA = "ollama"
    LM_STUDIO = "lm_studio"
    OTHER = "other"


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """What one model at one upstream accepts."""

    context_tokens_max: int = 0
    output_tokens_max: int = 0
    prefill: Prefill = Prefill.RESTARTS
    tools: bool = True
    forced_tool: bool = True  # a call may be demanded
    named_tool: bool = True  # and the tool named
    parallel_tools: bool = True  # may be told whether to make several calls at once
    sampling: bool = True  # temperature, top_p; for Claude and Gemini top_k
    stop: bool = True  # stop sequences
    images: bool = True
    image_urls: bool = True  # else as data only
    documents: bool = True
    structured_output: bool = True  # JSON of a given schema
    json_mode: bool = True  # JSON of any schema
    efforts: tuple[str, ...] = ()
    thinking: Thinking = Thinking.NONE
    later_system: bool = True  # instructions after a user turn
    signatures: bool = False  # calls in the history must bear the model's own signature
    developer_role: bool = True  # the role "developer" is known
    verbosity: bool = False  # can be told how much to say
    cache_points: bool = False  # a prompt cache can be told where to end: OpenAI's breakpoints
    # OpenAI's own: max_completion_tokens, service_tier, prompt_cache_key; engines know max_tokens
    names_completion_tokens: bool = True
    stream_usage: bool = True  # may be asked for usage at the end of a stream
    is_known: bool = True  # the row is this model's own, not a guess for strangers


_with: Final = msgspec.structs.replace

# --- Claude. An output maximum that nobody has published is the family's lowest.

_OLD: Final = Capability(
    context_tokens_max=200_000,
    output_tokens_max=4096,
    prefill=Prefill.LITERAL,
    structured_output=False,
    json_mode=False,
    later_system=False,
    developer_role=False,
    names_completion_tokens=False,
)
_FOUR: Final = _with(_OLD, output_tokens_max=32_000, thinking=Thinking.BUDGET)
_FOUR_FIVE: Final = _with(_FOUR, output_tokens_max=64_000, structured_output=True)
_FOUR_SIX: Final = _with(
    _FOUR_FIVE, prefill=Prefill.REFUSED, efforts=CLAUDE_EFFORTS, thinking=Thinking.ADAPTIVE
)
_FOUR_SEVEN: Final = _with(_FOUR_SIX, sampling=False)
_FIVE: Final = _with(_FOUR_SEVEN, context_tokens_max=0, later_system=True)
_FIVE_FIVE: Final = _with(_FIVE, forced_tool=False, named_tool=False)
# Asked for no more than all accept.
UNKNOWN_CLAUDE: Final = _with(
    _FIVE_FIVE,
    output_tokens_max=32_000,
    later_system=False,
    efforts=(),
    thinking=Thinking.NONE,
    is_known=False,
)
# An engine that imitates the dialect imitates its older form.
IMITATED_CLAUDE: Final = _with(_OLD, context_tokens_max=0, output_tokens_max=8192, is_known=False)
_HAIKU_FIVE_FIVE: Final = _with(_FIVE_FIVE, efforts=(), thinking=Thinking.NONE)
_FIVE_TWO: Final = _with(_HAIKU_FIVE_FIVE, later_system=False)
CLAUDES: Final[dict[str, Capability]] = {
    "claude-3-opus": _OLD,
    "claude-3-haiku": _OLD,
    "claude-3-5-haiku": _with(_OLD, output_tokens_max=8192),
    "claude-3-5-sonnet": _with(_OLD, output_tokens_max=8192),
    "claude-3-7-sonnet": _with(_FOUR, output_tokens_max=64_000),
    "claude-opus-4": _FOUR,
    "claude-opus-4-0": _FOUR,
    "claude-opus-4-1": _with(_FOUR, structured_output=True),
    "claude-sonnet-4": _with(_FOUR, output_tokens_max=64_000),
    "claude-sonnet-4-0": _with(_FOUR, output_tokens_max=64_000),
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
    "claude-haiku-5-5": _HAIKU_FIVE_FIVE,
    "claude-sonnet-5-5": _FIVE_FIVE,
    "claude-opus-5-5": _FIVE_FIVE,
    "claude-fable-5-1": _FIVE_FIVE,
    "claude-mythos-5-1": _FIVE_FIVE,
    "claude-fable-5-2": _FIVE_TWO,
    "claude-mythos-5-2": _FIVE_TWO,
}

# --- OpenAI, and what else is asked in its dialect

_CHAT: Final = Capability(context_tokens_max=128_000, output_tokens_max=16_384)
_TEXT_ONLY: Final = _with(
    _CHAT,
    context_tokens_max=16_385,
    output_tokens_max=4096,
    images=False,
    image_urls=False,
    documents=False,
    structured_output=False,
)
_REASONING: Final = Capability(
    context_tokens_max=200_000,
    output_tokens_max=100_000,
    sampling=False,
    efforts=GPT_EFFORTS,
    thinking=Thinking.EFFORT,
)
_FIVE_GPT: Final = _with(
    _REASONING,
    context_tokens_max=400_000,
    output_tokens_max=128_000,
    efforts=("minimal", *GPT_EFFORTS),
    verbosity=True,
)
_O3: Final = _with(_REASONING, stop=False)
_UNKNOWN_ENGINE: Final = Capability(  # a guess refuses nobody: it says yes to all that may be there
    names_completion_tokens=False,
    is_known=False,
)
_COMPATIBLE_EFFORTS: Final = _with(_UNKNOWN_ENGINE, efforts=GPT_EFFORTS, thinking=Thinking.EFFORT)
OPENAIS: Final[dict[str, Capability]] = {
    "gpt-3": _TEXT_ONLY,
    "gpt-4": _with(_TEXT_ONLY, context_tokens_max=8192),
    "gpt-4-turbo": _with(_CHAT, output_tokens_max=4096, structured_output=False),
    "gpt-4o": _CHAT,
    "gpt-4-1": _with(_CHAT, context_tokens_max=1_047_576, output_tokens_max=32_768),
    "gpt-4-5": _CHAT,
    "chatgpt": _CHAT,
    "gpt-oss": _COMPATIBLE_EFFORTS,
    "gpt-5": _FIVE_GPT,
    "gpt-5-1": _with(_FIVE_GPT, efforts=("none", *GPT_EFFORTS)),
    "gpt-5-6": _with(_FIVE_GPT, efforts=("none", *GPT_EFFORTS, "xhigh"), cache_points=True),
    "gpt": _with(_FIVE_GPT, efforts=("none", *GPT_EFFORTS, "xhigh")),
    "o1": _REASONING,
    "o3": _O3,
    "o3-mini": _with(_O3, images=False, image_urls=False, documents=False),
    "o4": _O3,
    "gemini": _with(_COMPATIBLE_EFFORTS, context_tokens_max=1_048_576, image_urls=False),
}

# In OpenAI's dialect, too, the newer ones refuse it.
REFUSING_GEMINI: Final = _with(OPENAIS["gemini"], prefill=Prefill.REFUSED)

# --- engines, by what their documentation says of their OpenAI-compatible server

_ENGINE: Final = _with(_UNKNOWN_ENGINE, documents=False, developer_role=False, is_known=True)
ENGINES: Final[dict[Engine, Capability]] = {
    Engine.VLLM: _with(_ENGINE, prefill=Prefill.CONTINUE),
    Engine.SGLANG: _with(_ENGINE, prefill=Prefill.CONTINUE),
    # Its tool_choice is one word.
    Engine.LLAMA_CPP: _with(_ENGINE, prefill=Prefill.LITERAL, named_tool=False),
    # tool_choice is taken and ignored; pictures come as data only.
    Engine.OLLAMA: _with(
        _ENGINE,
        forced_tool=False,
        named_tool=False,
        parallel_tools=False,
        image_urls=False,
        efforts=("none", *GPT_EFFORTS),
        thinking=Thinking.EFFORT,
    ),
    # response_format must be json_schema or text.
    Engine.LM_STUDIO: _with(
        _ENGINE,
        named_tool=False,
        parallel_tools=False,
        image_urls=False,
        json_mode=False,
    ),
    Engine.OTHER: _UNKNOWN_ENGINE,
}

# --- Gemini, in its own dialect

_GEMINI_TWO: Final = Capability(
    context_tokens_max=1_048_576,
    output_tokens_max=8192,
    prefill=Prefill.LITERAL,
    parallel_tools=False,
    image_urls=False,
    later_system=False,
    developer_role=False,
    names_completion_tokens=False,
)
_GEMINI_THREE: Final = _with(
    _GEMINI_TWO,
    output_tokens_max=65_536,
    efforts=("low", "high"),
    thinking=Thinking.LEVEL,
    signatures=True,
)
_GEMINI_FLASH: Final = _with(_GEMINI_THREE, efforts=("minimal", "low", "medium", "high"))
_GEMINI_NEWER: Final = _with(_GEMINI_FLASH, prefill=Prefill.REFUSED)
UNKNOWN_GEMINI: Final = _with(
    _GEMINI_NEWER,
    context_tokens_max=0,
    output_tokens_max=8192,
    efforts=("low", "high"),
    is_known=False,
)
GEMINIS: Final[dict[str, Capability]] = {
    "gemini-2-0": _GEMINI_TWO,
    "gemini-2-5": _with(_GEMINI_TWO, output_tokens_max=65_536, thinking=Thinking.BUDGET),
    "gemini-3": _GEMINI_THREE,
    "gemini-3-flash": _GEMINI_FLASH,
    "gemini-3-1": _with(_GEMINI_THREE, efforts=("low", "medium", "high")),
    "gemini-3-5": _GEMINI_FLASH,
    "gemini-3-5-flash-lite": _GEMINI_NEWER,
    "gemini-3-6": _GEMINI_NEWER,
    "gemini-3-7": _GEMINI_NEWER,
}
