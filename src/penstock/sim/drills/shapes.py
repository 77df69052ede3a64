"""What the parts of a drill tell each other: the contract between playing, measuring and reporting.

    drill file -> Timetable    which seconds of the outage are played, and when
               -> Strike       what fails, where, from when to when, in played seconds
    playing    -> Call         one request as its sender saw it, all tries together
               -> Seen         what the status page said, and when
               -> Reckoning    ledger beside the providers' own counts
    measuring  -> Result       all of it as figures, findings and checks: the report, and its JSON

Times end in ``_s`` and are **played seconds** from the drill's begin (traffic begins at 0); those
that end in ``_unix_s`` are of the outage itself. Shares are 0 to 1. Money is in millionths of a
dollar. A name that is empty, or a figure that is None, was not to be had, and the report says so.
"""

from typing import Final

import msgspec

SCHEMA: Final = "penstock-drill-result/1"

# The arms: the same outage, the same traffic, three ways to meet it.
BOUND: Final = "bound"  # without Penstock: each caller is bound to one provider
FAILOVER: Final = "failover"  # a gateway that fails over, and no more
PENSTOCK: Final = "penstock"  # everything on
ARMS: Final = (BOUND, FAILOVER, PENSTOCK)

EMULATED: Final = "emulated"
SIMULATED: Final = "simulated"
LIVE: Final = "live"
CHAOS: Final = "chaos"

# How a call ended, as its sender saw it.
COMPLETE: Final = "complete"  # whole, and what was asked for
REFUSED: Final = "refused"  # told to come later, or never: nothing was begun
FAILED: Final = "failed"  # an error in place of the answer
BROKEN: Final = "broken"  # begun, and ended with an error that says so
TRUNCATED: Final = "truncated"  # ended as if it were whole, and is not: nobody may do this
LEFT: Final = "left"  # the person lost patience
UNFINISHED: Final = "unfinished"  # the drill was over first
WRONG_WORDS: Final = "wrong_words"  # the code of a failed call that is whole, with status 200
ENDS: Final = (COMPLETE, REFUSED, FAILED, BROKEN, TRUNCATED, LEFT, UNFINISHED)


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """What all have in common."""


class Window(Struct, frozen=True, kw_only=True):
    """A stretch of the outage that is played in real time; what lies between two is left out."""

    from_s: float
    to_s: float
    from_unix_s: float
    to_unix_s: float
    changes: tuple[str, ...] = ()  # in words: what changes in it


class Strike(Struct, frozen=True, kw_only=True):
    """Something fails for a share of requests.

    ``place`` api: at a provider; chat, login, console: at our own front door; ours: a part of ours.
    """

    place: str
    kind: str  # of fault, as in the drill file
    share: float
    from_s: float
    to_s: float
    surface: str  # as the drill file calls it
    provider: str = ""  # of the emulator: claude, gpt, gemini; empty: not at a provider
    model: str = "*"  # glob of the emulator's model names
    stall_s: float | None = None  # of hang and slow_ttft
    is_assumed: bool = False  # nobody has published the share


class Unplayed(Struct, frozen=True, kw_only=True):
    """A surface that is not replayed, or not as it was."""

    surface: str
    why: str


class Timetable(Struct, frozen=True, kw_only=True):
    """What is played when."""

    windows: tuple[Window, ...]
    strikes: tuple[Strike, ...]
    unplayed: tuple[Unplayed, ...] = ()
    notes: tuple[str, ...] = ()  # what was assumed, carried over, chosen or approximated
    played_s: float
    true_s: float  # of the outage, uncut


class Call(Struct, frozen=True, kw_only=True):
    """One request as its sender saw it, with all of its own tries."""

    arm: str
    place: str = "api"  # or chat
    tier: str
    tenant: str = ""
    traffic: str = ""  # the name of its class in the traffic mix
    client: str = "patient"  # its habit, see sim.clients
    user: str = ""
    session: str = ""  # calls of one conversation or agent loop
    turn: int = 0
    is_last: bool = True  # of its session
    route: str = ""  # what was asked for
    provider: str = ""  # to which the caller would be bound
    dialect: str = ""
    is_stream: bool = True
    at_s: float
    tries: int = 1
    attempts: int = 0  # of the gateway at upstreams, over all tries, by the ledger
    end: str
    status: int = 200  # of the last try
    code: str = ""  # of the error
    retry_after_s: float = 0.0
    ttft_s: float = 0.0  # from the first try on; 0: nothing came
    took_s: float = 0.0
    itl_p50_s: float = 0.0
    itl_max_s: float = 0.0
    waited_s: float = 0.0  # at the gate, by the ledger
    added_s: float | None = None  # first content, less what the upstream that answered took for it
    input_tokens: int = 0
    output_tokens: int = 0
    upstream: str = ""  # who answered
    continued: int = 0  # seams
    request_ids: tuple[str, ...] = ()  # of all tries that had a head
    cost_microusd: int = 0


