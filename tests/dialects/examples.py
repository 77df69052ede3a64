"""What the examples of all dialects are made of, and how a dialect shows its own.

Each dialect has ``tests/dialects/<dialect>/examples.py`` with ``EXAMPLES``: a request for every
concept that its table names. ``tests/dialects/pairing.py`` sends each to every other dialect.
"""

from typing import Final

import msgspec

Fields = dict[str, object]
PIXEL: Final = "iVBORw0KGgo="
CLOSED: Final[Fields] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """What a test needs to know of one dialect."""

    body: Fields  # the smallest request; an example's fields are laid over it
    history: str  # the field with the conversation, into which places of refusals point
    model: str  # that an upstream of this dialect is asked for
    models: dict[str, str] = {}  # the same for concepts that hang on the model
    paths: dict[str, bytes] = {}  # of concepts that stand in the path
    by_concept: dict[str, Fields]
