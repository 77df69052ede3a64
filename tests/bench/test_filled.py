"""What fills a ledger keeps its promise: the sums of every grain agree with the exchanges."""

from pathlib import Path

import pytest
from filled import Plan, fill
from sqlalchemy import func, select

from penstock.ledger import tables
from penstock.ledger.store import Store, open_store

pytestmark = pytest.mark.slow

PLAN = Plan(exchanges=20_000, days=4, minutes_days=2)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store("", tmp_path_factory.mktemp("filled"))
    fill(store, PLAN)
    return store


@pytest.mark.parametrize("name", ["exchanges", *tables.FATES, *tables.TOKENS, *tables.MONEY])
def test_every_grain_adds_up_to_the_exchanges(filled: Store, name: str) -> None:
    e = tables.exchanges.c
    if name == "exchanges":
        truth = select(func.count()).select_from(tables.exchanges)
    elif name in tables.FATES:
        truth = select(func.count()).where(e.fate == name)
    else:
        truth = select(func.sum(e[name]))
    t = tables.traffic.c
    with filled.reading() as connection:
        expected = connection.execute(truth).scalar_one()
        found = connection.execute(
            select(t.grain_s, func.sum(t[name])).where(t.grain_s > 60).group_by(t.grain_s)
        )
        assert dict(found.all()) == dict.fromkeys((300, 3600, 86400), expected)


def test_sums_a_minute_are_of_the_last_days(filled: Store) -> None:
    t, e = tables.traffic.c, tables.exchanges.c
    midnight_s = PLAN.until_unix_s // 86400 * 86400 - 86400
    with filled.reading() as connection:
        sums = select(func.sum(t.exchanges)).where(t.grain_s == 60)
        rows = select(func.count()).where(e.at_us >= midnight_s * 1_000_000)
        assert connection.execute(sums).scalar_one() == connection.execute(rows).scalar_one()


def test_usage_attempts_and_refusals_agree_with_the_exchanges(filled: Store) -> None:
    e, u = tables.exchanges.c, tables.usage.c
    with filled.reading() as connection:
        one = connection.execute(
            select(func.count(), func.sum(e.attempts), func.sum(e.charge_microusd))
        ).one()
        used = connection.execute(select(func.sum(u.exchanges), func.sum(u.charge_microusd))).one()
        tried = select(func.sum(tables.attempts.c.attempts)).where(
            tables.attempts.c.grain_s == 3600
        )
        refused = select(func.sum(tables.refusals.c.exchanges)).where(
            tables.refusals.c.grain_s == 86400
        )
        unserved = select(func.count()).where(e.fate != "served")
        assert tuple(used) == (one[0], one[2])
        assert connection.execute(tried).scalar_one() == one[1]
        assert connection.execute(refused).scalar_one() == connection.execute(unserved).scalar_one()


def test_the_same_plan_fills_the_same_rows(filled: Store, tmp_path: Path) -> None:
    again = open_store("", tmp_path)
    fill(again, PLAN)
    e = tables.exchanges
    some = select(e).where(e.c.seq.in_((1, 777, 19_000))).order_by(e.c.seq)
    with filled.reading() as one, again.reading() as other:
        assert one.execute(some).all() == other.execute(some).all()


def test_an_outage_is_survived_by_failover(filled: Store) -> None:
    e = tables.exchanges.c
    span = (PLAN.outage_unix_s * 1_000_000, (PLAN.outage_unix_s + 3 * 3600) * 1_000_000)
    with filled.reading() as connection:
        found = connection.execute(
            select(e.fate, func.count(), func.sum(e.hops))
            .where(e.at_us.between(*span), e.route == "assistant")
            .group_by(e.fate)
        ).all()
    told = {fate: (number, hops) for fate, number, hops in found}
    assert told["served"][0] > 10 * told.get("failed", (0, 0))[0]
    assert told["served"][1] > 0
