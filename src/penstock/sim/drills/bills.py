"""Bills: what the outage costs each tier in each arm, were it as long as it was.

    lost minutes   of the true outage: of each part (``uncut``) its length times the share of
                   calls that did not complete. Ten minutes at half are five
    places         those from which somebody called in every arm: people come to the chat only where
                   there is one, and its own front door would stand against the API alone
    availability   of a month of 30 days that has this outage in it and nothing else, as the stated
                   calculator counts (``core.sla``), demand being even. An outage that is longer
                   than a month is counted in its first
    credit         by the stated steps (``core.sla_credit``), of the stated fee
    impact         lost minutes x what a minute costs + lost requests x what a request costs
    failover       what answers of other providers cost more than the bound one's would have, of
                   the series ``EXTRA``: the difference of their prices for the same tokens; of an
                   answer in several parts what the ledger says, for its input was paid more than
                   once. Negative where others were cheaper

Requests are the stated number a minute, or else the drill's own traffic.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from penstock.core.price import Rates, Used, cost_microusd
from penstock.core.sla import CALCULATORS, STEP_S, USUAL, Cell, series
from penstock.core.sla_credit import credit_microusd, credit_ratio
from penstock.core.tier import NAMED
from penstock.sim.drills import figures
from penstock.sim.drills.figures import PLACES, provider_of
from penstock.sim.drills.impact import UNSTATED
from penstock.sim.drills.served import Served, served
from penstock.sim.drills.shapes import Arm, Bill, Call, Series, Timetable
from penstock.sim.drills.terms import Impact, TierTerms
from penstock.sim.drills.traffic import MODELS

Asked = tuple[str, str, str]  # a route, the provider that answers, and the tier

EXTRA: Final = "extra_microusd"  # a series: what answering elsewhere cost more, by step
MONTH_S: Final = 30 * 86_400
MINUTE_S: Final = 60.0
EVENTS: Final = 1_000_000  # of a whole step: demand is even, and shares are exact enough
PERCENT: Final = 100.0


def bills(arms: Iterable[Arm], timetable: Timetable, impact: Impact = UNSTATED) -> tuple[Bill, ...]:
    """Return a bill for each arm and tier, in their order."""
    listed = list(arms)
    places = tuple(
        place for place in PLACES if all(figures.find(one, "", place).calls for one in listed)
    )
    return tuple(
        _bill(arm, tier, served(arm, tier, timetable, places or PLACES), impact.of(tier))
        for arm in listed
        for tier in dict.fromkeys(one.tier for one in arm.counts if one.tier)
    )


def usual(
    rates_of: Callable[[str, str], Rates | None],
    routes: Mapping[str, Mapping[str, str]] = MODELS,
) -> dict[Asked, Rates]:
    """Return what each route costs at each provider, by a price list.

    ``rates_of`` gives what a model costs in a tier, if it has a price; ``routes`` says which model
    a route is at whom. What has no model there costs nothing: engines of one's own.
    """
    found = {
        (route, provider, tier): rates_of(model, tier) if model else Rates()
        for route, models in routes.items()
        for provider, model in models.items()
        for tier in NAMED
    }
    return {asked: rates for asked, rates in found.items() if rates is not None}


def paid_more(
    calls: Iterable[Call], rates: Mapping[Asked, Rates], providers: Mapping[str, str], step_s: float
) -> tuple[Series, ...]:
    """Return, for each arm, place and tier, what answering elsewhere cost more, by step.

    ``rates`` are by route, provider and tier, ``providers`` says whose an upstream is.
    """
    found: dict[tuple[str, str, str], dict[int, int]] = {}
    for call in calls:
        more = _more(call, rates, providers)
        if more is not None:
            steps = found.setdefault((call.arm, call.place, call.tier), {})
            at = int(call.at_s // step_s)
            steps[at] = steps.get(at, 0) + more
    return tuple(
        Series(
            arm=arm,
            place=place,
            tier=tier,
            what=EXTRA,
            step_s=step_s,
            values=tuple(float(steps.get(at, 0)) for at in range(max(steps) + 1)),
        )
        for (arm, place, tier), steps in found.items()
    )


def _more(call: Call, rates: Mapping[Asked, Rates], providers: Mapping[str, str]) -> int | None:
    """Return what a call cost more than at the provider it would be bound to; None: not known."""
    bound = rates.get((call.route, call.provider, call.tier))
    if bound is None or not call.upstream:
        return None
    answered = provider_of(call.upstream, providers)
    if answered == call.provider and not call.continued:
        return 0
    used = Used(call.input_tokens, call.output_tokens)
    own = rates.get((call.route, answered, call.tier))
    if own is not None and not call.continued:
        return cost_microusd(own, used) - cost_microusd(bound, used)
    return call.cost_microusd - cost_microusd(bound, used) if call.cost_microusd else None


def _bill(arm: Arm, tier: str, found: tuple[Served, ...], stated: TierTerms) -> Bill:
    lost_minutes = sum(one.lost_s for one in found) / MINUTE_S
    availability = _availability(found, stated.calculator)
    credit = credit_ratio(availability, stated.credits)
    fee = stated.fee_microusd
    return Bill(
        arm=arm.name,
        tier=tier,
        lost_minutes=lost_minutes,
        availability_ratio=availability,
        credit_percent=credit * PERCENT,
        credit_microusd=None if fee is None else credit_microusd(fee, (credit,)),
        impact_microusd=_impact(found, stated, lost_minutes),
        failover_microusd=_failover(arm, tier, found, stated),
    )


def _impact(found: tuple[Served, ...], stated: TierTerms, lost_minutes: float) -> int | None:
    minute, request = stated.per_minute_microusd, stated.per_request_microusd
    if minute is None and request is None:
        return None
    per_minute = stated.requests_per_minute
    if per_minute is None:
        lost = sum(one.calls_per_s * one.lost_s for one in found)
    else:
        lost = per_minute * lost_minutes
    return round(lost_minutes * (minute or 0) + lost * (request or 0))


def _failover(arm: Arm, tier: str, found: tuple[Served, ...], stated: TierTerms) -> int | None:
    rows = [one for one in arm.series if one.what == EXTRA and one.tier == tier]
    if not rows:
        return None
    total = sum(_extra_of(row, one) * _demand(one, stated) for row in rows for one in found)
    return round(total)


def _extra_of(row: Series, one: Served) -> float:
    """Return what a part cost more, by the drill's own traffic."""
    found = 0.0
    for at, value in enumerate(row.values):
        share = one.part.overlap_s(at * row.step_s, (at + 1) * row.step_s) / row.step_s
        found += (value or 0.0) * share
    return found * one.part.scale


