"""How tokens are counted: a rule that anyone can repeat, not a tokenizer.

input    for each turn: 4, and one token per 4 characters of its text, rounded up
         for the system prompt, for the tools and for the schema: one per 4 characters of
         their text or JSON, rounded up
         for each image, file or other part that is no text: 256
output   one per event of content: a word, a fragment of arguments, a thought
cached   none
"""

from collections.abc import Iterable
from typing import Final

from penstock.apps.emulate.ask import Turn

PER_TURN: Final = 4
PER_PART: Final = 256
_CHARACTERS: Final = 4


def tokens_in(text: str) -> int:
    """Return the tokens of one text."""
    return -(-len(text) // _CHARACTERS)


def input_tokens(turns: Iterable[Turn], extras: Iterable[str], parts: int) -> int:
    """Return the tokens of a request.

    Args:
        turns: the conversation.
        extras: system prompt, tools and schema, as text.
        parts: how many images, files and the like came along.
    """
    conversation = sum(PER_TURN + tokens_in(turn.text) for turn in turns)
    return conversation + sum(map(tokens_in, extras)) + parts * PER_PART
