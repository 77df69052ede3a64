"""When a message that waits in the outbox is tried again, and when nobody tries any more.

    taken      a try begins by writing down that it does, and when the next one would be due: a
               process that dies meanwhile leaves a message that is tried again
    sent       the receiver took it: never again
    failed     after FIRST_S, then twice as long each time, at most HOURLY_S; a little more by
               chance, so that many do not come back together
    given up   GIVE_UP_S after it was written, or at once if the receiver says "gone"

So a message arrives at least once, in any order, unless the receiver is away for a day. It may
come twice if we die between the answer and our note of it, or if the answer was lost: its id is the
same then. Nobody can promise "exactly once" over a network; a receiver that keeps the ids it has
seen has it.

Pure: told the time and given chance.
"""

from collections.abc import Callable
from typing import Final

import msgspec

FIRST_S: Final = 10.0
HOURLY_S: Final = 3600.0
GIVE_UP_S: Final = 86_400.0  # an alert of yesterday tells nobody anything
TAKEN_S: Final = 60.0  # longer than any try takes: then its process has died
JITTER_RATIO: Final = 0.1
DOUBLINGS_MAX: Final = 16

WAITING: Final = "waiting"
SENT: Final = "sent"
GIVEN_UP: Final = "given_up"


class Entry(msgspec.Struct, frozen=True):
    """What is remembered of a message to one receiver."""

    state: str = WAITING
    tries: int = 0
    next_unix_s: float = 0.0
    created_unix_s: float = 0.0


def is_due(entry: Entry, now_unix_s: float) -> bool:
    """Tell whether it is time for a try."""
    return entry.state == WAITING and entry.next_unix_s <= now_unix_s


def taken(entry: Entry, now_unix_s: float) -> Entry:
    """Return the entry as a try begins."""
    return msgspec.structs.replace(entry, tries=entry.tries + 1, next_unix_s=now_unix_s + TAKEN_S)


def sent(entry: Entry) -> Entry:
    """Return the entry after a receiver took it."""
    return msgspec.structs.replace(entry, state=SENT)


def failed(
    entry: Entry, now_unix_s: float, chance: Callable[[], float], *, is_final: bool = False
) -> Entry:
    """Return the entry after a try that failed; ``chance`` gives 0 to 1."""
    doublings = min(max(entry.tries - 1, 0), DOUBLINGS_MAX)
    wait_s = min(HOURLY_S, FIRST_S * 2.0**doublings) * (1.0 + JITTER_RATIO * chance())
    next_unix_s = now_unix_s + wait_s
    if is_final or next_unix_s > entry.created_unix_s + GIVE_UP_S:
        return msgspec.structs.replace(entry, state=GIVEN_UP)
    return msgspec.structs.replace(entry, next_unix_s=next_unix_s)
