"""Composing an answer: what is said, thought and called, and why it ends.

Rule 1: the same seed, provider, model and turns give the same answer; the system prompt, the pace
and the limit on output change nothing but where it is cut.
Rule 2: the limit counts thoughts and words alike.
Rule 3: what comes first decides: a scripted fault of content, a forced tool, an aid in the user's
words, a tool that the user names, a schema, prose.
Rule 4: an answer that broke can be gone on with. A prefill, where the model takes one, is followed
by the rest of what would have been said, or by more prose if it is not the beginning of that. The
same goes for a user turn after a partial answer that quotes its end: the quote is repeated first.
"""

import enum
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import msgspec

from penstock.apps.emulate import text, tools
from penstock.apps.emulate.ask import Ask, Role, Thinking, ToolChoice, Turn
from penstock.apps.emulate.catalogue import GPT
from penstock.apps.emulate.tools import ToolCall
from penstock.core.fault import FaultKind

_WORDS_MIN: Final = 30
_WORDS_MAX: Final = 180
_BROKEN_TURNS: Final = 3  # the question, the partial answer, the wish to go on
_QUOTE_MIN: Final = 12  # shorter than this, it may be chance
_QUOTE_MAX: Final = 400


class Finish(enum.Enum):
    """Why an answer ends."""

    END = "end"
    STOP = "stop"
    LENGTH = "length"
    TOOL = "tool"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer. ``thoughts`` and ``tokens`` join to texts; ``hidden_tokens`` are only counted."""

    tokens: list[str] = field(default_factory=list[str])
    thoughts: list[str] = field(default_factory=list[str])
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = Finish.END
    stop_sequence: str | None = None
    hidden_tokens: int = 0

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)

    @property
    def thinking_tokens(self) -> int:
        """Tokens spent on thinking, shown or not."""
        return len(self.thoughts) + self.hidden_tokens

    @property
    def output_tokens(self) -> int:
        """All tokens, thinking included."""
        called = sum(len(call.fragments) for call in self.calls)
        return len(self.tokens) + called + self.thinking_tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one request: as many choices as were asked for, one as a rule."""

    choices: tuple[Choice, ...]

    @property
    def output_tokens(self) -> int:
        """Tokens of all choices."""
        return sum(choice.output_tokens for choice in self.choices)


def compose(ask: Ask, seed: int, fault: FaultKind | None = None) -> Answer:
    """Return the answer to a request, bent by a fault of content."""
    return Answer(tuple(_choice(ask, seed, at, fault) for at in range(ask.choices)))


def _choice(ask: Ask, seed: int, at: int, fault: FaultKind | None) -> Choice:
    turns, partial, quote = _continued(ask)
    salt = fault.value if fault is FaultKind.WRONG_CONTENT else ""
    model = ask.model
    told = (f"{turn.role.value}:{turn.text}" for turn in turns)
    rng = Random(text.digest((str(seed), model.provider, model.name, str(at), salt, *told)))
    choice = _thought(ask, rng)
    if fault is FaultKind.REFUSAL:
        return replace(choice, tokens=text.prose(rng, 2), finish=Finish.REFUSED)
    if fault is FaultKind.WRONG_CONTENT:
        return _limited(replace(choice, tokens=text.prose(rng, _WORDS_MIN)), ask)
    if not partial and (chosen := _called(ask)):
        calls = tuple(tools.call(tool, index, rng) for index, tool in enumerate(chosen))
        return _limited(replace(choice, calls=calls, finish=Finish.TOOL), ask)
    tokens = _said(ask, rng, turns)
    if partial:
        tokens = _rest(tokens, partial, quote, rng)
    if fault is FaultKind.CORRUPT_TOKENS:
        tokens = text.corrupt(tokens)
    return _limited(replace(choice, tokens=tokens), ask)


def _called(ask: Ask) -> tuple[tools.Tool, ...]:
    is_free = ask.tool_choice is ToolChoice.AUTO and not ask.tool_named
    if is_free and text.told(ask.last_user_text, 1) is not None:
        return ()
    return tools.choose(ask)


def _thought(ask: Ask, rng: Random) -> Choice:
    """Draw the thinking first, so that it does not depend on what is said."""
    count = rng.randint(8, 24)
    thoughts = text.prose(rng, count)
    if ask.thinking is Thinking.SHOWN:
        return Choice(thoughts=thoughts)
    return Choice(hidden_tokens=count if ask.thinking is Thinking.HIDDEN else 0)


def _said(ask: Ask, rng: Random, turns: tuple[Turn, ...]) -> list[str]:
    last = next((turn.text for turn in reversed(turns) if turn.role is Role.USER), "")
    told = text.told(last, ask.model.output_tokens_max)
    if isinstance(told, list):
        return told
    if isinstance(told, int):
        return text.prose(rng, told)
    if ask.schema is not None:
        made = tools.value_for(ask.schema or {"type": "object"}, rng)
        return text.json_pieces(msgspec.json.encode(made).decode())
    return text.prose(rng, rng.randint(_WORDS_MIN, _WORDS_MAX))


def _continued(ask: Ask) -> tuple[tuple[Turn, ...], str, str]:
    """Return the turns that are answered, the partial answer to go on from, and its quoted end."""
    turns = ask.turns
    *_, broken, last = (Turn(Role.USER, ""), Turn(Role.USER, ""), *turns)
    if len(turns) > 1 and last.role is Role.ASSISTANT:
        # The GPT family takes such a turn, but starts again.
        may_go_on = ask.model.may_prefill and ask.model.provider != GPT
        return turns[:-1], last.text if may_go_on else "", ""
    if len(turns) >= _BROKEN_TURNS and broken.role is Role.ASSISTANT and last.role is Role.USER:
        partial = broken.text.rstrip()
        for length in range(min(len(partial), _QUOTE_MAX), _QUOTE_MIN - 1, -1):
            if partial[-length:] in last.text:
                return turns[:-2], partial, partial[-length:].lstrip()
    return turns, "", ""


def _rest(tokens: list[str], partial: str, quote: str, rng: Random) -> list[str]:
    """Go on from a partial answer: as we would have, or as somebody else would."""
    whole = "".join(tokens)
    begun = partial.rstrip()
    if whole.startswith(begun):
        return text.pieces(quote + whole[len(begun) :])
    more = text.prose(rng, rng.randint(_WORDS_MIN, _WORDS_MAX), is_start=False)
    return text.pieces(quote) + more


def _limited(choice: Choice, ask: Ask) -> Choice:
    """Cut at stop sequences and at the limit on output."""
    tokens, stop = text.cut_at_stop(choice.tokens, ask.stops)
    if stop is not None:
        choice = replace(choice, tokens=tokens, finish=Finish.STOP, stop_sequence=stop)
    if choice.output_tokens <= ask.output_tokens_max:
        return choice
    thoughts = choice.thoughts[: ask.output_tokens_max]
    hidden = min(choice.hidden_tokens, ask.output_tokens_max)
    left = ask.output_tokens_max - len(thoughts) - hidden
    return Choice(
        tokens=choice.tokens[:left], thoughts=thoughts, hidden_tokens=hidden, finish=Finish.LENGTH
    )
