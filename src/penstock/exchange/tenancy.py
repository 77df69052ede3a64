"""Tenancy: what every tenant and key is owed, may not exceed, and has used.

    admit     key's limits   no room -> LimitError, nothing is taken
              tenant's       no room -> LimitError, the key gets back what it gave
              contract       (tier enterprise only) within -> served there
                             beyond -> served one tier lower; nothing is taken from the contract
                             none   -> served there: nothing is ever beyond it
    settle    once a second while it streams: what goes beyond the reserve is taken, nothing is
              given back; at the end (``is_final``) reserve becomes use, and all places come back
    withdraw  it was shed before anybody was asked: as if it had not been

Each claim is admitted once and settled once to the end; a claim that is not admitted is let pass by
``settle`` and ``withdraw``. Tokens are uncached input and output: what a cache serves costs next to
nothing (TIERING 7.1). Costs are those of the model that answered last, in the tier that it was
served in, as far as its price is known; an exchange without one costs nothing and is counted in
``unpriced``.

What is limited by nobody is counted as under way, and no tokens are reserved for it: a limit that
comes meanwhile is charged with them at the end. Where an upstream has a quota they are
(``reserves``).

State belongs to names and outlives a reload: a limit or contract that changes finds what is under
way and what has been spent. What must survive a restart goes out by ``state`` and in by
``restore``: money and contracts; buckets of a minute do not. The number of tenants and keys is
bounded by the files they come from: only whoever has a key gets as far as here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.config.tenancy import NO_LIMITS, Contract, Limits, Price, Tenant, TierName
from penstock.core.allowance import REQUESTS, TOKENS, Allowance, Denial, Remaining
from penstock.core.claim import Claim
from penstock.core.contract import ContractMeter
from penstock.core.errors import LimitError
from penstock.core.estimate import OutputEstimates
from penstock.core.price import (
    PriceList,
    Rates,
    Used,
    cost_microusd,
    millionths,
    reserve_microusd,
    scaled,
)
from penstock.core.standing import UNLIMITED, Level, Standing
from penstock.core.tier import WORDS, Tier, fallen

ENTERPRISE: Final = Tier.ENTERPRISE  # a look into an enumeration costs as much as a call
NO_CONTRACT: Final = Contract()
UNPRICED_MAX: Final = 64  # models without a price that are counted by name; the rest as one
OTHERS: Final = "*"
NO_PRICES: Final = (PriceList(),) * len(WORDS)


class Account:
    """One tenant at run time."""

    __slots__ = ("allowance", "has_contract", "meter", "weight")

    def __init__(self, now_s: float) -> None:
        self.weight = 1.0
        self.allowance = Allowance(NO_LIMITS, now_s)
        self.meter = ContractMeter(NO_CONTRACT, now_s)  # counts even while nothing is owed
        self.has_contract = False

    def use(self, tenant: Tenant, now_s: float) -> None:
        """Take what the configuration says of this tenant from now on."""
        contract = tenant.contract if tenant.tier is TierName.ENTERPRISE else None
        self.weight = tenant.weight
        self.allowance.use(tenant.limits, now_s)
        self.meter.use(contract or NO_CONTRACT, now_s)
        self.has_contract = contract is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and no money has been spent that a limit may ask about."""
        return not self.allowance.in_flight and not self.allowance.purse.month_spent


