"""What a worker and the owner of capacity say to each other.

    worker -> owner                            owner -> worker
    Hello      I am worker K                   Welcome    all who are to be heard are here: report
    Report     what I have under way           Granted    dial that target
    RouteName  this number is that route       Refused    do without, and tell the caller why
    Ask        leave to dial                   MoveAside  let your attempt go, if nothing has come
    Withdraw   it waits no longer              Places     where those stand who asked for it
    GiveBack   an attempt is over              Pong       I am here
    Close      an exchange is over
    Progress   tokens out so far
    Stays      too late to move it aside
    Watch      tell me where it stands         Statistics how all stands, once a second
    Ping       are you there?
    Leaving    you are silent: I go on alone

An exchange has a number that its worker gives it; an ``Ask`` has a serial within it, and an answer
repeats it, so that what crosses a withdrawal on its way is known for old. Instants are monotonic
seconds, which all processes of one machine share. All are arrays on the wire, short and in order.
"""

from typing import Any, Final

import msgspec

from penstock.core.limits_seen import LimitsSeen
from penstock.core.standing import Standing
from penstock.exchange.statistics import GateStatistics

PROTOCOL: Final = 1  # both ends come from one installation; after an upgrade they may differ


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What all messages have in common."""


class Outcomes(Message, frozen=True, array_like=True, gc=False):
    """How an attempt ended: ``kind`` is empty for a success, ``-`` for no verdict."""

    kind: str = ""
    status: int = 0
    code: str = ""
    retry_after_s: float = 0.0


class Spending(Message, frozen=True, array_like=True, gc=False):
    """What an attempt has taken, and what its answer's headers say (``core.spent``)."""

    ttft_s: float
    input_tokens: int
    output_tokens: int
    seen: LimitsSeen | None


class Held(Message, frozen=True, array_like=True, gc=False):
    """An exchange that is under way; ``target`` is None if it has no grant now."""

    exchange: int
    route: int
    claim: tuple[Any, ...]
    target: int | None
    output_tokens: int


# --- from a worker


class Hello(Message, frozen=True, array_like=True, tag=1, gc=False):
    """The first message. ``attempt`` grows with every connection of this process."""

    worker: int
    pid: int
    attempt: int
    protocol: int = PROTOCOL


class Report(Message, frozen=True, array_like=True, tag=2, gc=False):
    """A part of what is under way; the last part says so."""

    held: tuple[Held, ...]
    is_last: bool


class RouteName(Message, frozen=True, array_like=True, tag=3, gc=False):
    """``number`` means this route from now on; numbers only grow.

    ``model`` is what a caller puts into ``model``; ``targets`` are upstream and model of each.
    """

    number: int
    model: str
    targets: tuple[tuple[str, str], ...]
    is_first: bool  # all others before it may be forgotten


class Ask(Message, frozen=True, array_like=True, tag=4, gc=False):
    """Leave to dial one of ``targets``, which are places in the route; empty: any of it.

    ``claim`` is there the first time that this owner hears of the exchange. ``was_moved`` says
    that an attempt of it was put aside, now or before.
    """

    exchange: int
    serial: int
    route: int
    targets: tuple[int, ...]
    wait_until_s: float
    was_moved: bool = False
    claim: tuple[Any, ...] = ()


class Withdraw(Message, frozen=True, array_like=True, tag=5, gc=False):
    """Wait no longer; what has been granted meanwhile comes back by this."""

    exchange: int


class GiveBack(Message, frozen=True, array_like=True, tag=6, gc=False):
    """An attempt is over; ``spent`` is what the grant has noted of it."""

    exchange: int
    outcome: Outcomes
    spent: Spending | None = None


class Close(Message, frozen=True, array_like=True, tag=7, gc=False):
    """The exchange is over; what it has used."""

    exchange: int
    used: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)  # tokens, as core.price.Used


class Progress(Message, frozen=True, array_like=True, tag=8, gc=False):
    """Tokens out so far, of those exchanges where there are more than last time."""

    tokens: tuple[tuple[int, int], ...]


class Stays(Message, frozen=True, array_like=True, tag=9, gc=False):
    """It cannot be moved aside any more."""

    exchange: int


class Watch(Message, frozen=True, array_like=True, tag=10, gc=False):
    """Its caller wants to know where it stands."""

    exchange: int


class Ping(Message, frozen=True, array_like=True, tag=11, gc=False):
    """Sent every ``PING_S``."""


class Leaving(Message, frozen=True, array_like=True, tag=12, gc=False):
    """The last message; what is under way goes on without the owner, and will be reported."""


# --- from the owner


class Welcome(Message, frozen=True, array_like=True, tag=20, gc=False):
    """Report, and from then on ask here."""


class Granted(Message, frozen=True, array_like=True, tag=21, gc=False):
    """Dial this target, a place in the route; ``changes`` are what was decided of the claim."""

    exchange: int
    serial: int
    target: int
    changes: tuple[tuple[int, Any], ...] = ()
    standing: Standing | None = None  # of the caller's limits; None: there are none


class Refused(Message, frozen=True, array_like=True, tag=22, gc=False):
    """The fields of a ``ShedError``, or with ``limit`` those of a ``LimitError``."""

    exchange: int
    serial: int
    message: str
    code: str
    retry_after_s: float
    limit: tuple[str, str, int, int] | None = None  # whose, dimension, limit, remaining
    changes: tuple[tuple[int, Any], ...] = ()


class MoveAside(Message, frozen=True, array_like=True, tag=23, gc=False):
    """Somebody with a contract needs the slot."""

    exchange: int


class Places(Message, frozen=True, array_like=True, tag=24, gc=False):
    """Exchange, position (1 is next), and the expected wait in seconds."""

    places: tuple[tuple[int, int, float], ...]


class Statistics(Message, frozen=True, array_like=True, tag=26, gc=False):
    """How things stand at the owner's gate; sent once a second."""

    gate: GateStatistics


class Pong(Message, frozen=True, array_like=True, tag=25, gc=False):
    """The answer to every ``Ping``."""


FromWorker = (
    Hello | Report | RouteName | Ask | Withdraw | GiveBack | Close | Progress | Stays | Watch
    | Ping | Leaving
)  # fmt: skip
FromOwner = Welcome | Granted | Refused | MoveAside | Places | Statistics | Pong
