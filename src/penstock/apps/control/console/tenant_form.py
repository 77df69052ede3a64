"""The form of a tenant: from an entry of the book to fields, and back.

The SLA terms are one part: without a calculator nothing is promised. Credits are lines of two
percentages: "99.9 10" gives 10 % back below 99.9 %.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.apps.control.console.fields import Fields, in_dollars, in_percent, whole
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.ledger.book import SlaTerms, TenantEntry

TIERS: Final = tuple(tier.value for tier in TierName)
WEIGHT_MAX: Final = 1e6
SECONDS_MAX: Final = 86_400.0
SPEED_MAX: Final = 1e6
PERCENT: Final = 100
CREDITS_MAX: Final = 10

# Where an endpoint finds a mistake, and the field that shows it.
PLACES: Final = {
    "id": "id",
    "tenants": "id",
    "tier": "tier",
    "weight": "weight",
    "ttft_timeout_s": "ttft_timeout_s",
    **{f"contract.{one}": f"contract_{one}" for one in Contract.__struct_fields__},
    **{f"limits.{one}": f"limits_{one}" for one in Limits.__struct_fields__},
    "sla": "sla_calculator",
    "sla.calculator": "sla_calculator",
    "sla.target_ratio": "sla_target",
    "sla.credits": "sla_credits",
}


def shown(entry: TenantEntry) -> dict[str, str]:
    """Return an entry as fields."""
    tenant, sla = entry.tenant, entry.sla
    contract = tenant.contract or Contract()
    found = {
        "id": tenant.id,
        "name": entry.name,
        "note": entry.note,
        "tier": tenant.tier.value,
        "weight": f"{tenant.weight:g}",
        "may_degrade_model": "1" if tenant.may_degrade_model else "",
        "ttft_timeout_s": "" if tenant.ttft_timeout_s is None else f"{tenant.ttft_timeout_s:g}",
    }
    for name in Contract.__struct_fields__:
        found[f"contract_{name}"] = whole(getattr(contract, name))
    for name in Limits.__struct_fields__:
        value = getattr(tenant.limits, name)
        found[f"limits_{name}"] = in_dollars(value) if name.endswith("usd") else whole(value)
    return found | _shown_sla(sla)


def read(form: Mapping[str, str]) -> tuple[TenantEntry, dict[str, str]]:
    """Return the entry that fields say, and what is wrong with them by field."""
    fields = Fields(form)
    contract = Contract(
        **{one: fields.count(f"contract_{one}") for one in Contract.__struct_fields__}
    )
    tier = fields.text("tier")
    if tier not in TIERS:
        fields.errors["tier"] = f"{tier!r} is no tier: choose one"
    tenant = Tenant(
        id=fields.text("id"),
        tier=TierName(tier) if tier in TIERS else TierName.STANDARD,
        weight=fields.number("weight", WEIGHT_MAX) or 1.0,
        contract=None if contract == Contract() else contract,
        limits=limits(fields),
        may_degrade_model=fields.ticked("may_degrade_model"),
        ttft_timeout_s=fields.number("ttft_timeout_s", SECONDS_MAX),
    )
    entry = TenantEntry(
        tenant=tenant, name=fields.text("name"), note=fields.text("note"), sla=_sla(fields)
    )
    return entry, fields.errors


def limits(fields: Fields) -> Limits:
    """Return the limits that fields say, of a tenant or a key."""
    return Limits(
        **{
            one: (fields.dollars if one.endswith("usd") else fields.count)(f"limits_{one}")
            for one in Limits.__struct_fields__
        }
    )


def _shown_sla(sla: SlaTerms | None) -> dict[str, str]:
    terms = sla or SlaTerms()
    lines = [f"{in_percent(below)} {in_percent(back)}" for below, back in terms.credits]
    return {
        "sla_calculator": sla.calculator if sla else "",
        "sla_target": in_percent(terms.target_ratio),
        "sla_credits": "\n".join(lines),
        "sla_ttft_s": "" if terms.ttft_s is None else f"{terms.ttft_s:g}",
        "sla_ttft": in_percent(terms.ttft_ratio),
        "sla_speed_per_s": "" if terms.speed_per_s is None else f"{terms.speed_per_s:g}",
        "sla_speed": in_percent(terms.speed_ratio),
        "sla_latency_credit": in_percent(terms.latency_credit_ratio),
        "sla_fee": in_dollars(terms.fee_microusd),
    }


def _sla(fields: Fields) -> SlaTerms | None:
    calculator = fields.text("sla_calculator")
    if not calculator:
        return None
    usual = SlaTerms()
    return SlaTerms(
        calculator=calculator,
        target_ratio=fields.percent("sla_target") or usual.target_ratio,
        credits=_credits(fields),
        ttft_s=fields.number("sla_ttft_s", SECONDS_MAX),
        ttft_ratio=fields.percent("sla_ttft") or usual.ttft_ratio,
        speed_per_s=fields.number("sla_speed_per_s", SPEED_MAX),
        speed_ratio=fields.percent("sla_speed") or usual.speed_ratio,
        latency_credit_ratio=fields.percent("sla_latency_credit") or usual.latency_credit_ratio,
        fee_microusd=fields.dollars("sla_fee"),
    )


def _credits(fields: Fields) -> tuple[tuple[float, float], ...]:
    lines = [line.split() for line in fields.text("sla_credits").splitlines() if line.strip()]
    try:
        found = msgspec.convert(lines, list[tuple[float, float]], strict=False)
    except msgspec.ValidationError:
        found = []
    within = all(0 < one <= PERCENT for line in found for one in line)
    if len(found) != len(lines) or not within or len(found) > CREDITS_MAX:
        words = f"write up to {CREDITS_MAX} lines such as 99.9 10: below 99.9 %, 10 % back"
        fields.errors["sla_credits"] = words
        return ()
    return tuple((round(below / PERCENT, 9), round(back / PERCENT, 9)) for below, back in found)
