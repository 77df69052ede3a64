"""Asking another upstream to go on with an answer that broke off.

    what has gone out        the upstream       the request
    no text                  any                as it was
    text                     takes a prefill    history, assistant(text)
    text                     any other          history, assistant(text), user(the prompt)

The text is sent without the white space at its end, and as part of the caller's own last turn if
that was the assistant's. The prompt speaks in the caller's voice, quotes the anchor, and adds no
persona and no language. A forced tool choice is dropped, tools too once a call has gone out; the
output limit is reduced by what was sent. Reasoning never crosses: the common model has none.

What of a request forbids to go on with its answer: a schema or JSON, and whatever comes with
offsets into the text, or not as text.

Source: DIALECTS 11 of the reference shelf.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.core.estimate import tokens
from penstock.dialects.capability import Prefill
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.message import (
    ChoiceMode,
    Request,
    Role,
    Text,
    ToolChoice,
    Turn,
)
from penstock.dialects.progress import Progress
from penstock.dialects.seam import Crossing, Manner, Seam, anchor_of

PLACE: Final = "{anchor}"
PROMPT: Final = (
    "My connection dropped while your answer was coming in. The last that I received is:\n\n"
    "\u00ab{anchor}\u00bb\n\n"
    "Please begin by repeating exactly this fragment, without the marks around it, and go straight "
    "on from there with the rest of the answer. Do not start over, and do not mention the break."
)
MANNERS: Final[dict[Prefill, Manner]] = {
    Prefill.REFUSED: Manner.ANCHOR,
    Prefill.RESTARTS: Manner.ANCHOR,
    Prefill.LITERAL: Manner.PREFILL,
    Prefill.CONTINUE: Manner.PREFILL,
    Prefill.PREFIX: Manner.ECHO,
}
# Fields that make an answer which a second model cannot go on with, by whatever dialect's name.
_BINDING: Final = frozenset(
    {
        "audio", "citations", "logprobs", "modalities", "prediction", "top_logprobs",
        "web_search_options",
    }
)  # fmt: skip


class Continuation(msgspec.Struct, frozen=True):
    """What to ask, and what its text goes through."""

    request: Request
    seam: Seam
    crossing: Crossing


def fault_of(prompt: str) -> str:
    """Return why a prompt of an operator's cannot be used; empty if it can."""
    return "" if prompt.count(PLACE) == 1 else f"it must hold {PLACE}, once"


def obstacle_of(inquiry: Inquiry, dialect: Dialect) -> str | None:
    """Return why the answer to a request of this dialect can never be continued, or None."""
    if inquiry.choices > 1:
        return "more than one answer was asked for"
    try:
        request = dialect.read_request(inquiry)
    except CallerError as error:
        return f"the request cannot be asked elsewhere: {error.message}"
    if request.schema is not None or request.is_json:
        return "the answer must be JSON"
    for name in request.dropped:
        if _BINDING.intersection(name.split(".")):
            return f"the answer has {name}"
    return None


def is_spent(request: Request, text: str) -> bool:
    """Tell whether what was sent reaches the output limit, as far as can be estimated."""
    limit = request.output_tokens_max
    return limit is not None and _tokens_of(text) >= limit


def continued(
    request: Request,
    progress: Progress,
    *,
    prefill: Prefill,
    prompt: str = PROMPT,
) -> Continuation:
    """Return how to go on at an upstream; ``prefill`` is what its model makes of one."""
    sent = progress.text
    crossing = Crossing(sent, request.stop)
    partial = sent.rstrip()
    if not partial:
        return Continuation(request, Seam(sent, Manner.PREFILL), crossing)
    turns = _with_partial(request.turns, partial)
    manner, extra = MANNERS[prefill], ""
    if manner is Manner.ANCHOR:
        extra = anchor_of(sent)
        turns = (*turns, Turn(Role.USER, (Text(prompt.replace(PLACE, extra)),)))
    limit = request.output_tokens_max
    if limit is not None:
        # The anchor is said again, and is no part of what the caller gets.
        limit = max(1, limit - _tokens_of(sent)) + _tokens_of(extra)
    asked = msgspec.structs.replace(
        request,
        turns=turns,
        output_tokens_max=limit,
        tools=() if progress.calls else request.tools,
        tool_choice=None if progress.calls else _free(request.tool_choice),
    )
    return Continuation(asked, Seam(sent, manner), crossing)


def _with_partial(turns: tuple[Turn, ...], partial: str) -> tuple[Turn, ...]:
    last = turns[-1] if turns else None
    if last is None or last.role is not Role.ASSISTANT:
        return (*turns, Turn(Role.ASSISTANT, (Text(partial),)))
    parts = last.parts  # the caller had begun the answer, and the model went on with that
    if parts and isinstance(parts[-1], Text):
        parts = (*parts[:-1], Text(parts[-1].text + partial))
    else:
        parts = (*parts, Text(partial))
    return (*turns[:-1], Turn(Role.ASSISTANT, parts))


def _free(choice: ToolChoice | None) -> ToolChoice | None:
    if choice is None or choice.mode in (ChoiceMode.AUTO, ChoiceMode.NONE):
        return choice
    return ToolChoice(ChoiceMode.AUTO, is_parallel=choice.is_parallel)


def _tokens_of(text: str) -> int:
    return tokens(len(text.encode(errors="surrogatepass")))
