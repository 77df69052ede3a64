"""A month's SLAs, worked by hand, on both databases."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from tests.apps.control import reported
from tests.apps.control.reported import NOVEMBER_S, NOW_S, UPSTREAMS

from penstock.apps.control.queries import sla as queries
from penstock.apps.control.reports import sla, sla_csv
from penstock.apps.control.reports.month import month
from penstock.apps.control.reports.sla import ProviderSla, SlaReport, TenantSla, billed
from penstock.core.calendar import DAY_S
from penstock.core.sla import STEP_S, Cell
from penstock.ledger import tables
from penstock.ledger.store import Store
from penstock.web.endpoint import InvalidError


def made(store: Store, name: str = "2026-11", now_s: float = NOW_S, only: str = "") -> SlaReport:
    with store.reading() as connection:
        return sla.report(connection, month(name, now_s), UPSTREAMS, now_s, only)


def tenant(report: SlaReport, name: str) -> TenantSla:
    return next(one for one in report.tenants if one.id == name)


def upstream(report: SlaReport, name: str) -> ProviderSla:
    return next(one for one in report.providers if one.upstream == name)


def ratios(found: sla.Measured) -> dict[str, float | None]:
    return {one.formula: one.ratio for one in found.figures}


def test_a_month_in_both_directions(store: Store) -> None:
    reported.fill(store)
    report = made(store)

    acme = tenant(report, "acme")
    assert (acme.measured.good, acme.measured.bad) == (200, 10)
    assert (acme.measured.steps, acme.measured.measured_steps) == (8640, 3)
    assert ratios(acme.measured) == {
        "request_ratio": 200 / 210,
        "interval_mean": pytest.approx(1 - 0.1 / 8640),
        "downtime_minutes": pytest.approx(1 - 1 / 8640),
    }
    assert billed(acme.measured).formula == "request_ratio"
    # below 99 %: a quarter of the fee; 95 of 100 first tokens in time, not 99: a tenth more
    assert (acme.due.credit_ratio, acme.due.latency_ratio) == (0.25, 0.10)
    assert acme.due.amount_microusd == 350_000_000
    assert acme.due.is_sure
    assert acme.verdict == "missed"
    clause = acme.latency[0]
    assert (clause.ratio, clause.answers, clause.unclear, clause.is_missed) == (0.95, 100, 0, True)
    # ten more would have failed
    assert acme.rescued == 10
    assert ratios(acme.without_failover)["request_ratio"] == 190 / 210
    assert acme.measured.worst == (sla.Step(NOVEMBER_S + 300, 90, 10),)

    zeta = tenant(report, "zeta")
    assert ratios(zeta.measured)["interval_mean"] == pytest.approx(1 - 1 / 8640)
    assert ratios(zeta.measured)["request_ratio"] == 1000 / 1001  # 99.9001 %: kept by either
    assert (zeta.verdict, zeta.due.amount_microusd) == ("kept", 0)
    assert zeta.due.fee_microusd == 5_000_000

    assert tenant(report, "idle").verdict == "no_data"
    assert tenant(report, "guest").verdict == "no_terms"
    assert [one.id for one in report.tenants] == ["acme", "idle", "zeta", "guest"]
    assert report.owed_microusd == 350_000_000


def test_providers_owe_by_their_own_count(store: Store) -> None:
    reported.fill(store)
    report = made(store)

    east = upstream(report, "east")
    assert (east.measured.good, east.measured.bad, east.out) == (900, 60, 50)
    # the mean of 8,640 steps, one of which is all bad: 99.988 %, and nothing is due
    assert billed(east.measured).formula == "interval_mean"
    assert billed(east.measured).ratio == pytest.approx(1 - 1 / 8640)
    assert east.due.amount_microusd == 0
    assert ratios(east.measured)["request_ratio"] == 900 / 960
    assert (east.by_health.good, east.by_health.bad) == (900, 70)  # the unreachable too
    assert east.due.fee_microusd == 90_000_000
    assert east.claim_until_unix_s == NOVEMBER_S + (30 + 31 + 31 - 1) * DAY_S  # 31 January

    west = upstream(report, "west")
    assert west.latency[0].ratio == 1.0
    assert west.latency[0].threshold == 80.0
    assert [one.upstream for one in report.providers] == ["east", "west"]


def test_a_bad_month_at_a_provider_is_claimed(store: Store) -> None:
    reported.fill(store)
    # every third step of the month fails whole: 66.7 %, all of the fees
    key = {
        "grain_s": 300,
        "upstream": "east",
        "model": "",
        "outcome": "server_error",
        "status": 500,
    }
    rows = [{**key, "start_s": NOVEMBER_S + 900 * at, "attempts": 1000} for at in range(2880)]
    with store.writing() as connection:
        connection.execute(insert(tables.attempts), rows)
    report = made(store)
    east = upstream(report, "east")
    assert east.verdict == "missed"
    assert east.due.amount_microusd == 90_000_000 == report.claim_microusd


def test_one_tenant_alone(store: Store) -> None:
    reported.fill(store)
    report = made(store, only="zeta")
    assert [one.id for one in report.tenants] == ["zeta"]
    assert report.providers == ()
    assert report.tenants == (tenant(made(store), "zeta"),)
    with pytest.raises(InvalidError, match="no tenant 'nobody'"):
        made(store, only="nobody")


def test_months_without_data_are_not_up(store: Store) -> None:
    reported.fill(store)
    report = made(store, "2026-10")
    assert {one.verdict for one in report.tenants} == {"no_data"}
    assert all(one.measured.coverage_ratio == 0 for one in report.tenants)
    assert report.owed_microusd == report.claim_microusd == 0


def test_a_month_under_way_has_fewer_steps(store: Store) -> None:
    reported.fill(store)
    report = made(store, now_s=NOVEMBER_S + 301)
    acme = tenant(report, "acme")
    assert not report.is_over
    assert (acme.measured.steps, acme.measured.measured_steps) == (2, 2)
    assert (acme.measured.good, acme.measured.bad) == (190, 10)


@pytest.mark.parametrize("name", ["2026-13", "2026-1", "x", "1969-12", "2027-02", "2026-11-01"])
def test_what_is_no_month_is_refused(name: str) -> None:
    with pytest.raises(InvalidError):
        month(name, NOW_S)


def test_the_last_whole_month_is_the_default() -> None:
    assert month("", NOW_S).name == "2026-11"
    assert month("", NOVEMBER_S).name == "2026-10"


def test_the_database_adds_up_what_the_formulas_would(store: Store) -> None:
    """Steps without failures are summed by the database: the same series comes out."""
    reported.fill(store)
    when = month("2026-11", NOW_S)
    with store.reading() as connection:
        found = queries.tenants(connection, when.period)
    cells = [(0, 100, 0), (1, 90, 10), (2, 10, 0)]
    want = sla.series(*when.period, [Cell(NOVEMBER_S + 300 * at, g, b) for at, g, b in cells])
    assert found["acme"].with_failover == want
    assert found["acme"].without.cells[1] == Cell(NOVEMBER_S + 600, 0, 10)


def test_lines_of_csv(store: Store) -> None:
    reported.fill(store)
    rows = list(csv.DictReader(io.StringIO(sla_csv.report_csv(made(store)))))
    mine = [row for row in rows if row["party"] == "acme"]
    assert [row["formula"] for row in mine] == [
        "request_ratio", "interval_mean", "downtime_minutes", "latency_attainment ttft",
    ]  # fmt: skip
    assert [row["is_billed"] for row in mine] == ["yes", "no", "no", "yes"]
    assert mine[0]["figure_ratio"] == str(200 / 210)
    assert mine[0]["without_failover_ratio"] == str(190 / 210)
    assert mine[0]["credit_microusd"] == "350000000"
    assert {row["direction"] for row in rows} == {"we owe", "owes us"}
    assert len({len(row) for row in rows}) == 1
    assert all(None not in row and None not in row.values() for row in rows)


def test_the_evidence_is_every_failure_that_counts(store: Store) -> None:
    reported.fill(store)
    east = upstream(made(store), "east")
    with store.reading() as connection:
        period = month("2026-11", NOW_S).period
        rows = list(csv.DictReader(sla_csv.evidence(connection, period, east)))
        few = list(csv.DictReader(sla_csv.evidence(connection, period, east, 10)))
    assert len(rows) == east.measured.bad == 60
    assert rows[0]["at_utc"] == "2026-11-01T00:05:00.000Z"
    assert rows[0]["request_id"] == "up_0"
    assert rows[0]["detail"] == "'=cmd()"  # no formula of somebody else's
    assert few[-1]["outcome"] == "10 of 60 failures are listed: the others are not kept"


@given(from_day=st.integers(0, 40_000), steps=st.integers(0, 40 * DAY_S // STEP_S))
def test_a_period_is_asked_for_in_days_without_a_gap(from_day: int, steps: int) -> None:
    period = queries.Period(from_day * DAY_S, from_day * DAY_S + steps * STEP_S)
    found = queries.days_of(period)
    asked = [at for day in found for at in range(*day, STEP_S)]
    assert asked == list(range(*period, STEP_S))
    assert all(day.until_s - day.from_s <= DAY_S for day in found)
