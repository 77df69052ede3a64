"""The list of exchanges: every page together shows each that is wanted once, newest first."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from tests.apps.control.console import parts_in
from tests.apps.control.rows import US, exchange, put

from penstock.apps.control.queries import exchanges as asked_for
from penstock.apps.control.queries.exchanges import Place, Wanted
from penstock.ledger import tables
from penstock.ledger.store import Store

ROW = st.tuples(st.integers(0, 6), st.sampled_from("ab"), st.sampled_from(["served", "shed"]))


def walked(store: Store, wanted: Wanted, rows_max: int) -> tuple[list[str], int]:
    """Return the ids of all pages, and how many pages there were."""
    ids: list[str] = []
    before, pages = None, 0
    with store.reading() as connection:
        while True:
            asked = Wanted(wanted.only, wanted.status, wanted.since_us, wanted.until_us, before)
            found = asked_for.page(connection, asked, rows_max, windows=2)
            pages += 1
            assert len(found.rows) <= rows_max
            ids += [row.id for row in found.rows]
            if found.next is None:
                return ids, pages
            assert before is None or (found.next.at_us, found.next.seq) < (before.at_us, before.seq)
            before = found.next


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, max_size=30),
    st.sampled_from([{}, {"tenant": "a"}, {"fate": "shed"}, {"tenant": "b", "fate": "shed"}]),
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(0, 7)),
)
def test_pages_show_each_exchange_once(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[int, str, str]],
    only: dict[str, str],
    sizes: tuple[int, int, int],
) -> None:
    rows_max, scan, until = sizes
    monkeypatch.setattr(asked_for, "SCAN", scan)
    with store.writing() as connection:
        connection.execute(delete(tables.exchanges))
    made = [
        exchange(number, float(at), tenant=tenant, fate=fate)
        for number, (at, tenant, fate) in enumerate(rows, 1)
    ]
    if made:
        put(store, tables.exchanges, made)
    wanted = Wanted(only, until_us=until * US)
    expected = [
        (row["at_us"], row["id"])
        for row in made
        if all(row[name] == value for name, value in only.items())
        and (not until or row["at_us"] < until * US)
    ]
    ids, _ = walked(store, wanted, rows_max)
    assert ids == [name for _, name in sorted(expected, reverse=True)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return parts_in(tmp_path).store


def test_a_search_that_ends_early_says_how_far_it_has_looked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_for, "SCAN", 2)
    put(store, tables.exchanges, [exchange(at, 100.0 + at) for at in range(10)])
    with store.reading() as connection:
        found = asked_for.page(connection, Wanted({"fate": "shed"}), 5, windows=2)
    assert found.is_cut
    assert found.rows == []
    assert found.looked_back_us == 106 * US
    assert found.next == Place(106 * US, 7)


@pytest.mark.parametrize("only", [{}, {"tenant": "acme"}])
def test_a_page_reads_by_an_index_alone(store: Store, only: dict[str, str]) -> None:
    put(store, tables.exchanges, [exchange(at, 100.0 + at) for at in range(10)])
    with store.reading() as connection:
        place = Place(105 * US, 6)
        query = asked_for.rows_query(Wanted(only), place, None, 5)
        text = str(query.compile(store.engine, compile_kwargs={"literal_binds": True}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    words = " ".join(str(line) for line in plan)
    assert "USING INDEX exchanges_" in words
    assert "TEMP B-TREE" not in words
