"""What an exchange costs and what its tenant is charged: decided once, when it is recorded.

    cost     what providers take: the sum over all attempts that they bill
    charge   what the tenant pays: by what the caller got (``exchange.charging``)

    attempt                          cost
    the head said 200, or tokens     its tokens, and the fee of a request
    came; a lost one as estimated
    any other                        nothing

    exchange                         charge
    complete                         the answer's tokens, at the model that answered, degraded
                                     or not, and one fee
    complete after breaks            input and fee once, at the first part's model; the output of
                                     each part at its own
    broken, hung up                  the same, of what had come; marked as an estimate in the record
    failed, refused, lost            nothing
    a count of tokens                nothing, and costs nothing

Which rate: the operators' list is looked at first, then the one that ships. In a list, of the rates
whose ``from_day`` has come: the upstream's own before any's; then the exact name before the longest
prefix; then the newest day. Of two alike, the later in the list. Costs go by the UTC day in which
an attempt was dialled, charges by that in which the exchange began.

    operators' charges > operators' costs x markup > shipped costs x markup

``tier_ratios`` are looked up with the tier in which the exchange was served. The rates of a tier,
and those of a markup, are whole micro-dollars a million tokens, rounded up; a cost is rounded up to
a micro-dollar for each attempt, a charge for each part.

A model without a price costs nothing and the exchange is marked ``is_unpriced``. The version is
that of the operators' list; 0 is the list that ships alone. Nothing is ever reckoned again.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final, NamedTuple

from penstock.core.calendar import DAY_S
from penstock.core.price import RATIO_ONE, Rates, cost_microusd, millionths, scaled
from penstock.dialects.operation import Operation
from penstock.exchange import charging
from penstock.exchange.record import AttemptRecord, Record
from penstock.ledger.book import PriceList, Rate, Versioned
from penstock.ledger.costs import Costs

EPOCH_ORDINAL: Final = dt.date(1970, 1, 1).toordinal()
OK: Final = 200
COUNTS_TOKENS: Final = Operation.COUNT_TOKENS  # an enumeration's attribute is slow to find
CACHED_MAX: Final = 4_096  # answers found again by upstream, model, day and tier; a few hundred are
NO_PRICES: Final = PriceList()

OfBoth = tuple[Rates | None, Rates | None]  # of costs, and of charges


class Priced(NamedTuple):
    """A rate as it is reckoned with."""

    rates: Rates
    ratios: dict[str, int]  # by tier, in millionths

    def of(self, tier: str) -> Rates:
        """Return the rates of a tier."""
        return scaled(self.rates, self.ratios.get(tier, RATIO_ONE))


class Listed:
    """One list of rates, by day."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._by_name: dict[tuple[str, str], list[tuple[int, Priced]]] = {}
        self._prefixes: list[tuple[str, str]] = []
        for rate in rates:
            name = (rate.upstream, rate.model)
            self._by_name.setdefault(name, []).append((day_of(rate.from_day), _priced(rate)))
        for dated in self._by_name.values():
            dated.sort(key=lambda one: one[0])  # stable: of two alike the later one stays behind
        self._prefixes = sorted(
            (name for name in self._by_name if name[1].endswith("*")),
            key=lambda name: len(name[1]),
            reverse=True,
        )
        self.names = frozenset(self._by_name)

    def of(self, upstream: str, model: str, day: int) -> Priced | None:
        """Return the rate in force on a day of the Unix epoch; None if there is none."""
        for whose in (upstream, "") if upstream else ("",):
            found = self._on((whose, model), day)
            if found is not None:
                return found
            for name in self._prefixes:
                if name[0] == whose and model.startswith(name[1][:-1]):
                    found = self._on(name, day)
                    if found is not None:
                        return found
        return None

    def _on(self, name: tuple[str, str], day: int) -> Priced | None:
        for from_day, priced in reversed(self._by_name.get(name, ())):
            if from_day <= day:
                return priced
        return None


