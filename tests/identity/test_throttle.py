"""Waits: they grow, they are bounded, many at once gain nothing, and nobody is locked out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.identity.rooms import NOW, at_once, fresh

from penstock.identity import throttle
from penstock.identity.errors import TooOftenError
from penstock.identity.migrate import migrate
from penstock.identity.tables import throttle as table
from penstock.identity.throttle import Subject, charge, of_account, of_address, of_device, wait_of
from penstock.ledger.store import Store


@given(st.integers(min_value=0, max_value=10_000))
def test_waits_grow_to_a_bound(failures: int) -> None:
    for subject in (of_account("a"), of_address("10.0.0.1"), of_device("x")):
        wait_s = wait_of(subject, failures)
        assert (wait_s == 0.0) == (failures < subject.free)
        assert wait_s <= wait_of(subject, failures + 1) <= subject.wait_s_max <= 900.0


def test_many_at_once_are_counted_before_any_is_checked(store: Store) -> None:
    migrate(store)
    subject = Subject("account:x", 3, 60.0)

    def attempt() -> None:
        with store.writing() as connection:
            charge(connection, (subject,), NOW)

    found = at_once(attempt, 8)
    assert sum(one is None for one in found) == 3
    assert sum(isinstance(one, TooOftenError) for one in found) == 5


def test_one_who_waits_is_not_made_to_wait_longer() -> None:
    store = fresh()
    subject = Subject("account:x", 1, 60.0)
    with store.writing() as connection:
        charge(connection, (subject,), NOW)
    for _ in range(5):
        with pytest.raises(TooOftenError), store.writing() as connection:
            charge(connection, (subject,), NOW + 0.9)
    with store.writing() as connection:
        charge(connection, (subject,), NOW + 1.0)
    store.close()


def test_addresses_of_one_network_are_one() -> None:
    assert of_address("2001:db8::1") == of_address("2001:db8::ffff:1")
    assert of_address("2001:db8::1") != of_address("2001:db8:0:1::1")
    assert of_address("::ffff:10.0.0.1") == of_address("10.0.0.1")
    assert of_address("10.0.0.1") != of_address("10.0.0.2")
    assert of_address("no address") == of_address("no address")


def test_what_was_typed_is_not_kept() -> None:
    assert "hunter2" not in of_account("hunter2").name


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "ROWS_MAX", 20)
    store = fresh()
    for number in range(60):
        with store.writing() as connection:
            charge(connection, (of_address(f"10.0.0.{number}"),), NOW + number)
    with store.reading() as connection:
        assert (connection.execute(select(func.count()).select_from(table)).scalar() or 0) <= 20
        last = select(table.c.failures).where(table.c.subject == "address:10.0.0.59")
        assert connection.execute(last).scalar() == 1
    store.close()


def test_a_right_password_cleans_the_account_and_not_the_address() -> None:
    store = fresh()
    both = (of_account("a"), of_address("10.0.0.1"))
    for _ in range(4):
        with store.writing() as connection:
            charge(connection, both, NOW)
    with store.writing() as connection:
        throttle.forgive(connection, both, NOW)
        rows = connection.execute(select(table.c.subject, table.c.failures))
        left = {row.subject: row.failures for row in rows}
    assert left == {"address:10.0.0.1": 3}
    store.close()
