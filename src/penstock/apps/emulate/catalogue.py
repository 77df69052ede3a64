"""The models that are emulated, as data.

Context sizes and abilities follow what the providers document for these families; speeds are
plausible defaults, and a setting overrides them. ``gpt-5.6-nano`` is ours: its context is small, so
that a test can overflow it cheaply.
"""

from dataclasses import dataclass
from typing import Final

CLAUDE: Final = "claude"
GPT: Final = "gpt"
GEMINI: Final = "gemini"
PROVIDERS: Final = (CLAUDE, GPT, GEMINI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: its size, what it accepts and how fast it is unless told otherwise."""

    provider: str
    name: str
    title: str
    context_tokens: int
    output_tokens_max: int
    created_unix_s: int
    ttft_s: float
    tokens_per_s: float
    may_prefill: bool = False  # goes on from an assistant turn at the end
    may_sample: bool = True  # takes temperature, top_p and top_k at all
    may_force_tool: bool = True
    may_budget_thinking: bool = False  # thinking "enabled" with a budget
    thinks_unasked: bool = False  # leaving thinking out means adaptive, not shown
    needs_signature: bool = False  # refuses a function call of this turn without its signature
    takes_system_midway: bool = False  # a system turn after a user's
    dimensions_max: int = 0  # of its vectors; 0: it speaks


MODELS: Final[tuple[Model, ...]] = (
    Model(
        provider=CLAUDE,
        name="claude-sonnet-5-5",
        title="Claude Sonnet 5.5",
        context_tokens=1_000_000,
        output_tokens_max=128_000,
        created_unix_s=1_788_220_800,
        ttft_s=0.7,
        tokens_per_s=75.0,
        may_sample=False,
        may_force_tool=False,
        thinks_unasked=True,
        takes_system_midway=True,
    ),
    Model(
        provider=CLAUDE,
        name="claude-opus-5-5",
        title="Claude Opus 5.5",
        context_tokens=1_000_000,
        output_tokens_max=128_000,
        created_unix_s=1_788_220_800,
        ttft_s=1.2,
        tokens_per_s=50.0,
        may_sample=False,
        may_force_tool=False,
        thinks_unasked=True,
        takes_system_midway=True,
    ),
    Model(
        provider=CLAUDE,
        name="claude-sonnet-4-6",
        title="Claude Sonnet 4.6",
        context_tokens=200_000,
        output_tokens_max=64_000,
        created_unix_s=1_771_286_400,
        ttft_s=0.8,
        tokens_per_s=65.0,
        may_budget_thinking=True,
    ),
    Model(
        provider=CLAUDE,
        name="claude-haiku-4-5",
        title="Claude Haiku 4.5",
        context_tokens=200_000,
        output_tokens_max=64_000,
        created_unix_s=1_760_486_400,
        ttft_s=0.4,
        tokens_per_s=140.0,
        may_prefill=True,
        may_budget_thinking=True,
    ),
    Model(
        provider=GPT,
        name="gpt-5.6",
        title="GPT-5.6",
        context_tokens=400_000,
        output_tokens_max=128_000,
        created_unix_s=1_786_000_000,
        ttft_s=0.8,
        tokens_per_s=70.0,
    ),
    Model(
        provider=GPT,
        name="gpt-5.6-mini",
        title="GPT-5.6 mini",
        context_tokens=400_000,
        output_tokens_max=128_000,
        created_unix_s=1_786_000_000,
        ttft_s=0.4,
        tokens_per_s=130.0,
    ),
    Model(
        provider=GPT,
        name="gpt-5.6-nano",
        title="GPT-5.6 nano",
        context_tokens=16_000,
        output_tokens_max=8_000,
        created_unix_s=1_786_000_000,
        ttft_s=0.2,
        tokens_per_s=200.0,
    ),
    Model(
        provider=GEMINI,
        name="gemini-3.7-flash",
        title="Gemini 3.7 Flash",
        context_tokens=1_048_576,
        output_tokens_max=65_536,
        created_unix_s=1_789_000_000,
        ttft_s=0.5,
        tokens_per_s=160.0,
        needs_signature=True,
    ),
    Model(
        provider=GEMINI,
        name="gemini-3.6-flash",
        title="Gemini 3.6 Flash",
        context_tokens=1_048_576,
        output_tokens_max=65_536,
        created_unix_s=1_783_000_000,
        ttft_s=0.5,
        tokens_per_s=150.0,
        needs_signature=True,
    ),
    Model(
        provider=GEMINI,
        name="gemini-3.5-flash-lite",
        title="Gemini 3.5 Flash-Lite",
        context_tokens=1_048_576,
        output_tokens_max=65_536,
        created_unix_s=1_778_000_000,
        ttft_s=0.3,
        tokens_per_s=250.0,
        needs_signature=True,
    ),
    Model(
        provider=GEMINI,
        name="gemini-3-pro",
        title="Gemini 3 Pro",
        context_tokens=1_048_576,
        output_tokens_max=65_536,
        created_unix_s=1_763_424_000,
        ttft_s=1.5,
        tokens_per_s=80.0,
        may_prefill=True,
        needs_signature=True,
    ),
    Model(
        provider=GEMINI,
        name="gemini-2.5-flash",
        title="Gemini 2.5 Flash",
        context_tokens=1_048_576,
        output_tokens_max=65_536,
        created_unix_s=1_750_118_400,
        ttft_s=0.4,
        tokens_per_s=180.0,
        may_prefill=True,
    ),
)


# They make vectors; their pace is the time for one request.
EMBEDDERS: Final[tuple[Model, ...]] = (
    Model(
        provider=GPT,
        name="text-embedding-3-small",
        title="Text Embedding 3 small",
        context_tokens=8_191,
        output_tokens_max=0,
        created_unix_s=1_705_948_997,
        ttft_s=0.1,
        tokens_per_s=1_000.0,
        dimensions_max=1_536,
    ),
    Model(
        provider=GPT,
        name="text-embedding-3-large",
        title="Text Embedding 3 large",
        context_tokens=8_191,
        output_tokens_max=0,
        created_unix_s=1_705_953_180,
        ttft_s=0.15,
        tokens_per_s=1_000.0,
        dimensions_max=3_072,
    ),
    Model(
        provider=GEMINI,
        name="gemini-embedding-001",
        title="Gemini Embedding 001",
        context_tokens=2_048,
        output_tokens_max=1,
        created_unix_s=1_752_451_200,
        ttft_s=0.15,
        tokens_per_s=1_000.0,
        dimensions_max=3_072,
    ),
)
ALL_MODELS: Final = (*MODELS, *EMBEDDERS)


def models_of(provider: str) -> tuple[Model, ...]:
    """Return what a provider offers, in the order of the catalogue."""
    return tuple(model for model in ALL_MODELS if model.provider == provider)


def find(provider: str, name: str) -> Model | None:
    """Return a provider's model by its name."""
    for model in ALL_MODELS:
        if model.name == name and model.provider == provider:
            return model
    return None
