"""A case: what happens to the installation, what the world tells, and what would be right to say.

    Span     a share of a component's exchanges and probes goes wrong for a while
    Wave     people report: how many, on which components, from which networks and versions
    Words    a provider's page says something, late or never
    Gap      a source of evidence cannot be reached
    Expect   what should be found: a component, whose fault, from when on

Shares of overlapping spans of one kind add up, to 1 at most. All instants are Unix seconds of
virtual time.
"""

import enum

import msgspec

from penstock.sim.watching.crowd import Curve
from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.evidence import Kind, PageState


class How(enum.Enum):
    """How an exchange goes wrong."""

    ERROR = "error"
    HANG = "hang"  # no byte until the caller leaves
    SLOW = "slow"  # a late first token
    WRONG = "wrong"  # 200, and not the answer


class Span(msgspec.Struct, frozen=True):
    """A share of what a component does goes wrong."""

    component: str
    from_unix_s: float
    to_unix_s: float
    share: float
    how: How = How.ERROR
    word: str = "http_5xx"  # as evidence names it


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """People report that something fails."""

    from_unix_s: float
    to_unix_s: float
    curve: Curve
    on: dict[str, float]  # component -> share of the reports
    scale: float = 1.0
    sympathy_ratio: float = 0.0  # of the wave's volume, to each innocent component
    networks: int = 0  # so many are all it comes from; 0: from everywhere
    version: str = ""  # it comes from this one only
    category: str = ""


class Words(msgspec.Struct, frozen=True):
    """What the page of a provider says from an instant on."""

    components: tuple[str, ...]
    from_unix_s: float
    to_unix_s: float
    state: PageState = PageState.TROUBLE


class Gap(msgspec.Struct, frozen=True):
    """A source is out of reach; nothing of that kind comes."""

    kind: Kind
    from_unix_s: float
    to_unix_s: float


class Expect(msgspec.Struct, frozen=True, kw_only=True):
    """What should be found from an instant on: at least one of the components, and whose fault."""

    components: tuple[str, ...]
    from_unix_s: float
    to_unix_s: float
    verdict: Verdict = Verdict.PROBLEM  # at least
    most: Verdict = Verdict.PROBLEM  # and not more
    is_of_reports: bool = False  # what probes and telemetry say does not count
    culprits: tuple[Culprit, ...] = ()
    culprit_name: str = ""
    settle_s: float = 180.0  # whose fault it is may be corrected for so long
    post_unix_s: float = 0.0  # when the provider itself spoke; 0: not known
    words: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One simulation's worth of trouble."""

    name: str
    group: str  # what it is judged with
    from_unix_s: float  # evidence starts here, before anything is wrong
    to_unix_s: float
    onset_unix_s: float
    share: float = 0.0
    spans: tuple[Span, ...] = ()
    waves: tuple[Wave, ...] = ()
    words: tuple[Words, ...] = ()
    gaps: tuple[Gap, ...] = ()
    expect: tuple[Expect, ...] = ()
    innocent: tuple[str, ...] = ()  # may not stand as a problem; the rest is not judged

    @property
    def hit(self) -> frozenset[str]:
        """Return the components of which anything at all goes wrong."""
        return frozenset(one.component for one in self.spans if one.share > 0.0)
