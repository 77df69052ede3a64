"""Whether a tenant's SLA terms can be billed by: asked before they are stored."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from penstock.config.money import DOLLARS_MAX, PER_DOLLAR
from penstock.core.errors import Problem
from penstock.core.sla import CALCULATORS
from penstock.ledger.book import SlaTerms

CREDITS_MAX: Final = 10  # steps; published ones have two or three
SECONDS_MAX: Final = 86_400.0
SPEED_MAX_PER_S: Final = 1e6
RATIOS: Final = ("target_ratio", "ttft_ratio", "speed_ratio", "latency_credit_ratio")
FEE_MAX_MICROUSD: Final = DOLLARS_MAX * PER_DOLLAR


def wrongs(terms: SlaTerms) -> Iterator[Problem]:
    """Yield what is wrong with terms, by field."""
    if terms.calculator not in CALCULATORS:
        yield Problem("sla.calculator", f"is {terms.calculator[:64]!r}", f"one of {_known()}")
    for name in RATIOS:
        value: float = getattr(terms, name)
        if not 0 <= value <= 1:
            yield Problem(f"sla.{name}", f"is {value:g}", "a share from 0 to 1, such as 0.999")
    yield from _credits(terms)
    for name, most in (("ttft_s", SECONDS_MAX), ("speed_per_s", SPEED_MAX_PER_S)):
        clause: float | None = getattr(terms, name)
        if clause is not None and not 0 < clause <= most:
            yield Problem(f"sla.{name}", f"is {clause:g}", f"above 0, {most:g} at most")
    fee = terms.fee_microusd
    if fee is not None and not 0 <= fee <= FEE_MAX_MICROUSD:
        yield Problem("sla.fee_microusd", f"is {fee}", f"from 0 to {FEE_MAX_MICROUSD}")


def _credits(terms: SlaTerms) -> Iterator[Problem]:
    place = "sla.credits"
    if len(terms.credits) > CREDITS_MAX:
        yield Problem(place, f"has {len(terms.credits)} steps", f"{CREDITS_MAX} at most")
        return
    for at, (below, back) in enumerate(terms.credits):
        if not (0 < below <= 1 and 0 < back <= 1):
            remedy = "two shares above 0, 1 at most: below 0.999, 0.1 back"
            yield Problem(f"{place}[{at}]", f"is {below:g}, {back:g}", remedy)
    for at, (upper, lower) in enumerate(pairwise(terms.credits), 1):
        if not (upper[0] > lower[0] and upper[1] <= lower[1]):
            remedy = "write the highest first; what is worse gives back as much, or more"
            yield Problem(f"{place}[{at}]", f"({lower[0]:g}) follows {upper[0]:g}", remedy)


def _known() -> str:
    return ", ".join(CALCULATORS)
