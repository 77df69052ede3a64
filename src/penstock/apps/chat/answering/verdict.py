"""What follows when an answer's request has ended without the answer being whole. Pure.

refused, capacity or a limit   AGAIN after what the gateway says, if that is not too long
the gateway cannot be reached  AGAIN, after a growing while
its connection broke           AGAIN: the gateway may have it still
the key is spent or unknown    AFRESH: another key, on from the text that is there
an upstream's failure          AGAIN a few times while there is no text; then it has ended
the request itself is wrong    ENDED, with what is wrong
an error after text            ENDED as broken: its person decides whether to go on
"""

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.apps.chat.answering.hearing import Failed
from penstock.apps.chat.shapes import Trouble
from penstock.core.line_standing import Why, why_of

DIGITS_MAX: Final = 9
TRIES_MAX: Final = 4  # of what an upstream fails at; the gateway has tried others each time
WAIT_S: Final = 2.0  # where nobody says how long
DOWN_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0)  # until a gateway that is down is tried again
SPENT: Final = frozenset({"answer_not_kept", "nobody_reads", "idempotency_key_reused", "cancelled"})
BUSY: Final = frozenset({429, 503, 529})
REFUSING_FROM, FAILING_FROM = 400, 500
GOING_DOWN: Final = "going down"  # the gateway's own words, as it ends
CAPACITY: Final = frozenset(
    {
        "no_capacity", "tier_capacity", "no_new_sessions", "preempted", "overloaded",
        "queue_timeout", "user_streams", "rate_limit_exceeded",
    }
)  # fmt: skip


class Next(enum.Enum):
    """What is to be done."""

    AGAIN = "again"
    AFRESH = "afresh"
    ENDED = "ended"


class Verdict(msgspec.Struct, frozen=True):
    """What follows."""

    next: Next
    wait_s: float = 0.0
    reason: str = ""  # of shapes.Place: capacity, gateway, told
    trouble: Trouble | None = None
    why: Why = Why.PERSON  # whom in line it holds up; by itself only who was refused


def of_silence(downs: int) -> Verdict:
    """Nobody has taken the request, ``downs`` times so far."""
    return Verdict(Next.AGAIN, DOWN_S[min(downs, len(DOWN_S) - 1)], "gateway", why=Why.GATEWAY)


def of_break() -> Verdict:
    """The connection has ended in mid-answer."""
    return Verdict(Next.AGAIN, DOWN_S[0], "gateway")


def of_status(
    status: int, headers: Mapping[bytes, bytes], failed: Failed, *, tries: int, patience_s: float
) -> Verdict:
    """The request was refused; ``patience_s`` is how long it may still wait."""
    request = headers.get(b"x-request-id", b"").decode("latin-1")
    if failed.code in SPENT:
        return Verdict(Next.AFRESH)
    if status in BUSY:
        wait_s = _seconds(headers.get(b"retry-after", b""))
        if wait_s <= patience_s:
            reason = "told" if wait_s > WAIT_S else "capacity"
            return Verdict(Next.AGAIN, max(0.1, wait_s), reason, why=why_of(failed.code))
        return Verdict(Next.ENDED, trouble=_trouble(failed, request, "Come back later."))
    if status >= FAILING_FROM and tries < TRIES_MAX:
        return Verdict(Next.AGAIN, WAIT_S, "capacity")
    remedy = "Try again." if status >= FAILING_FROM else "Change the message, or the model."
    return Verdict(Next.ENDED, trouble=_trouble(failed, request, remedy))


def of_event(failed: Failed, request: str, *, has_text: bool, tries: int) -> Verdict:
    """The stream has ended with an error."""
    if failed.code in SPENT:
        return Verdict(Next.AFRESH)
    if GOING_DOWN in failed.message:
        return of_break()
    if not has_text and failed.code in CAPACITY:
        return Verdict(Next.AGAIN, WAIT_S, "capacity", why=why_of(failed.code))
    if not has_text and tries < TRIES_MAX:
        return Verdict(Next.AGAIN, WAIT_S, "capacity")
    remedy = "Let it go on from here." if has_text else "Try again."
    return Verdict(Next.ENDED, trouble=_trouble(failed, request, remedy))


def _trouble(failed: Failed, request: str, remedy: str) -> Trouble:
    return Trouble(failed.code, failed.message, remedy, request)


def _seconds(said: bytes) -> float:
    return float(said) if 0 < len(said) <= DIGITS_MAX and said.isdigit() else WAIT_S
