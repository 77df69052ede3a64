"""What callers can ask for, beside an answer.

    operation     asked for at                                      spoken to upstreams of
    GENERATE      each dialect's own path                           every dialect
    COUNT_TOKENS  /messages/count_tokens, /responses/input_tokens,  Anthropic, Gemini, OpenAI
                  :countTokens                                      Responses
    EMBED         /embeddings, :embedContent, :batchEmbedContents   OpenAI (both), Gemini

An operation other than GENERATE is spoken by a sibling of a dialect: an object of the same contract
with another path and another body, which never streams. Credentials, versions and errors are those
of the dialect itself. ``registry.ENDPOINTS`` has all of them.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.dialects.contract import Dialect

Speakers = Mapping[str, Dialect]


class Operation(enum.Enum):
    """What is asked for."""

    GENERATE = "generate"
    COUNT_TOKENS = "count_tokens"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where callers ask for an operation, and in whose words.

    ``speakers`` says who asks an upstream for it, by the upstream's dialect; an upstream whose
    dialect is missing cannot be asked. None: every upstream can, in its own dialect.
    """

    operation: Operation
    dialect: Dialect
    speakers: Speakers | None = None
