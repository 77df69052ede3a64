"""What an incident cost, worked by hand, on both databases."""

from sqlalchemy import insert
from tests.apps.control import reported
from tests.apps.control.reported import NOVEMBER_S, NOW_S, UPSTREAMS

from penstock.apps.control.reports import impact, sla
from penstock.apps.control.reports.impact import Impact
from penstock.apps.control.reports.month import month
from penstock.config.model import Config
from penstock.config.operations import Objective
from penstock.ledger import tables
from penstock.ledger.store import Store

OBJECTIVES = (
    Objective(name="acme", tenant="acme", target_ratio=0.9, window_days=90),
    Objective(name="nobody", tenant="nobody"),
)


def made(store: Store, from_s: float, until_s: float) -> Impact:
    config = Config(upstreams=UPSTREAMS, objectives=OBJECTIVES)
    with store.reading() as connection:
        return impact.report(connection, (NOVEMBER_S + from_s, NOVEMBER_S + until_s), config, NOW_S)


def test_a_span_is_told_by_tier_and_by_what_became_of_attempts(store: Store) -> None:
    reported.fill(store)
    with store.writing() as connection:
        connection.execute(insert(tables.drops).values(stem="a", lines=3, at_unix_s=NOVEMBER_S))
    report = made(store, 300, 1500)
    assert (report.from_unix_s, report.until_unix_s) == (NOVEMBER_S + 300, NOVEMBER_S + 1500)
    enterprise, standard = report.tiers
    assert (enterprise.tier, enterprise.exchanges, enterprise.served) == ("enterprise", 130, 100)
    assert (enterprise.failed, enterprise.shed, enterprise.failovers) == (6, 4, 10)
    assert enterprise.affected_minutes == 1  # the sums of a step lie in its first minute
    assert (standard.served, standard.failed, standard.affected_minutes) == (1000, 1, 1)
    told = {(one.upstream, one.outcome): one.attempts for one in report.attempts}
    assert told == {
        ("east", "overloaded"): 60, ("east", "quota"): 40, ("east", "unreachable"): 10,
    }  # fmt: skip
    assert report.substitutes == ()


def test_a_budget_is_burnt_by_what_failed_inside_the_span_only(store: Store) -> None:
    reported.fill(store)
    acme, nobody = made(store, 300, 600).objectives
    assert (acme.bad, acme.total) == (10, 100)
    assert acme.burnt_ratio is not None
    assert abs(acme.burnt_ratio - 10 / (210 * 0.1)) < 1e-9
    assert (nobody.total, nobody.burnt_ratio) == (0, None)
    assert made(store, 600, 900).objectives[0].bad == 0


def test_credits_are_those_of_the_month_by_tier(store: Store) -> None:
    reported.fill(store)
    report = made(store, 0, 1200)
    with store.reading() as connection:
        wanted = sla.report(connection, month("2026-11", NOW_S), UPSTREAMS, NOW_S)
    owed = sum(one.credits_microusd for one in report.tiers)
    standard = next(one for one in report.tiers if one.tier == "standard")
    assert owed == standard.credits_microusd == wanted.owed_microusd > 0  # all are of this tier
    without = sum(one.due_without_failover.amount_microusd for one in wanted.tenants)
    assert standard.credits_without_failover_microusd == without


def test_a_span_is_whole_minutes_and_never_empty(store: Store) -> None:
    reported.fill(store)
    report = made(store, 301.5, 301.5)
    assert (report.from_unix_s, report.until_unix_s) == (NOVEMBER_S + 300, NOVEMBER_S + 360)
    assert report.tiers[0].exchanges == 120
