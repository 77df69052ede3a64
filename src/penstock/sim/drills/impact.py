"""Impact: what an outage costs whoever asks, as a file of its own in place of the drill's.

    [enterprise]
    per_minute_usd = 1200        # business lost in a minute in which nothing is served
    per_request_usd = 0.02       # and for each request that is not served
    requests_per_minute = 30000  # of theirs; not stated: the drill's own calls stand for them
    monthly_fee_usd = 50000      # that customers pay, and that SLA credits are a share of
    calculator = "request_ratio" # how the contract counts availability: core.sla.CALCULATORS
    credits = [[0.999, 0.1], [0.99, 0.25]]  # below this availability, this share is given back

TOML or JSON; the fields are those of ``[drills.impact.TIER]`` (``terms.TierTerms``). What is not
stated costs nothing, and the report says that it was not stated. A minute in which half is served
costs half a minute's money. Credits without a fee are a share of nothing known, and so are told in
percent only.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills.terms import TIERS, Impact, TierTerms

REMEDY: Final = "see docs/reference/drill-file.md for what may be stated"
UNSTATED: Final = Impact()


def parse(text: str | bytes, place: str = "impact.toml") -> Impact:
    """Return what a file states; raises ConfigError with all that is wrong."""
    try:
        table = decoded(text)
    except ValueError as error:  # what all decoders raise
        raise ConfigError([Problem(place, f"neither TOML nor JSON: {error}", REMEDY)]) from error
    problems = list(_check(table, place))  # of each tier, for a reader stops at the first
    if problems:
        raise ConfigError(problems)
    return msgspec.convert(table, Impact)


def decoded(text: str | bytes) -> dict[str, Any]:
    """Return a file's table, of JSON if it begins as JSON does; raises ValueError."""
    raw = text.encode() if isinstance(text, str) else text
    if raw.lstrip().startswith(b"{"):
        return msgspec.json.decode(raw, type=dict[str, Any])
    return tomllib.loads(raw.decode("utf-8"))


def _check(table: Mapping[str, object], place: str) -> Iterator[Problem]:
    if not table:
        yield Problem(place, "it states nothing", REMEDY)
    for name, tier in table.items():
        if name not in TIERS:
            remedy = f"one of {', '.join(TIERS)}"
            yield Problem(f"{place}: {name}", "there is no such tier", remedy)
        try:
            msgspec.convert(tier, TierTerms)
        except msgspec.ValidationError as error:
            yield Problem(f"{place}: {name}", str(error), REMEDY)
