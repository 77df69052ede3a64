"""LiteLLM's words: its providers as upstreams of ours, and what its settings are called here."""

from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.config.model import DialectName


class Provider(msgspec.Struct, frozen=True):
    """One of LiteLLM's providers as an upstream; without an address the entry must name it."""

    name: str
    dialect: DialectName
    base_url: str = ""
    key_env: str = ""
    suffix: str = ""  # that LiteLLM adds to an address


CHAT: Final = DialectName.OPENAI_CHAT
PROVIDERS: Final[Mapping[str, Provider]] = {
    "openai": Provider("openai", CHAT, "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": Provider(
        "anthropic",
        DialectName.ANTHROPIC_MESSAGES,
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
    ),
    "gemini": Provider(
        "gemini",
        DialectName.GEMINI_GENERATE,
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
    ),
    "azure": Provider("azure", CHAT, "", "AZURE_API_KEY", "/openai/v1"),
    "groq": Provider("groq", CHAT, "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": Provider("mistral", CHAT, "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": Provider("deepseek", CHAT, "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "together_ai": Provider("together", CHAT, "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "fireworks_ai": Provider(
        "fireworks", CHAT, "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"
    ),
    "openrouter": Provider(
        "openrouter", CHAT, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"
    ),
    "xai": Provider("xai", CHAT, "https://api.x.ai/v1", "XAI_API_KEY"),
    "perplexity": Provider("perplexity", CHAT, "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "cerebras": Provider("cerebras", CHAT, "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepinfra": Provider(
        "deepinfra", CHAT, "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"
    ),
    "nvidia_nim": Provider(
        "nvidia", CHAT, "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"
    ),
    "hosted_vllm": Provider("vllm", CHAT),
    "vllm": Provider("vllm", CHAT),
    "lm_studio": Provider("lm-studio", CHAT),
    "llamafile": Provider("llamafile", CHAT),
    "openai_like": Provider("compatible", CHAT),
    "litellm_proxy": Provider("litellm", CHAT),
    "ollama": Provider("ollama", CHAT, "http://localhost:11434", "", "/v1"),
    "ollama_chat": Provider("ollama", CHAT, "http://localhost:11434", "", "/v1"),
}
# Entries of litellm_params that are read; all others are named in the notices.
READ: Final = frozenset(
    {
        "model", "api_base", "base_url", "api_key", "rpm", "tpm", "weight", "order", "timeout",
        "stream_timeout", "input_cost_per_token", "output_cost_per_token",
        "cache_read_input_token_cost", "cache_creation_input_token_cost", "custom_llm_provider",
        "max_parallel_requests", "api_version",
    }
)  # fmt: skip
ROUTER_READ: Final = frozenset(
    {
        "routing_strategy", "fallbacks", "default_fallbacks", "model_group_alias", "timeout",
        "num_retries", "stream_timeout",
    }
)  # fmt: skip
LIBRARY_READ: Final = frozenset(
    {"fallbacks", "default_fallbacks", "request_timeout", "num_retries"}
)
INSTEAD: Final[Mapping[str, str]] = {
    "master_key": "operators log in at control; API tokens are made there",
    "database_url": "[control] database_url, if it is to be PostgreSQL",
    "callbacks": "the ledger records every exchange; [traces] sends spans",
    "success_callback": "the ledger records every exchange; [traces] sends spans",
    "failure_callback": "the ledger records every exchange; [alerts] tells of failures",
    "alerting": "[[objectives]] and [alerts]",
    "cache": "there is no cache of answers",
    "cache_params": "there is no cache of answers",
    "redis_host": "nothing is needed: limits are exact without a store",
    "redis_port": "nothing is needed: limits are exact without a store",
    "redis_password": "nothing is needed: limits are exact without a store",
    "redis_url": "nothing is needed: limits are exact without a store",
    "allowed_fails": "[breaker] failures_min and failure_ratio",
    "cooldown_time": "[breaker] cooldown_s; a provider's own Retry-After is obeyed",
    "context_window_fallbacks": "what is too long goes on to a target with a larger context",
    "content_policy_fallbacks": "a refusal is delivered, not routed around",
    "drop_params": "what an upstream does not take is translated or named in x-penstock-dropped",
    "guardrails": "there are no guardrails",
    "max_tokens": "set it in the request",
    "temperature": "set it in the request",
    "enable_pre_call_checks": "always: capabilities decide where a request may go",
    "organization": "[upstreams.headers] openai-organization",
    "extra_headers": "[upstreams.headers]",
}
