"""A month's SLAs as CSV: a line per party and formula; and the evidence of a claim.

lines      every formula of every tenant and upstream, the billed one marked; latency clauses
           are formulas of their own
evidence   each failed attempt that a provider's plan counts: when, its request id, the status,
           what it said. The number of lines and the plan's count differ where attempts are
           older than retention keeps them, and the last line says so
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from penstock.apps.control.queries.sla import US, Period, failed_attempts
from penstock.apps.control.reports import table
from penstock.apps.control.reports.sla import Due, Latency, Measured, ProviderSla, SlaReport
from penstock.apps.control.reports.table import Cell
from penstock.core.sla_plan import PLANS, Counted, counted
from penstock.web import moments

HEAD: Final = (
    "month", "is_over", "direction", "party", "plan", "formula", "is_billed", "figure_ratio",
    "low_ratio", "high_ratio", "without_failover_ratio", "target_ratio", "good", "bad",
    "intervals", "measured_intervals", "coverage_ratio", "verdict", "is_sure", "fee_microusd",
    "credit_ratio", "credit_microusd", "claim_until",
)  # fmt: skip
EVIDENCE: Final = (
    "at_utc", "upstream", "model", "status", "outcome", "request_id", "exchange", "attempt",
    "duration_s", "detail",
)  # fmt: skip
ROWS_MAX: Final = 1_000_000  # lines of evidence: what a spreadsheet opens


def report_csv(report: SlaReport) -> str:
    """Return all figures of a month."""
    return table.text(HEAD, _rows(report))


def evidence(
    connection: Connection, period: Period, provider: ProviderSla, rows_max: int = ROWS_MAX
) -> Iterator[str]:
    """Yield the lines of a claim's evidence."""
    plan = PLANS[provider.plan]
    told = 0

    def rows() -> Iterator[tuple[Cell, ...]]:
        nonlocal told
        for one in failed_attempts(connection, period, provider.upstream):
            if counted(plan, one.status) is not Counted.BAD or told >= rows_max:
                continue
            told += 1
            yield (moments.iso(one.at_us / US), *one[1:])

    yield from table.lines(EVIDENCE, rows())
    if told != provider.measured.bad:
        words = f"{told} of {provider.measured.bad} failures are listed: the others are not kept"
        yield from list(table.lines(EVIDENCE, [("", provider.upstream, "", "", words)]))[1:]


def _rows(report: SlaReport) -> Iterator[tuple[Cell, ...]]:
    head = (report.month, report.is_over)
    for one in report.tenants:
        target = one.terms.target_ratio if one.terms else None
        who = (*head, "we owe", one.id, "")
        without = [figure.ratio for figure in one.without_failover.figures]
        tail = (one.verdict, *_due(one.due), "")
        for at, figures in enumerate(_figures(one.measured)):
            yield (*who, *figures, without[at], target, *_counts(one.measured), *tail)
        for clause in one.latency:
            yield (*who, *_clause(clause), *tail)
    for one in report.providers:
        who = (*head, "owes us", one.upstream, one.plan)
        tail = (one.verdict, *_due(one.due), moments.day(one.claim_until_unix_s))
        for figures in _figures(one.measured):
            yield (*who, *figures, None, one.target_ratio, *_counts(one.measured), *tail)
        for clause in one.latency:
            yield (*who, *_clause(clause), *tail)


def _figures(found: Measured) -> Iterator[tuple[Cell, ...]]:
    for one in found.figures:
        yield one.formula, one.is_billed, one.ratio, one.low_ratio, one.high_ratio


def _counts(found: Measured) -> tuple[Cell, ...]:
    return found.good, found.bad, found.steps, found.measured_steps, found.coverage_ratio


def _due(due: Due) -> tuple[Cell, ...]:
    share = min(1.0, due.credit_ratio + due.latency_ratio)
    return due.is_sure, due.fee_microusd, share, due.amount_microusd


def _clause(one: Latency) -> tuple[Cell, ...]:
    kept = round((one.ratio or 0.0) * one.answers)
    return (
        " ".join(filter(None, (one.formula, one.what, one.model))), True, one.ratio, one.low_ratio,
        one.high_ratio, None, one.target_ratio, kept, one.answers - kept, None, None, None,
    )  # fmt: skip
