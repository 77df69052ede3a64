"""The dialects by name. A new one enters here and nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.dialects.contract import Dialect
from penstock.dialects.gemini_generate.dialect import GeminiGenerate
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.dialects.openai_responses.dialect import OpenAIResponses

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "openai_chat": OpenAIChat(),
        "openai_responses": OpenAIResponses(),
        "anthropic_messages": AnthropicMessages(),
        "gemini_generate": GeminiGenerate(),
    }
)
