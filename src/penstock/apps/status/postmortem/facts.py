"""What a post-mortem says: facts from the record, each with its source; nothing that is guessed.

``impact`` and ``objectives`` come from control, as soon as it answers; None is "not available yet".
What people have to write is not here. Times are Unix time in seconds.
"""

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline. ``who``: watch, page, people, provider."""

    at_unix_s: float
    who: str
    words: str


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """One component, in the worst state that it had."""

    component: str
    name: str
    worst: str
    from_unix_s: float
    to_unix_s: float
    outage_s: float  # in partial or major outage


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """When a detector noticed, after the begin, and before the provider's own post."""

    detector: str
    at_unix_s: float
    after_s: float
    lead_s: float | None
    words: str


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """What a tier saw, as control's ledger has it."""

    tier: str
    exchanges: int = 0
    served: int = 0
    failed: int = 0
    shed: int = 0
    failovers: int = 0
    continued: int = 0
    substituted: int = 0
    shortened: int = 0
    affected_minutes: int = 0
    credits_microusd: int = 0
    credits_without_failover_microusd: int = 0


class Substitute(msgspec.Struct, frozen=True, kw_only=True):
    """A model that answered instead of another."""

    route: str
    model: str
    served: int = 0
    substituted: int = 0


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of attempts at an upstream."""

    upstream: str
    outcome: str
    attempts: int = 0


class Burnt(msgspec.Struct, frozen=True, kw_only=True):
    """What the incident took of an objective's error budget."""

    objective: str
    bad: int = 0
    total: int = 0
    burnt_ratio: float | None = None


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What the incident cost; a newer control may tell more."""

    tiers: tuple[Tier, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    attempts: tuple[Attempts, ...] = ()
    objectives: tuple[Burnt, ...] = ()
    missing_exchanges: int = 0


class PostMortem(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the record says."""

    id: str
    name: str
    impact_word: str
    origin: str  # watch, operator
    started_unix_s: float
    published_unix_s: float
    identified_unix_s: float
    resolved_unix_s: float
    made_unix_s: float
    culprit: str = ""
    culprit_name: str = ""
    scope: tuple[Scope, ...] = ()
    detectors: tuple[Detector, ...] = ()
    provider_posted_unix_s: float = 0.0
    provider_words: str = ""
    provider_link: str = ""
    reports: int = 0  # votes that counted
    report_networks: int = 0
    probes: int = 0
    probes_failed: int = 0
    timeline: tuple[Entry, ...] = ()
    timeline_left_out: int = 0
    messages: dict[str, int] = {}  # kind of subscriber -> messages that were sent
    impact: Impact | None = None
    evidence_sha256: str = ""  # of the verdicts, updates and posts that all of this is made from

    @property
    def lasted_s(self) -> float:
        """How long it was."""
        return self.resolved_unix_s - self.started_unix_s
