"""Composing an answer: what is said, thought and called, and why it ends.

Rule 1: the same seed, provider, model and turns give the same answer; the system prompt, the pace
and the limit on output change nothing but where it is cut. With shared text, provider and model
change nothing either, and the dialect never does.
Rule 2: the limit counts thoughts and words alike.
Rule 3: what comes first decides: a scripted fault of content, a forced tool, an aid in the user's
words, a tool that the user names, a schema, prose. With [[lead:N]] words come before the calls.
Rule 4: an answer that broke is gone on with, from where it broke (``continuation``).
"""

import enum
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import msgspec

from penstock.apps.emulate import continuation, text, tools
from penstock.apps.emulate.ask import Ask, Thinking, ToolChoice
from penstock.apps.emulate.continuation import Broken
from penstock.apps.emulate.tools import ToolCall
from penstock.apps.emulate.vectors import vector
from penstock.core.fault import FaultKind

_WORDS_MIN: Final = 30
_WORDS_MAX: Final = 180


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
    """What is said to one request: as many choices as were asked for, one as a rule; or vectors."""

    choices: tuple[Choice, ...]
    vectors: tuple[list[float], ...] = ()

    @property
    def output_tokens(self) -> int:
        """Tokens of all choices."""
        return sum(choice.output_tokens for choice in self.choices)


def compose(
    ask: Ask, seed: int, fault: FaultKind | None = None, *, is_shared: bool = False
) -> Answer:
    """Return the answer to a request, bent by a fault of content; rule 1 says what it is."""
    voice = (str(seed), "shared", "")
    if not is_shared:
        voice = (str(seed), ask.model.provider, ask.model.name)
    if ask.embed is not None:
        salt = fault.value if fault is FaultKind.WRONG_CONTENT else ""
        size = ask.embed.dimensions
        return Answer((), tuple(vector((*voice, salt), one, size) for one in ask.embed.texts))
    broken = continuation.find(ask)
    return Answer(
        tuple(_choice(ask, (*voice, str(at)), fault, broken) for at in range(ask.choices))
    )


def _choice(
    ask: Ask, voice: tuple[str, ...], fault: FaultKind | None, broken: Broken | None
) -> Choice:
    asked = ask if broken is None else replace(ask, turns=broken.turns)
    salt = fault.value if fault is FaultKind.WRONG_CONTENT else ""
    rng = Random(text.digest((*voice, salt, *continuation.told(asked.turns))))
    choice = _thought(ask, rng)
    if fault is FaultKind.REFUSAL:
        return replace(choice, tokens=text.prose(rng, 2), finish=Finish.REFUSED)
    if fault is FaultKind.WRONG_CONTENT:
        return _limited(replace(choice, tokens=text.prose(rng, _WORDS_MIN)), ask)
    partial = "" if broken is None else broken.partial
    lead = text.lead(asked.last_user_text)
    if (lead or not partial) and (chosen := _called(asked)):
        calls = tuple(tools.call(tool, index, rng) for index, tool in enumerate(chosen))
        choice = replace(choice, calls=calls, finish=Finish.TOOL)
    tokens = text.prose(rng, lead) if choice.calls else _said(asked, rng)
    if broken is not None and partial:
        whole = "".join(tokens)
        is_ours = whole.startswith(partial) and whole != partial
        if not broken.is_sure and not is_ours:
            return _choice(ask, voice, fault, None)
        more = text.prose(rng, rng.randint(_WORDS_MIN, _WORDS_MAX), is_start=False)
        tokens = continuation.rest(whole, broken, more, fault)
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


def _said(ask: Ask, rng: Random) -> list[str]:
    told = text.told(ask.last_user_text, ask.model.output_tokens_max)
    if isinstance(told, list):
        return told
    if isinstance(told, int):
        return text.prose(rng, told)
    if ask.schema is not None:
        made = tools.value_for(ask.schema or {"type": "object"}, rng)
        return text.json_pieces(msgspec.json.encode(made).decode())
    return text.prose(rng, rng.randint(_WORDS_MIN, _WORDS_MAX))


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
