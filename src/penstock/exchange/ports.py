"""The five small doors of an exchange. No call on a port waits, or raises.

What the exchange is told comes in as ``on_*``; what it wants goes out here. The gateway fills the
ports with sockets, tests with plain objects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.core.claim import Claim
from penstock.core.errors import PenstockError
from penstock.core.outcome import Outcome
from penstock.core.retry_budget import RetryBudget
from penstock.core.standing import Standing
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Demand, Grant, Place
from penstock.exchange.record import Opened, Record


class Caller(Protocol):
    """Whoever asked. ``answer`` or ``refuse`` once, or ``start`` and then ``end`` or ``abort``."""

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send a whole answer."""
        ...

    def refuse(self, error: PenstockError, headers: bytes) -> None:
        """Send an error in the caller's dialect instead of an answer."""
        ...

    def start(self, headers: bytes) -> None:
        """Begin a stream; the status is spent from here on."""
        ...

    def write(self, data: bytes) -> None:
        """Send whole events of a started stream."""
        ...

    def end(self, data: bytes) -> None:
        """Send the last events and close the stream as complete."""
        ...

    def abort(self, data: bytes) -> None:
        """Send an error event and close the stream so that nobody takes it for complete."""
        ...


class Dialer(Protocol):
    """The way to the upstreams, over pooled connections."""

    def dial(self, attempt: Attempt) -> None:
        """Send the request; ``on_sent``, ``on_head``, ``on_chunk`` ... will follow, later."""
        ...

    def cancel(self, attempt: Attempt) -> None:
        """Stop reading, and stop paying; nothing of this attempt will follow."""
        ...

    def detach(self, attempt: Attempt) -> None:
        """The answer is complete; end the connection well, and tell nothing more of it."""
        ...

    def pause(self, attempt: Attempt) -> None:
        """Read no more for now: the caller is slow."""
        ...

    def resume(self, attempt: Attempt) -> None:
        """Read on."""
        ...


class Timer(Protocol):
    """One alarm."""

    def wake_at(self, at_s: float) -> None:
        """Call back at this instant, in monotonic seconds; replaces what was set before."""
        ...

    def drop(self) -> None:
        """Do not call back."""
        ...


class _Gone:
    """What an exchange that has ended keeps in its timer's place."""

    __slots__ = ()

    def wake_at(self, at_s: float) -> None:
        """Refuse: an exchange that has ended is woken no more."""
        raise AssertionError(f"an exchange that has ended would be woken at {at_s}")

    def drop(self) -> None:
        """Nothing is set."""


GONE: Final[Timer] = _Gone()


class Gate(Protocol):
    """Admission: who may dial, and who waits."""

    def ask(self, demand: Demand, now_s: float) -> None:
        """Ask for leave to dial; ``on_granted`` or ``on_refused`` follows, at once or later."""
        ...

    def withdraw(self, demand: Demand) -> None:
        """Stop waiting; nothing follows."""
        ...

    def began(self, grant: Grant, now_s: float) -> None:
        """The first content has come: good news of the upstream, long before the answer ends."""
        ...

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Return what was granted, once, with what became of it."""
        ...

    def place(self, demand: Demand, now_s: float) -> Place | None:
        """Return where one who waits stands; None if that is not known."""
        ...

    def standing(self, claim: Claim, now_s: float) -> Standing:
        """Return what is left of the limits of key and tenant, as far as is known here."""
        ...

    def may_degrade(self, claim: Claim) -> bool:
        """Tell whether a smaller model may answer now."""
        ...

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt of this exchange may be repeated, as far as load allows."""
        ...

    def close(self, demand: Demand, now_s: float) -> None:
        """The exchange is over, its claim says what it has used: settle."""
        ...


class Recorder(Protocol):
    """The spool's writing end."""

    def opened(self, line: Opened) -> None:
        """Note that an attempt is about to be dialled."""
        ...

    def closed(self, record: Record) -> None:
        """Write the exchange's one final record; a full disk is counted, never raised."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What all exchanges of a worker share."""

    dialer: Dialer
    gate: Gate
    recorder: Recorder
    budget: RetryBudget
    chance: Callable[[], float]
