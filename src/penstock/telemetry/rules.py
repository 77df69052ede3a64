"""Objectives as rules of Prometheus, over the gateway's own metrics.

    recorded   penstock:slo_errors:ratio_rateWINDOW{objective="NAME"}, the share of bad events
    alerts     for each rule of ``core.slo``: both windows above burn x (1 - target), and at least
               ``events_min`` events in the short one

Metrics have fewer dimensions than the ledger has, for the sake of their number; what cannot be
said with them becomes a comment (``Unsaid``), not a rule that says something else:

    objective             metric
    all, or a tier        penstock_tier_exchanges_total, and shed ones of ..._refusals_total
    a route               penstock_exchanges_total; shed ones cannot be told apart there
    an upstream           penstock_attempts_total
    TTFT: all, a tier     penstock_tier_ttft_seconds, streams only
    TTFT: an upstream     penstock_ttft_seconds, streams only
    tenant, tier and route together, speed, TTFT of a route: none

Pure: returns plain tables, which the caller writes as YAML.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from penstock.config.operations import Objective, Sli
from penstock.core import slo
from penstock.core.errors import SHED
from penstock.core.outcome import RULES, Verdict
from penstock.core.slo import Rule
from penstock.telemetry import metrics, tiers
from penstock.telemetry.declared import BUCKETS_S, Declared

RECORD: Final = "penstock:slo_errors:ratio_rate"
BAD: Final = "failed|broken"
GOOD: Final = "complete"
UNHEALTHY: Final = "|".join(
    kind.value
    for kind, rule in RULES.items()
    if rule.verdict not in {Verdict.HEALTHY, Verdict.NONE}
)
UNITS: Final = ((slo.DAY_S, "d"), (slo.HOUR_S, "h"), (slo.MINUTE_S, "m"))


class Unsaid(msgspec.Struct, frozen=True):
    """An objective, or a part of it, that the metrics cannot say."""

    objective: str
    why: str


class Exported(msgspec.Struct, frozen=True):
    """Rules as Prometheus' file has them, and what is not among them."""

    groups: list[dict[str, Any]]
    unsaid: list[Unsaid]


class _Events(msgspec.Struct, frozen=True):
    """Selectors whose rates add up."""

    bad: tuple[str, ...]
    total: tuple[str, ...]
    good: tuple[str, ...] = ()  # instead of bad: what is left of all


def exported(objectives: Sequence[Objective]) -> Exported:
    """Return the rules of objectives."""
    groups: list[dict[str, Any]] = []
    unsaid: list[Unsaid] = []
    for one in objectives:
        found = _events(one)
        if isinstance(found, Unsaid):
            unsaid.append(found)
            continue
        if one.route:
            why = "shed exchanges are not counted by route: its budget burns less than it should"
            unsaid.append(Unsaid(one.name, why))
        if one.sli is Sli.TTFT and _bound(one) != one.threshold_s:
            why = f"the metric's next bound below its threshold is {_bound(one):g} s"
            unsaid.append(Unsaid(one.name, why))
        groups.append(_group(one, found))
    return Exported(groups, unsaid)


def window(seconds: int) -> str:
    """Return a window as Prometheus writes it."""
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _group(objective: Objective, events: _Events) -> dict[str, Any]:
    rules = slo.rules(objective.window_days)
    windows = sorted({seconds for rule in rules for seconds in (rule.long_s, rule.short_s)})
    label = {"objective": objective.name}
    recorded = [
        {"record": RECORD + window(one), "expr": _ratio(events, window(one)), "labels": label}
        for one in windows
    ]
    return {
        "name": f"penstock-slo-{objective.name}",
        "rules": [*recorded, *(_alert(objective, rule, events) for rule in rules)],
    }


