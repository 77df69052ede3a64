"""SLA plans: what providers promise in public, as data.

Each attempt is good, bad or out of a plan's count, by the status that the provider answered with:

    no answer   out: the provider's own figures do not know of it. ``BY_HEALTH`` counts it
    5xx         bad
    429         throttled: by the plan
    other 4xx   the caller's mistake: by the plan
    else        good, even if the stream broke later: no plan speaks of streams

``BY_HEALTH`` is our own count beside it, by what the outcome says of the upstream's health
(``outcome.RULES``): failures of the breaker's kinds and callers who left after waiting ``hang_s``
are bad, our own quota and account are out.

Each fact bears a mark: official (the provider's own text), secondary (directories), assumption
(not found in any text). SLA texts change: read the provider's again before a claim. Whoever has
terms of its own adds an entry to ``PLANS``. Anthropic has no public SLA, so there is no plan.
Source: STATUS 6.3 of the reference shelf, facts as of 2026-11-22.
"""

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple

from penstock.core.outcome import RULES, FailureKind, Verdict
from penstock.core.sla import Rules

ANSWERED_FROM: Final = 100
CALLERS_FROM: Final = 400
THROTTLED: Final = 429
SERVERS_FROM: Final = 500
DOLLAR: Final = 1_000_000
HUNG: Final = "hung"


class Counted(enum.Enum):
    """How an attempt counts."""

    GOOD = "good"
    BAD = "bad"
    OUT = "out"


class Mark(enum.Enum):
    """Where a fact was read."""

    OFFICIAL = "official"
    SECONDARY = "secondary source"
    ASSUMPTION = "assumption"


class Note(NamedTuple):
    """One fact on a plan, in words."""

    words: str
    mark: Mark


class Plan(NamedTuple):
    """What one provider promises for a month."""

    name: str
    title: str
    calculator: str
    target_ratio: float
    steps: tuple[tuple[float, float], ...]  # below -> share of the month's fees back
    steps_mark: Mark
    notes: tuple[Note, ...]
    throttled: Counted = Counted.OUT
    rejected: Counted = Counted.GOOD  # 4xx but 429
    rules: Rules = Rules()
    above_microusd: int = 0  # smaller credits are not paid
    claim_days: int = 0  # after the end of the month; 0: not known
    claim_months: int = 0  # or until the end of so many months after it
    speeds: tuple[tuple[str, float], ...] = ()  # model's prefix -> output tokens a second
    speed_ratio: float = 0.99


STEPS_AWS: Final = ((0.999, 0.10), (0.99, 0.25), (0.95, 1.0))
STEPS_GOOGLE: Final = ((0.995, 0.10), (0.99, 0.25), (0.95, 0.50))
STEPS_TWO: Final = ((0.999, 0.10), (0.99, 0.25))
# the longest prefix that fits; OpenAI's price page of Scale Tier
SPEEDS_OPENAI: Final = (
    ("gpt-5", 50.0),
    ("gpt-5-mini", 80.0),
    ("gpt-4.1", 80.0),
    ("gpt-4.1-mini", 90.0),
    ("gpt-4.1-nano", 100.0),
    ("gpt-4o", 80.0),
    ("gpt-4o-mini", 90.0),
    ("o3", 80.0),
    ("o4-mini", 90.0),
)
GOOGLE_NOTES: Final = (
    Note("99.5 % for generateContent and streamGenerateContent, by project", Mark.OFFICIAL),
    Note("down while more than 5 % fail: taken from Google's older SLAs", Mark.ASSUMPTION),
    Note("callers must back off from 1 to 32 s between tries", Mark.OFFICIAL),
    Note("4xx are not valid requests, and not counted", Mark.ASSUMPTION),
    Note("claim within 30 days, counted from the incident", Mark.SECONDARY),
)

