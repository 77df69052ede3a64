"""What the watch is told: four kinds of evidence, each a plain value with its instant.

reports     one vote of one person on one component; who and from where are opaque words
probes      one synthetic request; unknown where our own side kept it from being made
telemetry   what a component's exchanges did between two looks at the gateway's counters
page        what a provider's own status page says; unreadable is not an outage

All times are Unix time in seconds. Pure.
"""

import enum

import msgspec


class Kind(enum.Enum):
    """A kind of evidence."""

    REPORTS = "reports"
    PROBES = "probes"
    TELEMETRY = "telemetry"
    PAGE = "page"


class ProbeResult(enum.Enum):
    """How a probe ended."""

    GOOD = "good"
    SLOW = "slow"  # it ended well, later than it should
    FAILED = "failed"  # an error, a hang, a stream without an end
    WRONG = "wrong"  # 200, and not what the question has as its answer
    UNKNOWN = "unknown"  # our own network, no budget left: it says nothing


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One probe of one component."""

    component: str
    at_unix_s: float  # when it ended
    result: ProbeResult
    probe: str = ""  # its name
    how: str = ""  # a failure's kind, a fixed word: timeout, connect, dns, auth, http_5xx ...
    ttft_s: float | None = None
    total_s: float | None = None
    took_s: float = 0.0  # from its begin to its end, however it ended


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a component's exchanges did in a span, a few seconds long."""

    component: str
    from_unix_s: float
    to_unix_s: float
    good: int = 0
    failed: int = 0  # also callers who left after waiting for hang_s without a byte
    slow: int = 0  # of the good: their first token came later than slow_s
    by_kind: dict[str, int] = {}  # of the failed: kind of failure -> number


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One person says that something fails."""

    component: str
    at_unix_s: float
    voter: str  # the same person within a day has the same word
    network: str  # the same coarse network within a day has the same word
    category: str = ""  # timeout, errors, login, slow, wrong, billing
    version: str = ""  # of the app that it came from
    region: str = ""


class PageState(enum.Enum):
    """What a provider's page says of something that we rest on."""

    GOOD = "good"
    TROUBLE = "trouble"
    UNREADABLE = "unreadable"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's page said at an instant, of one component of ours."""

    component: str
    at_unix_s: float
    state: PageState
    words: str = ""  # the incident's title, cut short
    posted_unix_s: float = 0.0  # when the provider says that it posted; 0: not known
    link: str = ""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A source of evidence cannot be reached: what it would say is unknown."""

    component: str
    kind: Kind
    at_unix_s: float
    why: str = ""
