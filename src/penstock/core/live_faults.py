"""Live faults: failures that the gateway makes itself, of real exchanges, because it was told to.

Rule 1: a fault says which attempts it may strike (tenant, tiers, route, upstream, model), which
share of them, and from when until when. The end is at most ``LAST_S_MAX`` after the fault was
taken, whatever it was told: whoever gave it may be dead by then.
Rule 2: the shares of the faults that match add up, to 1 at most; one draw decides, so that an
attempt is struck at most once.
Rule 3: no fault strikes beyond the blast radius (``core/blast_radius.py``).
Rule 4: when it is stopped, or over, nothing is struck; there is no way on again but a new drill.
Rule 5: the operator's own tier is never struck, and those with a contract only where it is said.

Which kinds there are, and how each comes about (``ACTIONS`` is this table; there are no others):

    INSTEAD  http_401, 403, 429, 5xx   an error in the upstream's own dialect; it is not asked
    INSTEAD  reset                     the connection dies before any answer; it is not asked
    LATE     hang                      silence, then it is asked; nothing is paid meanwhile
    HELD     slow_ttft, stall          asked, and what it says is held back, before the first byte
                                       of the body or after ``after_events`` events
    CUT      stream_cut                asked, and cut off after ``after_events`` events

What would make the caller look at fault (400, 413, 422, 404) is none of them.

Pure: chance is a callable that returns 0 <= x < 1, the time is told.
"""

import enum
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from penstock.core.blast_radius import BlastRadius
from penstock.core.fault import ANY, Fault, FaultKind
from penstock.core.tier import Tier

LAST_S_MAX: Final = 900.0  # a fault that nobody remembers is over within a quarter of an hour
FAULTS_MAX: Final = 64  # of one drill: the longest on record has 19 steps that can be struck


class Action(enum.Enum):
    """How a fault comes about."""

    INSTEAD = "instead"
    LATE = "late"
    HELD = "held"
    CUT = "cut"


_K = FaultKind
ACTIONS: Final[Mapping[FaultKind, Action]] = types.MappingProxyType(
    {
        _K.HTTP_401: Action.INSTEAD,
        _K.HTTP_403: Action.INSTEAD,
        _K.HTTP_429: Action.INSTEAD,
        _K.HTTP_500: Action.INSTEAD,
        _K.HTTP_502: Action.INSTEAD,
        _K.HTTP_503: Action.INSTEAD,
        _K.HTTP_504: Action.INSTEAD,
        _K.HTTP_529: Action.INSTEAD,
        _K.HTTP_5XX: Action.INSTEAD,
        _K.RESET: Action.INSTEAD,
        _K.HANG: Action.LATE,
        _K.SLOW_TTFT: Action.HELD,
        _K.STALL: Action.HELD,
        _K.STREAM_CUT: Action.CUT,
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a fault looks at of an attempt. The tier is as asked for, not as served."""

    tenant: str
    tier: Tier
    route: str
    upstream: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFault:
    """One fault, and whom it may strike. Instants are monotonic."""

    fault: Fault
    ends_at_s: float
    share_ratio: float
    starts_at_s: float = 0.0
    tenant: str = ANY
    tiers: frozenset[Tier] = frozenset((Tier.STANDARD, Tier.FREE, Tier.BATCH))
    route: str = ANY
    upstream: str = ANY
    model: str = ANY

    def matches(self, subject: Subject, now_s: float) -> bool:
        """Tell whether it may strike this attempt now."""
        return (
            self.starts_at_s <= now_s < self.ends_at_s
            and subject.tier is not Tier.CONTROL
            and subject.tier in self.tiers
            and self.tenant in (ANY, subject.tenant)
            and fnmatchcase(subject.route, self.route)
            and fnmatchcase(subject.upstream, self.upstream)
            and fnmatchcase(subject.model, self.model)
        )


class LiveFaults:
    """The faults of one drill at one worker. Owned by one event loop."""

    def __init__(
        self, faults: Sequence[LiveFault], blast_radius_ratio: float, now_s: float
    ) -> None:
        latest_s = now_s + LAST_S_MAX
        self._faults = [
            replace(one, ends_at_s=min(one.ends_at_s, latest_s)) for one in faults[:FAULTS_MAX]
        ]
        self._radius = BlastRadius(blast_radius_ratio)
        self.spared = 0  # that a fault had drawn, and the radius did not allow
        self.kinds: dict[str, int] = {}  # attempts that were struck, by kind
        self.is_stopped = False

    @property
    def seen(self) -> int:
        """How many exchanges were begun while it was on."""
        return self._radius.seen

    @property
    def struck(self) -> int:
        """How many exchanges were struck."""
        return self._radius.struck

    @property
    def ends_at_s(self) -> float:
        """When the last of them ends."""
        return max((one.ends_at_s for one in self._faults), default=0.0)

    def is_on(self, now_s: float) -> bool:
        """Tell whether anything may be struck."""
        return not self.is_stopped and now_s < self.ends_at_s

    def stop(self) -> None:
        """Strike nothing from now on."""
        self.is_stopped = True

    def see(self, now_s: float) -> None:
        """Note that an exchange was begun, whoever it is."""
        self._radius.see(now_s)

    def pick(
        self, subject: Subject, now_s: float, chance: Callable[[], float], *, was_struck: bool
    ) -> LiveFault | None:
        """Return what strikes this attempt, if anything; ``was_struck``: its exchange, before."""
        drawn = self._drawn(subject, now_s, chance) if self.is_on(now_s) else None
        if drawn is None:
            return None
        if not was_struck and not self._radius.try_strike(now_s):
            self.spared += 1
            return None
        kind = drawn.fault.kind.value
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return drawn

    def _drawn(
        self, subject: Subject, now_s: float, chance: Callable[[], float]
    ) -> LiveFault | None:
        matching = [one for one in self._faults if one.matches(subject, now_s)]
        left = chance() if matching else 0.0
        for one in matching:
            left -= one.share_ratio
            if left < 0:
                return one
        return None