class Tenancy:
    """All tenants and keys of one gate. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_has_prices",
        "_outputs",
        "_prices",
        "_wall_offset_s",
        "keys",
        "tenants",
        "unpriced",
    )

    def __init__(self) -> None:
        self.tenants: dict[str, Account] = {}
        self.keys: dict[str, Allowance] = {}
        self._outputs = OutputEstimates()
        self._prices = NO_PRICES  # by tier
        self._has_prices = False
        self._wall_offset_s = 0.0
        self.unpriced: dict[str, int] = {}  # exchanges by model that cost nothing for want of one

    def use(
        self,
        tenants: Iterable[Tenant],
        keys_limits: Mapping[str, Limits],
        prices: Iterable[Price],
        now_s: float,
        wall_offset_s: float,
    ) -> None:
        """Take a snapshot's tenants, limits of keys by name, and prices; state stays.

        ``wall_offset_s`` is Unix time minus ``now_s``: days and months need it.
        """
        self._wall_offset_s = wall_offset_s
        listed = list(prices)
        self._has_prices = bool(listed)
        self._prices = by_tier(listed)
        named = {tenant.id: tenant for tenant in tenants}
        for name in self.tenants.keys() - named.keys():
            if self.tenants[name].is_idle:
                del self.tenants[name]
            else:
                self.tenants[name].use(Tenant(id=name), now_s)
        for name, tenant in named.items():
            self._account(name, now_s).use(tenant, now_s)
        for name in self.keys.keys() - keys_limits.keys():
            if not self.keys[name].in_flight and not self.keys[name].purse.month_spent:
                del self.keys[name]
            else:
                self.keys[name].use(NO_LIMITS, now_s)
        for name, limits in keys_limits.items():
            self._allowance(name, now_s).use(limits, now_s)

    def admit(
        self, claim: Claim, model: str, now_s: float, *, reserves: bool = True
    ) -> LimitError | None:
        """Reserve what the exchange will take, or say which limit stands in the way.

        Writes admission's part of the claim. ``model`` is the first that may be asked. Where
        nothing is limited, no tokens are reserved, nor learned from, unless ``reserves`` says that
        somebody else counts on it: then an exchange is but one more under way.
        """
        if claim.is_admitted:
            return None
        account = self.tenants.get(claim.tenant) or self._account(claim.tenant, now_s)
        key = self.keys.get(claim.key) or self._allowance(claim.key, now_s)
        tenant = account.allowance
        is_limited = key.is_limited or tenant.is_limited
        tokens = 0
        if is_limited or reserves or self._has_prices or claim.tier is ENTERPRISE:
            outputs = self._outputs
            estimate = outputs.entries.get((claim.tenant, model)) or outputs.of(claim.tenant, model)
            output = estimate.reserve(tenant.in_flight + 1, claim.output_tokens_max)
            claim.output_tokens = output
            claim.reserved_tokens = tokens = claim.input_tokens + output
        if is_limited or self._has_prices:
            error = self._enter(claim, key, tenant, model, now_s)
            if error is not None:
                claim.output_tokens = claim.reserved_tokens = 0
                return error
        else:  # the usual exchange: counted here, because two calls more are a third of the cost
            key.in_flight += 1
            tenant.in_flight += 1
            if tokens:
                key.reserved_tokens += tokens
                tenant.reserved_tokens += tokens
        claim.is_admitted = True
        if claim.tier is ENTERPRISE:
            claim.is_in_contract = account.meter.try_enter(tokens, now_s)
            if not claim.is_in_contract:
                claim.served = fallen(claim.tier)
        return None

    def settle(self, claim: Claim, used: Used, model: str, now_s: float, *, is_final: bool) -> None:
        """Charge what has been used so far; at the end give back the rest, and learn.

        ``model`` is the upstream's; nobody was asked: the one of ``admit``, and nothing used.
        """
        if is_final:
            claim.used, claim.model = used, model
            self.close(claim, now_s)
            return
        if not claim.is_admitted:
            return
        tokens = max(0, used.input_tokens - used.cached_tokens) + used.output_tokens
        microusd = (self._cost(used, model, claim.served) or 0) if self._has_prices else 0
        account = self.tenants.get(claim.tenant) or self._account(claim.tenant, now_s)
        key = self.keys.get(claim.key) or self._allowance(claim.key, now_s)
        reserved = claim.reserved_tokens
        tokens = max(tokens, reserved)
        more_microusd = max(0, microusd - claim.reserved_microusd)
        if tokens == reserved and not more_microusd:
            return
        key.settle(reserved, tokens, more_microusd, now_s)
        account.allowance.settle(reserved, tokens, more_microusd, now_s)
        if claim.is_in_contract:
            account.meter.settle(reserved, tokens, now_s)
        claim.reserved_tokens = tokens
        claim.reserved_microusd += more_microusd

    def close(self, claim: Claim, now_s: float) -> None:
        """Settle for good what a claim says it has used, by the model that answered."""
        if not claim.is_admitted:
            return
        account = self.tenants.get(claim.tenant) or self._account(claim.tenant, now_s)
        key = self.keys.get(claim.key) or self._allowance(claim.key, now_s)
        tenant, reserved = account.allowance, claim.reserved_tokens
        if self._has_prices or claim.reserved_microusd:
            self._pay(claim, key, tenant, now_s)
        if reserved or key.is_limited or tenant.is_limited:  # one of them may have come meanwhile
            used = claim.used
            tokens = max(0, used.input_tokens - used.cached_tokens) + used.output_tokens
            key.leave(reserved, tokens, now_s)
            tenant.leave(reserved, tokens, now_s)
            if claim.is_in_contract:
                account.meter.leave(reserved, tokens, now_s)
            if used.output_tokens:
                self._outputs.learn(claim.tenant, claim.model, used.output_tokens)
        else:  # the usual one, as in admit
            key.in_flight -= 1
            tenant.in_flight -= 1
        claim.is_admitted = False

    def withdraw(self, claim: Claim, now_s: float) -> None:
        """Undo an admission after which nobody was asked."""
        if not claim.is_admitted:
            return
        tokens, microusd = claim.reserved_tokens, claim.reserved_microusd
        account = self._account(claim.tenant, now_s)
        account.allowance.withdraw(tokens, microusd)
        self._allowance(claim.key, now_s).withdraw(tokens, microusd)
        if claim.is_in_contract:
            account.meter.withdraw(tokens)
        claim.served = claim.tier
        claim.is_in_contract = False
        claim.is_admitted = False
        claim.reserved_tokens = claim.reserved_microusd = 0

    def weight_of(self, tenant: str) -> float:
        """Return a tenant's share inside its tier, relative to the others."""
        account = self.tenants.get(tenant)
        return account.weight if account is not None else 1.0

    def standing(self, tenant: str, key: str, now_s: float) -> Standing:
        """Return how the tighter of key's and tenant's limits stand: what headers tell."""
        account, allowance = self.tenants.get(tenant), self.keys.get(key)
        if not (account is not None and account.allowance.is_limited) and not (
            allowance is not None and allowance.is_limited
        ):
            return UNLIMITED
        levels = {
            one.dimension: Level(one.limit, one.remaining, one.reset_s)
            for one in self.remaining(tenant, key, now_s)
        }
        return Standing(levels.get(REQUESTS), levels.get(TOKENS))

    def remaining(self, tenant: str, key: str, now_s: float) -> list[Remaining]:
        """Return, for each dimension that is limited, the tighter of key's and tenant's limits."""
        now_unix_s = now_s + self._wall_offset_s
        found: dict[str, Remaining] = {}
        account, allowance = self.tenants.get(tenant), self.keys.get(key)
        for one in (allowance, account.allowance if account is not None else None):
            if one is None or not one.is_limited:
                continue
            for left in one.remaining(now_s, now_unix_s):
                other = found.get(left.dimension)
                if other is None or left.remaining < other.remaining:
                    found[left.dimension] = left
        return list(found.values())

    def in_flight(self, tenant: str) -> int:
        """Return how many exchanges of a tenant are under way or wait."""
        account = self.tenants.get(tenant)
        return account.allowance.in_flight if account is not None else 0

    def state(self, now_s: float) -> dict[str, Any]:
        """Return what must survive a restart: money by tenant and key, levels of contracts."""
        now_unix_s = now_s + self._wall_offset_s
        tenants = self.tenants.items()
        return {
            "at_unix_s": now_unix_s,
            "keys": _spent(self.keys.items(), now_unix_s),
            "tenants": _spent(((name, one.allowance) for name, one in tenants), now_unix_s),
            "contracts": {
                name: one.meter.levels(now_s) for name, one in tenants if one.has_contract
            },
        }

    def restore(self, state: Mapping[str, Any], now_s: float) -> None:
        """Take what an earlier process had spent; once, after the first ``use``."""
        now_unix_s = now_s + self._wall_offset_s
        for name, spent in state.get("keys", {}).items():
            self._allowance(name, now_s).purse.restore(spent, now_unix_s)
        for name, spent in state.get("tenants", {}).items():
            self._account(name, now_s).allowance.purse.restore(spent, now_unix_s)
        passed_s = now_unix_s - float(state.get("at_unix_s", now_unix_s))
        for name, levels in state.get("contracts", {}).items():
            self._account(name, now_s).meter.restore(levels, passed_s, now_s)

    def _enter(
        self, claim: Claim, key: Allowance, tenant: Allowance, model: str, now_s: float
    ) -> LimitError | None:
        """Reserve with both, or with neither."""
        claim.is_limited = key.is_limited or tenant.is_limited
        microusd = 0
        if self._has_prices:
            microusd = self._reserve_microusd(claim, claim.output_tokens, model)
        tokens, now_unix_s = claim.reserved_tokens, now_s + self._wall_offset_s
        denial = key.try_enter(tokens, microusd, now_s, now_unix_s)
        if denial is not None:
            return _error("This key", denial)
        if not tenant.is_limited and not microusd:  # the usual tenant, as in admit
            tenant.in_flight += 1
            tenant.reserved_tokens += tokens
            return None
        claim.reserved_microusd = microusd
        denial = tenant.try_enter(tokens, microusd, now_s, now_unix_s)
        if denial is not None:
            key.withdraw(tokens, microusd)
            claim.reserved_microusd = 0
            return _error("This tenant", denial)
        return None

    def _reserve_microusd(self, claim: Claim, output_tokens: int, model: str) -> int:
        rates = self._prices[claim.served].of(model)
        return 0 if rates is None else reserve_microusd(rates, claim.input_tokens, output_tokens)

    def _cost(self, used: Used, model: str, tier: Tier) -> int | None:
        """Return what that costs, in micro-dollars; None if nobody has said."""
        if not used.input_tokens and not used.output_tokens:
            return 0  # nobody answered
        rates = self._prices[tier].of(model)
        return None if rates is None else cost_microusd(rates, used)

    def _pay(self, claim: Claim, key: Allowance, tenant: Allowance, now_s: float) -> None:
        """Turn the money that an exchange has reserved into what it cost."""
        microusd = self._cost(Used.of(claim.used), claim.model, claim.served)
        if microusd is None:
            self._count_unpriced(claim.model)
        for one in (key, tenant):
            one.purse.spend(claim.reserved_microusd, microusd or 0, now_s + self._wall_offset_s)
        claim.reserved_microusd = 0

    def _count_unpriced(self, model: str) -> None:
        if model not in self.unpriced and len(self.unpriced) >= UNPRICED_MAX:
            model = OTHERS
        self.unpriced[model] = self.unpriced.get(model, 0) + 1

    def _account(self, name: str, now_s: float) -> Account:
        account = self.tenants.get(name)
        if account is None:
            account = self.tenants[name] = Account(now_s)
        return account

    def _allowance(self, name: str, now_s: float) -> Allowance:
        allowance = self.keys.get(name)
        if allowance is None:
            allowance = self.keys[name] = Allowance(NO_LIMITS, now_s)
        return allowance


