"""The dialects by name, and what is asked for in them. A new one enters here and nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.dialects.anthropic_messages.count import MessagesCount
from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.dialects.contract import Dialect
from penstock.dialects.gemini_generate.count import GeminiCount
from penstock.dialects.gemini_generate.dialect import GeminiGenerate
from penstock.dialects.gemini_generate.embed import GeminiBatchEmbed, GeminiEmbed
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.dialects.openai_chat.embed import OpenAIEmbeddings
from penstock.dialects.openai_responses.count import ResponsesCount
from penstock.dialects.openai_responses.dialect import OpenAIResponses
from penstock.dialects.operation import Endpoint, Operation, Speakers

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "openai_chat": OpenAIChat(),
        "openai_responses": OpenAIResponses(),
        "anthropic_messages": AnthropicMessages(),
        "gemini_generate": GeminiGenerate(),
    }
)

COUNTERS: Final[Speakers] = MappingProxyType(
    {
        "openai_responses": ResponsesCount(),
        "anthropic_messages": MessagesCount(),
        "gemini_generate": GeminiCount(),
    }
)
_EMBEDDINGS: Final = OpenAIEmbeddings()
_OPENAIS: Final = {"openai_chat": _EMBEDDINGS, "openai_responses": _EMBEDDINGS}
EMBEDDERS: Final[Speakers] = MappingProxyType(_OPENAIS | {"gemini_generate": GeminiBatchEmbed()})
# A caller's one text goes to Gemini as it came, not as a batch.
ONE_BY_ONE: Final[Speakers] = MappingProxyType(_OPENAIS | {"gemini_generate": GeminiEmbed()})
# Those that translate into each other; a caller's one text is translated as a batch is.
VECTORS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in EMBEDDERS.values()}
)

_SIBLINGS: Final = (
    *((Operation.COUNT_TOKENS, dialect, COUNTERS) for dialect in COUNTERS.values()),
    (Operation.EMBED, EMBEDDERS["openai_chat"], EMBEDDERS),
    (Operation.EMBED, EMBEDDERS["gemini_generate"], EMBEDDERS),
    (Operation.EMBED, ONE_BY_ONE["gemini_generate"], ONE_BY_ONE),
)
ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {name: Endpoint(Operation.GENERATE, dialect) for name, dialect in DIALECTS.items()}
    | {
        dialect.name: Endpoint(operation, dialect, speakers)
        for operation, dialect, speakers in _SIBLINGS
    }
)
"""Every place where callers can ask, by the name of the dialect or of its sibling."""
