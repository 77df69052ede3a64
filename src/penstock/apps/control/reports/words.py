"""What reports say in figures: shares and money that somebody may pay by, and the verdicts.

A share is never rounded up: 99.8999 % is not 99.9 %. Money is to the cent.
"""

import math
from typing import Final

from penstock.apps.control.reports.sla import Latency, Measured, ProviderSla, SlaReport, TenantSla
from penstock.web.quantities import UNKNOWN

MICRO: Final = 1_000_000
STATES: Final = {"kept": "good", "missed": "bad", "no_data": "unknown", "no_terms": "unknown"}
VERDICTS: Final = {
    "kept": "kept",
    "no_data": "no traffic",
    "no_terms": "no terms",
}
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def percent(ratio: float | None, digits: int = 3) -> str:
    """Return a share in percent, rounded down; a dash if it is not known."""
    if ratio is None:
        return UNKNOWN
    size = 10**digits
    told = math.floor(round(ratio * 100 * size, 6)) / size
    return f"{told:.{digits}f} %"


def usd(amount_microusd: int) -> str:
    """Return dollars and cents."""
    return f"${amount_microusd / MICRO:,.2f}"


def month_name(name: str) -> str:
    """Return ``2026-11`` as people say it."""
    year, _, number = name.partition("-")
    return f"{MONTHS[int(number) - 1]} {year}"


def headline(report: SlaReport) -> tuple[str, str]:
    """Return the state and the sentence that the report begins with."""
    owed = [one for one in report.tenants if one.due.amount_microusd]
    claims = [one for one in report.providers if one.due.amount_microusd]
    when = month_name(report.month) + ("" if report.is_over else " so far")
    if not owed and not claims:
        missed = sum(one.verdict == "missed" for one in (*report.tenants, *report.providers))
        if missed:
            return "partial", f"{when}: {missed} missed, and no money is due"
        return "good", f"{when}: nobody owes anybody anything"
    parts: list[str] = []
    if owed:
        parts.append(f"we owe {usd(report.owed_microusd)} to {_number(len(owed), 'tenant')}")
    if claims:
        whose = _number(len(claims), "upstream")
        parts.append(f"{usd(report.claim_microusd)} can be claimed for {whose}")
    return ("bad" if owed else "partial"), f"{when}: {', and '.join(parts)}"


def verdict(one: TenantSla | ProviderSla) -> str:
    """Return whether the promise was kept, and which was not."""
    if one.verdict != "missed":
        return VERDICTS[one.verdict]
    missed = (("availability", one.due.credit_ratio), ("latency", one.due.latency_ratio))
    return f"missed {' and '.join(name for name, ratio in missed if ratio)}"


def sure(one: TenantSla | ProviderSla) -> str:
    """Return a warning, if the counts are too small to be sure."""
    if one.due.is_sure or one.verdict in ("no_data", "no_terms"):
        return ""
    events = one.measured.good + one.measured.bad
    return f"Too little to be sure: the interval of {events:,} events holds the target."


def clause(one: Latency) -> str:
    """Return what a latency clause promises."""
    if one.what == "ttft":
        return f"first token within {one.threshold:g} s, for {percent(one.target_ratio, 1)}"
    who = f"{one.model}: " if one.model else ""
    return f"{who}above {one.threshold:g} tokens/s, for {percent(one.target_ratio, 1)}"


def coverage(found: Measured) -> str:
    """Return for how much of the month there is a measurement."""
    steps = f"{found.measured_steps:,} of {found.steps:,} intervals"
    return f"{percent(found.coverage_ratio, 1)} ({steps})"


def _number(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
