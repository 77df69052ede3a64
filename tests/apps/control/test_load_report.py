"""How load was managed, worked by hand, on both databases."""

import msgspec
import pytest
from sqlalchemy import insert
from tests.apps.control import reported
from tests.apps.control.reported import NOVEMBER_S, NOW_S, UPSTREAMS

from penstock.apps.control.reports import load, pages
from penstock.apps.control.reports.load import Asked, LoadReport
from penstock.config.tenancy import Limits, Tenant
from penstock.core.calendar import DAY_S
from penstock.ledger import tables
from penstock.ledger.book import TenantEntry
from penstock.ledger.store import Store
from penstock.web.endpoint import InvalidError


def made(store: Store, days: int = 1, *, has_names: bool = False) -> LoadReport:
    asked = Asked(NOVEMBER_S, NOVEMBER_S + days * DAY_S, has_names)
    with store.reading() as connection:
        return load.report(connection, asked, UPSTREAMS, NOW_S)


def test_a_day(store: Store) -> None:
    reported.fill(store)
    with store.writing() as connection:
        row = {"start_s": NOVEMBER_S, "tenant": "acme", "tier": "enterprise", "route": "r"}
        refused = {**row, "status": 503, "code": "queue_timeout", "exchanges": 4}
        for grain_s in tables.GRAINS_S:
            connection.execute(insert(tables.refusals).values(grain_s=grain_s, **refused))
        connection.execute(insert(tables.drops).values(stem="a", lines=3, at_unix_s=NOVEMBER_S))
    report = made(store)
    assert report.step_s == 300
    assert [one.tier for one in report.tiers] == ["enterprise", "standard", "free"]
    enterprise = report.tiers[0]
    assert (enterprise.offered, enterprise.served, enterprise.failed) == (230, 200, 6)
    assert (enterprise.shed, enterprise.limited, enterprise.failovers) == (4, 20, 10)
    assert enterprise.availability_ratio == 200 / 210
    assert enterprise.ttft_p50_s is not None
    assert 0.2 < enterprise.ttft_p50_s <= 0.25
    assert enterprise.jain is None  # it has one tenant
    assert report.tiers[1].failed == 1  # the lost one
    assert report.attempts == 1110
    assert report.amplification == 1110 / report.admitted == 1110 / 1236
    assert report.reasons[0].words == "it has waited for as long as its tier waits"
    assert report.coverage.measured_steps == 6
    assert (report.coverage.steps, report.coverage.dropped_lines) == (288, 3)
    assert report.coverage.lost == 1
    east = next(one for one in report.upstreams if one.upstream == "east")
    assert east.mean_slots == pytest.approx(906 / DAY_S)
    assert (east.busiest_slots, east.slots_max) == (3.0, 10)
    assert east.outcomes == {"success": 900, "overloaded": 60, "quota": 40, "unreachable": 10}


@pytest.mark.parametrize(("days", "step_s"), [(2, 300), (3, 3600), (62, 3600), (63, DAY_S)])
def test_long_periods_are_read_coarsely_and_add_up_alike(
    store: Store, days: int, step_s: int
) -> None:
    reported.fill(store)
    with store.reading() as connection:
        until_s = NOVEMBER_S + 2 * DAY_S
        asked = Asked(until_s - days * DAY_S, until_s)
        report = load.report(connection, asked, UPSTREAMS, NOW_S)
    assert report.step_s == step_s
    assert report.offered == 1236
    assert sum(one.offered for one in report.steps) == 1236


def test_tenants_have_no_names_unless_wanted(store: Store) -> None:
    reported.fill(store)
    told = msgspec.json.encode(made(store)).decode()
    assert "acme" not in told
    assert [one.tenant for one in made(store).tenants] == ["tenant 1", "tenant 2", "tenant 3"]
    assert [one.tenant for one in made(store, has_names=True).tenants] == ["zeta", "acme", "guest"]


def test_changes_of_limits_come_from_the_audit_log(store: Store) -> None:
    reported.fill(store)
    before = TenantEntry(tenant=Tenant(id="acme"), note="secret words")
    after = msgspec.structs.replace(
        before, tenant=Tenant(id="acme", limits=Limits(requests_per_min=60))
    )
    with store.writing() as connection:
        for at_s, was, becomes in (
            (NOVEMBER_S + 60, before, after),
            (NOVEMBER_S - 1, before, after),
            (NOVEMBER_S + 61, after, msgspec.structs.replace(after, note="other words")),
        ):
            connection.execute(
                insert(tables.audit).values(
                    at_unix_s=at_s, actor="olga", action="put", kind="tenant", object="acme",
                    before=msgspec.json.encode(was).decode(),
                    after=msgspec.json.encode(becomes).decode(),
                )
            )  # fmt: skip
    report = made(store)
    assert [(one.whose, one.field, one.before, one.after) for one in report.changes] == [
        ("tenant 2", "limits.requests_per_min", "", "60")
    ]
    assert report.changes[0].share_ratio == 230 / 1236
    told = msgspec.json.encode(report).decode()
    assert "olga" not in told
    assert "words" not in told.replace('"words"', "")


def test_shed_by_size(store: Store) -> None:
    reported.fill(store)
    reported.traffic(store, 9, ("big", "free"), exchanges=995, served=895, shed=100)
    reported.traffic(store, 9, ("tiny", "free"), exchanges=5, shed=5)
    report = made(store)
    sizes = {one.size: one for one in report.sizes if one.tier == "free"}
    assert sizes["large"].shed_ratio == 100 / 105
    assert sizes["small"].shed_ratio == 5 / 105
    assert sizes["small"].tenants == 2
    free = next(one for one in report.tiers if one.tier == "free")
    assert free.tenants == 3
    kept = [1.0, 1 - 100 / 995, 0.0]
    assert free.jain == pytest.approx(sum(kept) ** 2 / (3 * sum(one * one for one in kept)))


def test_failures_alone_are_not_said_to_be_shed(store: Store) -> None:
    reported.fill(store)
    report = made(store)
    tiers = [msgspec.structs.replace(one, shed=0) for one in report.tiers]
    failed = sum(one.failed for one in tiers)
    state, told = pages.sentence(msgspec.structs.replace(report, tiers=tiers))
    assert failed
    assert (state, told) == (
        "partial",
        f"All {report.offered:,} exchanges found room; {failed:,} failed",
    )


def test_nothing_is_an_empty_report(store: Store) -> None:
    reported.fill(store)
    with store.reading() as connection:
        asked = Asked(NOVEMBER_S - DAY_S, NOVEMBER_S)
        report = load.report(connection, asked, UPSTREAMS, NOW_S)
    assert (report.offered, report.amplification, report.coverage.ratio) == (0, None, 0.0)
    assert report.tiers == ()


@pytest.mark.parametrize("span", [(5.0, 5.0), (5.0, 4.0), (0.0, 401.0 * DAY_S)])
def test_what_is_no_period_is_refused(span: tuple[float, float]) -> None:
    with pytest.raises(InvalidError):
        load.period_of(Asked(*span), NOW_S)