class Costing:
    """Prices of one version. May be shared by threads."""

    def __init__(self, prices: Versioned, shipped: PriceList = NO_PRICES) -> None:
        self.version = prices.version
        self.charges = Listed(prices.prices.charges)
        self.costs = Listed(prices.prices.costs)
        self.shipped = Listed(shipped.costs)
        self.markup_millionths = millionths(prices.prices.markup_ratio)
        self._rates: dict[tuple[str, str, int, str], OfBoth] = {}

    @property
    def found(self) -> int:
        """How many rates are kept to be found again."""
        return len(self._rates)

    def of(self, record: Record) -> Costs:
        """Return what an exchange costs; asks no clock: the record's own days decide."""
        attempts = record.attempts
        if not attempts or record.operation is COUNTS_TOKENS:
            return Costs(0, 0, self.version, (0,) * len(attempts), is_unpriced=False)
        first = attempts[0]
        if len(attempts) == 1 and record.outcome == "complete" and first.status == OK:
            return self._at_once(record, first)
        is_unpriced = False
        by_attempt: list[int] = []
        for attempt in attempts:
            cost = self._cost_of(attempt, record)
            is_unpriced |= cost is None
            by_attempt.append(cost or 0)
        charge = 0
        for part in charging.parts(record):
            one = self._charge_of(part, record)
            is_unpriced |= one is None
            charge += one or 0
        return Costs(sum(by_attempt), charge, self.version, tuple(by_attempt), is_unpriced)

    def priced(self, upstream: str, model: str, day: int) -> Priced | None:
        """Return what tenants pay for a model on a day of the Unix epoch, by tier."""
        found = self.charges.of(upstream, model, day)
        if found is not None:
            return found
        found = self._priced_cost(upstream, model, day)
        if found is None:
            return None
        return Priced(scaled(found.rates, self.markup_millionths), found.ratios)

    def models(self) -> list[str]:
        """Return all names and prefixes that have a price."""
        lists = (self.charges, self.costs, self.shipped)
        return sorted({model for one in lists for _, model in one.names})

    def upstreams(self) -> list[str]:
        """Return the upstreams that have prices of their own."""
        lists = (self.charges, self.costs, self.shipped)
        return sorted({upstream for one in lists for upstream, _ in one.names} - {""})

    def _at_once(self, record: Record, attempt: AttemptRecord) -> Costs:
        """Return the costs of what was answered at the first try: nearly always it is."""
        used = charging.used_of(attempt)
        at_unix_s = record.at_unix_s
        rates = self._rates_of(attempt, record, at_unix_s + attempt.dialled_s)[0]
        charged = self._rates_of(attempt, record, at_unix_s)[1]
        cost = 0 if rates is None else cost_microusd(rates, used)
        charge = 0 if charged is None else cost_microusd(charged, used)
        is_unpriced = rates is None or charged is None
        return Costs(cost, charge, self.version, (cost,), is_unpriced)

    def _cost_of(self, attempt: AttemptRecord, record: Record) -> int | None:
        """Return what a provider takes for an attempt; None: it takes something, unknown what."""
        if attempt.status != OK and not attempt.input_tokens and not attempt.output_tokens:
            return 0
        rates = self._rates_of(attempt, record, record.at_unix_s + attempt.dialled_s)[0]
        return None if rates is None else cost_microusd(rates, charging.used_of(attempt))

    def _charge_of(self, part: charging.Part, record: Record) -> int | None:
        rates = self._rates_of(part.attempt, record, record.at_unix_s)[1]
        if rates is None:
            return None
        cost = cost_microusd(rates, part.used)
        return cost if part.is_first else cost - rates.request

    def _rates_of(self, attempt: AttemptRecord, record: Record, at_unix_s: float) -> OfBoth:
        """Return the rates of costs and of charges on an instant's day; None: there are none."""
        tier = record.tier
        name = (attempt.upstream, attempt.model, int(at_unix_s // DAY_S), tier)
        found = self._rates.get(name)
        if found is None:
            if len(self._rates) >= CACHED_MAX:
                self._rates.clear()
            cost, charge = self._priced_cost(*name[:3]), self.priced(*name[:3])
            found = self._rates[name] = (
                None if cost is None else cost.of(tier),
                None if charge is None else charge.of(tier),
            )
        return found

    def _priced_cost(self, upstream: str, model: str, day: int) -> Priced | None:
        return self.costs.of(upstream, model, day) or self.shipped.of(upstream, model, day)


def day_of(date: str) -> int:
    """Return a day such as 2026-03-02 as days since 1970-01-01; raises ValueError."""
    return dt.date.fromisoformat(date).toordinal() - EPOCH_ORDINAL


def _priced(rate: Rate) -> Priced:
    cached, written = rate.cached_microusd, rate.cache_write_microusd
    rates = Rates(
        rate.input_microusd,
        rate.output_microusd,
        rate.input_microusd if cached is None else cached,
        rate.input_microusd if written is None else written,
        rate.request_microusd,
        rate.reasoning_microusd,
    )
    return Priced(rates, {tier: millionths(ratio) for tier, ratio in rate.tier_ratios.items()})