class Counts(Struct, frozen=True, kw_only=True):
    """Calls by how they ended, and what was measured of them."""

    arm: str
    place: str = "api"
    tier: str  # empty: all
    window: int = -1  # -1: the whole drill
    calls: int = 0
    complete: int = 0
    refused: int = 0
    failed: int = 0
    spoilt: int = 0  # of the failed: whole, in words that a struck provider got wrong
    broken: int = 0
    truncated: int = 0
    left: int = 0
    unfinished: int = 0
    tries: int = 0
    continued: int = 0  # calls that another provider finished
    substituted: int = 0  # calls that another provider answered from the start
    waited: int = 0  # longer than a second at the gate
    refusals: dict[str, int] = {}  # code -> how many tries
    answered: dict[str, int] = {}  # provider -> calls that are complete
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    itl_p50_s: float | None = None
    itl_p99_s: float | None = None
    took_mean_s: float | None = None  # of complete calls, less what they waited at the gate
    added_p50_s: float | None = None
    added_p99_s: float | None = None  # outside the first seconds of a change
    sessions: int = 0
    sessions_complete: int = 0
    possible_ratio: float | None = None  # of sessions: what capacity allowed
    input_tokens: int = 0
    output_tokens: int = 0
    cost_microusd: int = 0

    @property
    def success_ratio(self) -> float | None:
        """Complete, of those that ended by themselves."""
        ended = self.calls - self.unfinished
        return self.complete / ended if ended else None


class Series(Struct, frozen=True, kw_only=True):
    """One figure over time; None: nothing was measured then."""

    arm: str
    place: str = "api"
    tier: str
    # success_ratio, added_p99_s, ttft_p50_s, itl_p50_s, calls, more_attempts, by:<provider>
    what: str
    step_s: float
    values: tuple[float | None, ...]


class Room(Struct, frozen=True, kw_only=True):
    """What one provider takes in an arm when it is well; None: no such limit."""

    provider: str
    slots: float | None = None
    calls_per_s: float | None = None
    tokens_per_s: float | None = None  # of input and output together


class Arm(Struct, frozen=True, kw_only=True):
    """One way to meet the outage."""

    name: str
    title: str
    words: str = ""  # what it is made of
    rooms: tuple[Room, ...] = ()
    counts: tuple[Counts, ...] = ()
    series: tuple[Series, ...] = ()


class Seen(Struct, frozen=True, kw_only=True):
    """One component at the status page: when it failed, and who knew when. Seconds after it began.

    None: they never did, or it is not known.
    """

    component: str
    name: str
    failed_at_s: float | None  # None: it never did
    ended_at_s: float | None = None
    watch_s: float | None = None  # until the watch said problem
    page_s: float | None = None  # until the public page showed it
    people_s: float | None = None  # until the first user report
    provider_s: float | None = None  # until the provider's own first post, as published
    verdict: str = ""
    culprit: str = ""
    expected: str = ""  # the culprits that would be right
    is_right: bool | None = None


class Reckoning(Struct, frozen=True, kw_only=True):
    """An arm's ledger beside the providers' own counts."""

    arm: str
    exchanges: int = 0  # in the ledger
    dropped: int = 0  # counted drops
    seen: int = 0  # exchanges whose head callers saw
    missing: int = 0  # of those, not in the ledger
    twice: int = 0
    attempts: int = 0
    exact: int = 0  # attempts whose tokens are equal to the provider's count
    estimated: int = 0
    differing: int = 0  # that should be equal, and are not
    words: tuple[str, ...] = ()
    is_equal: bool = False


class Bill(Struct, frozen=True, kw_only=True):
    """What the outage costs one tier in one arm, were it as long as it was."""

    arm: str
    tier: str
    lost_minutes: float = 0.0  # of the true outage
    availability_ratio: float | None = None  # of a month with this outage in it
    credit_percent: float = 0.0
    credit_microusd: int | None = None  # None: no fee was stated
    impact_microusd: int | None = None  # lost business, by what the user stated
    failover_microusd: int | None = None  # what answering elsewhere cost more


class Finding(Struct, frozen=True, kw_only=True):
    """Something that went wrong, worst first, with what would close it."""

    rank: int
    words: str
    remedy: str = ""


class Check(Struct, frozen=True, kw_only=True):
    """An invariant or an expectation."""

    name: str
    is_kept: bool | None  # None: it could not be judged, and words say why
    words: str = ""
    is_expectation: bool = False  # of the user's own; else an invariant of ours


class Outage(Struct, frozen=True, kw_only=True):
    """Which outage it was."""

    id: str
    title: str
    provider: str
    confidence: str = ""
    sources: tuple[str, ...] = ()
    published: tuple[str, ...] = ()  # in words: what is known
    assumed: tuple[str, ...] = ()  # and what is not


class Result(Struct, frozen=True, kw_only=True):
    """A drill that is over."""

    schema: str = SCHEMA
    name: str  # of the result: time and drill
    mode: str
    began_unix_s: float
    took_s: float
    seed: int
    version: str  # of Penstock
    set_up: str = ""  # whose configuration
    scale: str = ""  # in words, where figures stand for a larger population
    partial: str = ""  # in words, where it was stopped before its end
    outage: Outage
    timetable: Timetable
    arms: tuple[Arm, ...] = ()
    customer: tuple[Arm, ...] = ()  # the customer's view: the same, phases of the API alone
    seen: tuple[Seen, ...] = ()
    uncut: tuple[Seen, ...] = ()  # the whole outage in virtual time, with the reports as published
    reckonings: tuple[Reckoning, ...] = ()
    bills: tuple[Bill, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Nothing that was to hold was broken."""
        return all(one.is_kept is not False for one in self.checks)