def _alert(objective: Objective, rule: Rule, events: _Events) -> dict[str, Any]:
    burn = f"{rule.burn:.6g}"
    least = f"({burn} * {round(1.0 - objective.target_ratio, 9):.9g})"
    chosen = f'{{objective="{objective.name}"}}'
    long, short = window(rule.long_s), window(rule.short_s)
    number = _sum(events.total, "increase", short)
    return {
        "alert": "PenstockBudgetBurns",
        "expr": (
            f"{RECORD}{long}{chosen} > {least}\n"
            f"and {RECORD}{short}{chosen} > {least}\n"
            f"and on() ({number}) >= {objective.events_min}"
        ),
        "labels": {
            "severity": rule.severity.word,
            "objective": objective.name,
            "window": long,
        },
        "annotations": {
            "summary": f"{objective.name}: the error budget burns {burn} times too fast",
            "description": (
                f"Over {long} and {short}; target {objective.target_ratio:g} in "
                f"{objective.window_days} days. Share of bad events: {{{{ $value | "
                "humanizePercentage }}."
            ),
        },
    }


def _ratio(events: _Events, over: str) -> str:
    total = _sum(events.total, "rate", over)
    if events.good:
        return f"1 - ({_sum(events.good, 'rate', over)})\n/ ({total})"
    return f"({_sum(events.bad, 'rate', over)})\n/ ({total})"


def _sum(selectors: Sequence[str], function: str, over: str) -> str:
    """Add rates; a metric that has no such samples yet counts as none."""
    parts = [f"sum({function}({one}[{over}]))" for one in selectors]
    return " + ".join([parts[0], *(f"({part} or vector(0))" for part in parts[1:])])


def _events(objective: Objective) -> _Events | Unsaid:
    if objective.tenant:
        return Unsaid(objective.name, "metrics have no tenants: there may be too many")
    if objective.tier and objective.route:
        return Unsaid(objective.name, "no metric has both tier and route")
    match objective.sli:
        case Sli.SPEED:
            return Unsaid(objective.name, "no metric has the speed of answers")
        case Sli.TTFT:
            return _ttft(objective)
        case Sli.AVAILABILITY:
            return _availability(objective)


def _availability(objective: Objective) -> _Events:
    if objective.upstream:
        bad = _pick(metrics.ATTEMPTS, upstream=objective.upstream, outcome=UNHEALTHY)
        every = f"success|{UNHEALTHY}"
        total = _pick(metrics.ATTEMPTS, upstream=objective.upstream, outcome=every)
        return _Events((bad,), (total,))
    every = f"{GOOD}|{BAD}"
    if objective.route:
        bad = _pick(metrics.EXCHANGES, route=objective.route, outcome=BAD)
        return _Events((bad,), (_pick(metrics.EXCHANGES, route=objective.route, outcome=every),))
    shed = _pick(tiers.REFUSALS, tier=objective.tier, reason="|".join(SHED))
    bad = _pick(tiers.EXCHANGES, tier=objective.tier, outcome=BAD)
    return _Events((bad, shed), (_pick(tiers.EXCHANGES, tier=objective.tier, outcome=every), shed))


def _ttft(objective: Objective) -> _Events | Unsaid:
    if objective.route:
        return Unsaid(objective.name, "no metric has the TTFT of a route")
    if not _bound(objective):
        return Unsaid(objective.name, f"no bucket ends at or below {objective.threshold_s:g} s")
    metric = metrics.TTFT if objective.upstream else tiers.TTFT
    given = {"upstream": objective.upstream} if objective.upstream else {"tier": objective.tier}
    bucket = metric._replace(name=f"{metric.name}_bucket")
    count = metric._replace(name=f"{metric.name}_count")
    good = _pick(bucket, **given, le=str(_bound(objective)))
    return _Events(bad=(), total=(_pick(count, **given),), good=(good,))


def _bound(objective: Objective) -> float:
    threshold_s = objective.threshold_s or 0.0
    return max((bound_s for bound_s in BUCKETS_S if bound_s <= threshold_s), default=0.0)


def _pick(metric: Declared, **labels: str) -> str:
    """Return a selector; an empty label is not looked at, one with a bar is an alternative."""
    parts = [
        f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in labels.items() if value
    ]
    return f"{metric.name}{{{','.join(parts)}}}" if parts else metric.name
