"""Session tickets: whoever is in stays in; who gets in is the same people for an hour.

    hold     a user without ticket is let in -> a ticket that no answer stands behind yet
    renew    an answer ends                  -> it lasts ``ticket_s`` from now, whoever held it
    cancel   it was no answer                -> a ticket with no answer behind it is gone
    drop     a holder is put out             -> gone
    expire   its time is over                -> gone
    full     ``tickets_max`` are held        -> the one that ends first is gone

A user's rank for an hour is a hash of both, uniform in [0, 1), less a penalty for heavy use; those
with the highest rank get in first. The hour of each user begins at an instant of its own, so that
the order does not change for all at once. A table that is lost is no disaster: the ranks are as
before, so mostly the same users get in again.

Source: DAGOR (arXiv 1806.04075) for the hash of user and hour; TIERING 4 of the reference shelf.
Pure: reads no clock. ``now_s`` is monotonic seconds, ``now_unix_s`` wall time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

HOUR_S: Final = 3600
_DIGEST_BYTES: Final = 8
_DIGEST_SPARE_BITS: Final = 11  # a float tells 53 bits apart below 1
_DIGEST_RANGE: Final = 2.0**53
_KEY_BYTES_MAX: Final = 64  # of BLAKE2b


class Ranking:
    """Who gets in first, this hour. ``salt`` is the same in all processes of an installation."""

    __slots__ = ("_key",)

    def __init__(self, salt: bytes) -> None:
        self._key = salt[:_KEY_BYTES_MAX]

    def rank(self, user: str, draw: str, now_unix_s: float) -> float:
        """Return the user's rank in its present hour: uniform in [0, 1), and 1 is first.

        Ranks of different draws have nothing to do with each other.
        """
        hour = int((now_unix_s + self._phase_s(user)) // HOUR_S)
        return self._hash(f"{draw}:{hour}:{user}")

    def until_next_s(self, user: str, now_unix_s: float) -> float:
        """Return in how many seconds the user has another rank; above 0, at most an hour."""
        return HOUR_S - (now_unix_s + self._phase_s(user)) % HOUR_S

    def _phase_s(self, user: str) -> float:
        return self._hash(user) * HOUR_S

    def _hash(self, text: str) -> float:
        digest = hashlib.blake2b(
            text.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES, key=self._key
        ).digest()
        return (int.from_bytes(digest) >> _DIGEST_SPARE_BITS) / _DIGEST_RANGE


class Ticket:
    """One user's."""

    __slots__ = ("is_answered", "until_s")

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self.is_answered = False


class Tickets:
    """Who is in. Owned by one event loop; not thread-safe. Every call is O(1), amortised."""

    __slots__ = ("_held", "_tickets_max", "ticket_s")

    def __init__(self, ticket_s: float, tickets_max: int) -> None:
        self.ticket_s = ticket_s
        self._tickets_max = tickets_max
        # By the instant at which they end: all last equally long, so the last renewed stands last.
        self._held: OrderedDict[str, Ticket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def has(self, user: str, now_s: float) -> bool:
        """Tell whether the user holds a ticket."""
        ticket = self._held.get(user)
        return ticket is not None and ticket.until_s > now_s

    def hold(self, user: str, now_s: float) -> None:
        """Let a user in who has no ticket."""
        held = self._held
        held[user] = Ticket(now_s + self.ticket_s)
        held.move_to_end(user)
        if len(held) > self._tickets_max:
            self._bound()

    def renew(self, user: str, now_s: float) -> None:
        """Take note of an answer that has ended now."""
        ticket = self._held.get(user)
        if ticket is None:
            self.hold(user, now_s)
            ticket = self._held[user]
        else:
            ticket.until_s = now_s + self.ticket_s
            self._held.move_to_end(user)
        ticket.is_answered = True

    def cancel(self, user: str) -> None:
        """Take note of a turn that came to nothing."""
        ticket = self._held.get(user)
        if ticket is not None and not ticket.is_answered:
            del self._held[user]

    def drop(self, user: str) -> None:
        """Put a holder out."""
        self._held.pop(user, None)

    def expire(self, now_s: float) -> None:
        """Forget the tickets that have ended."""
        held = self._held
        while held and next(iter(held.values())).until_s <= now_s:
            held.popitem(last=False)

    def state(self, now_s: float) -> dict[str, float]:
        """Return the tickets that answers stand behind, with the seconds that each has left."""
        return {
            user: ticket.until_s - now_s
            for user, ticket in self._held.items()
            if ticket.is_answered and ticket.until_s > now_s
        }

    def restore(self, state: Iterable[tuple[str, float]], now_s: float) -> None:
        """Take over tickets with the seconds that each has left; those held now are forgotten."""
        self._held.clear()
        for user, left_s in sorted(state, key=lambda entry: entry[1]):
            if left_s > 0.0:
                ticket = self._held[user] = Ticket(now_s + min(left_s, self.ticket_s))
                ticket.is_answered = True
        self._bound()

    def _bound(self) -> None:
        while len(self._held) > self._tickets_max:
            self._held.popitem(last=False)