def rates_of(price: Price) -> Rates:
    """Return a price as it is reckoned with; what is not said of cached input costs as input."""
    cached, written = price.cached_microusd, price.cache_write_microusd
    return Rates(
        price.input_microusd,
        price.output_microusd,
        price.input_microusd if cached is None else cached,
        price.input_microusd if written is None else written,
        price.request_microusd,
        price.reasoning_microusd,
    )


def by_tier(prices: Iterable[Price]) -> tuple[PriceList, ...]:
    """Return a list for each tier; one for all where no price differs."""
    listed = list(prices)
    if not any(one.tier_ratios for one in listed):
        return (PriceList((one.model, rates_of(one)) for one in listed),) * len(WORDS)
    return tuple(PriceList((one.model, _rates_in(one, word)) for one in listed) for word in WORDS)


def _rates_in(price: Price, tier: str) -> Rates:
    return scaled(rates_of(price), millionths(price.tier_ratios.get(tier, 1.0)))


def _spent(
    allowances: Iterable[tuple[str, Allowance]], now_unix_s: float
) -> dict[str, dict[str, int]]:
    states = ((name, allowance.purse.state(now_unix_s)) for name, allowance in allowances)
    return {name: state for name, state in states if state["month_microusd"]}


def _error(whose: str, denial: Denial) -> LimitError:
    dimension, limit, remaining, retry_after_s = denial
    return LimitError(whose, dimension, limit, remaining, retry_after_s=retry_after_s)