def _demand(one: Served, stated: TierTerms) -> float:
    """Return how many requests of theirs one of the drill's stands for."""
    if stated.requests_per_minute is None or not one.calls_per_s:
        return 1.0
    return stated.requests_per_minute / (one.calls_per_s * MINUTE_S)


def _availability(found: tuple[Served, ...], calculator: str) -> float | None:
    """Return the availability of a month in which nothing but this was."""
    known = [one for one in found if one.ratio is not None]
    if not known:
        return None
    from_s = int(known[0].part.from_unix_s // STEP_S) * STEP_S
    steps = MONTH_S // STEP_S
    lost = [0.0] * steps
    for one in known:
        _spread(lost, one, from_s)
    cells = (
        Cell(from_s + at * STEP_S, round(EVENTS * (1.0 - share)), round(EVENTS * share))
        for at, share in enumerate(lost)
    )
    return CALCULATORS[calculator].of(series(from_s, from_s + MONTH_S, cells), USUAL).ratio


def _spread(lost: list[float], one: Served, from_s: int) -> None:
    """Add what a part has lost to the steps that it lies in."""
    begin, end = one.part.from_unix_s - from_s, one.part.to_unix_s - from_s
    for at in range(int(begin // STEP_S), min(len(lost), int(-(-end // STEP_S)))):
        overlap_s = min(end, (at + 1) * STEP_S) - max(begin, at * STEP_S)
        lost[at] = min(1.0, lost[at] + one.lost_ratio * overlap_s / STEP_S)
