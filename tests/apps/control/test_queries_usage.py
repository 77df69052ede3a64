"""Usage by day, group and stack: whatever way it is cut, it adds up to the exchanges."""

from pathlib import Path

import pytest
from filled import Plan, fill
from sqlalchemy import func, select

from penstock.apps.control.queries import usage
from penstock.apps.control.queries.usage import Figures, Slice, Span
from penstock.ledger import tables
from penstock.ledger.store import Store, open_store

PLAN = Plan(exchanges=5_000, days=4, minutes_days=1)
SPAN = Span(PLAN.since_unix_s, PLAN.since_unix_s + 4 * 86400)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    found = open_store("", tmp_path_factory.mktemp("usage"))
    fill(found, PLAN)
    return found


def total(found: list[Figures]) -> Figures:
    whole = Figures()
    for one in found:
        whole = whole.plus(one)
    return whole


@pytest.mark.parametrize("dimension", usage.DIMENSIONS)
def test_every_cut_adds_up_to_the_exchanges(store: Store, dimension: str) -> None:
    e = tables.exchanges.c
    with store.reading() as connection:
        days = usage.by_day(connection, Slice(SPAN))
        groups = usage.groups(connection, Slice(SPAN), dimension, "charge_microusd")
        names = [one.name for one in groups[:2]]
        stacks = usage.stacks(connection, Slice(SPAN), dimension, names, "tokens")
        truth = connection.execute(
            select(
                func.count(),
                func.sum(e.charge_microusd),
                func.sum(e.input_tokens + e.output_tokens),
            )
        ).one()
    whole = total(list(days.values()))
    assert (whole.exchanges, whole.charge_microusd, whole.tokens) == tuple(truth)
    assert total([one.figures for one in groups]) == whole
    assert sum(sum(one.values()) for one in stacks.values()) == whole.tokens
    charges = [one.figures.charge_microusd for one in groups]
    assert charges == sorted(charges, reverse=True)
    assert set(stacks) <= {*names, usage.OTHERS}


def test_a_part_is_what_has_these_values(store: Store) -> None:
    e = tables.exchanges.c
    part = Slice(Span(SPAN.since_s + 86400, SPAN.since_s + 2 * 86400), {"route": "assistant"})
    with store.reading() as connection:
        days = usage.by_day(connection, part)
        day_us = part.span.since_s * 1_000_000
        truth = connection.execute(
            select(func.count()).where(
                e.route == "assistant", e.at_us.between(day_us, day_us + 86_400_000_000 - 1)
            )
        ).scalar_one()
    assert list(days) == [part.span.since_s]
    assert days[part.span.since_s].exchanges == truth > 0


def test_a_csv_has_a_line_for_each_day_and_value(store: Store) -> None:
    with store.reading() as connection:
        rows = connection.execute(usage.lines(Slice(SPAN), "route")).all()
        whole = total(list(usage.by_day(connection, Slice(SPAN)).values()))
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert total([Figures(*row[2:]) for row in rows]) == whole


def test_what_each_tenant_was_charged_since_a_midnight(store: Store) -> None:
    with store.reading() as connection:
        charged = usage.charged(connection, SPAN.since_s + 2 * 86400)
        late = Slice(Span(SPAN.since_s + 2 * 86400, SPAN.until_s))
        groups = usage.groups(connection, late, "tenant", "charge_microusd")
    assert charged == {one.name: one.figures.charge_microusd for one in groups}


def test_what_had_no_price_is_named(store: Store) -> None:
    with store.reading() as connection:
        found = usage.unpriced(connection, SPAN.since_s)
    assert [(upstream, model) for upstream, model, _ in found] == [("vllm-own", "qwen3-32b")]


def test_the_span_before_is_as_long() -> None:
    assert Span(7 * 86400, 10 * 86400).before == Span(4 * 86400, 7 * 86400)
    assert Span(7 * 86400, 10 * 86400).days == 3


def test_nothing_is_nothing(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    tables.metadata.create_all(store.engine)
    with store.reading() as connection:
        assert usage.by_day(connection, Slice(SPAN)) == {}
        assert usage.groups(connection, Slice(SPAN), "tenant", "exchanges") == []
        assert usage.charged(connection, 0) == {}