AWS: Final = Plan(
    "aws-bedrock",
    "Amazon Bedrock, SLA of 2023-10-04",
    "interval_mean",
    0.999,
    STEPS_AWS,
    Mark.OFFICIAL,
    (
        Note("mean of the shares of five minutes without 500-type errors", Mark.OFFICIAL),
        Note("by region and account: give each its own upstream", Mark.OFFICIAL),
        Note("an interval without requests counts as 100 %", Mark.OFFICIAL),
        Note("throttles and slow answers are excluded", Mark.OFFICIAL),
        Note("other 4xx count as requests that did not fail", Mark.ASSUMPTION),
        Note("credits above 1 USD only, for future payments", Mark.OFFICIAL),
        Note("claim by the end of the second billing cycle after the month", Mark.OFFICIAL),
    ),
    above_microusd=DOLLAR,
    claim_months=2,
)
VERTEX: Final = Plan(
    "google-vertex",
    "Google Vertex AI, Gemini online inference, pay as you go",
    "downtime_minutes",
    0.995,
    STEPS_GOOGLE,
    Mark.SECONDARY,
    (*GOOGLE_NOTES, Note("429 is not counted when paying as you go", Mark.OFFICIAL)),
    rejected=Counted.OUT,
    claim_days=30,
)
VERTEX_PROVISIONED: Final = Plan(
    "google-vertex-provisioned",
    "Google Vertex AI, Gemini online inference, provisioned throughput",
    "downtime_minutes",
    0.995,
    STEPS_GOOGLE,
    Mark.SECONDARY,
    (
        *GOOGLE_NOTES,
        Note("429 inside the commitment counts as 5xx", Mark.OFFICIAL),
        Note("the record cannot tell which 429 lay inside: look at the evidence", Mark.ASSUMPTION),
        Note("not so with throughput of a single zone", Mark.OFFICIAL),
        Note("latency attainment of 99 %: no figure by model is public", Mark.OFFICIAL),
    ),
    throttled=Counted.BAD,
    rejected=Counted.OUT,
    claim_days=30,
)
AZURE: Final = Plan(
    "azure-openai",
    "Azure OpenAI",
    "request_ratio",
    0.999,
    STEPS_TWO,
    Mark.ASSUMPTION,
    (
        Note("(all - answers of 500 and above) / all: AzureOpenAIAvailabilityRate", Mark.OFFICIAL),
        Note("429 is one of all, and no error", Mark.OFFICIAL),
        Note("Provisioned-Managed: token latency 99 %, without a public figure", Mark.OFFICIAL),
        Note("must be claimed; the deadline was not found", Mark.OFFICIAL),
    ),
    throttled=Counted.GOOD,
)
OPENAI: Final = Plan(
    "openai-scale",
    "OpenAI Scale Tier",
    "request_ratio",
    0.999,
    STEPS_TWO,
    Mark.SECONDARY,
    (
        Note("99.9 % uptime", Mark.OFFICIAL),
        Note("how uptime is counted is not public: share of requests", Mark.ASSUMPTION),
        Note("429 is not counted", Mark.ASSUMPTION),
        Note("99 % above a speed by model, of averages of minutes: here of answers", Mark.OFFICIAL),
        Note("no credit for speed was found", Mark.ASSUMPTION),
        Note("claim within 30 days of the invoice", Mark.SECONDARY),
    ),
    claim_days=30,
    speeds=SPEEDS_OPENAI,
)
PLANS: Final[Mapping[str, Plan]] = {
    plan.name: plan for plan in (AWS, VERTEX, VERTEX_PROVISIONED, AZURE, OPENAI)
}


def counted(plan: Plan, status: int) -> Counted:
    """Return how an attempt counts under a plan, by the status that it was answered with."""
    if status < ANSWERED_FROM:
        return Counted.OUT
    if status >= SERVERS_FROM:
        return Counted.BAD
    if status == THROTTLED:
        return plan.throttled
    return plan.rejected if status >= CALLERS_FROM else Counted.GOOD


def by_health(outcome: str) -> Counted:
    """Return how an attempt counts by what it says of its upstream's health."""
    if outcome == "success":
        return Counted.GOOD
    if outcome == HUNG:
        return Counted.BAD
    if outcome not in KINDS:
        return Counted.OUT
    return HEALTH[RULES[FailureKind(outcome)].verdict]


def speed_of(plan: Plan, model: str) -> float | None:
    """Return the output tokens a second that a plan promises for a model; None: none."""
    fitting = [entry for entry in plan.speeds if model.startswith(entry[0])]
    return max(fitting, key=lambda entry: len(entry[0]))[1] if fitting else None


KINDS: Final = frozenset(kind.value for kind in FailureKind)
HEALTH: Final[Mapping[Verdict, Counted]] = {
    Verdict.HEALTHY: Counted.GOOD,
    Verdict.NONE: Counted.OUT,
    Verdict.HALF: Counted.BAD,
    Verdict.ONE: Counted.BAD,
    Verdict.OPENS: Counted.OUT,  # our key, our model's name
}
