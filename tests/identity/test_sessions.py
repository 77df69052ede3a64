"""Sessions end: by time, by silence, by number, by their owner; links are used up once."""

from pathlib import Path

import pytest

from penstock.identity import accounts, entering, links, sessions
from penstock.identity.accounts import NewAccount
from penstock.identity.errors import LinkError, NoAccountError
from penstock.identity.links import Link
from penstock.identity.migrate import migrate
from penstock.identity.sessions import SESSIONS_MAX, Terms, Visitor
from penstock.ledger.store import Store, open_store

TERMS = Terms(idle_s=100.0, whole_s=1000.0)
NOW = 1_000_000.0
WHO = Visitor("192.0.2.1", "a browser")


@pytest.fixture
def rows(tmp_path: Path) -> Store:
    """Give a database with one account, ``ann``, and another, ``bob``."""
    store = open_store("", tmp_path)
    migrate(store)
    return store


def account(rows: Store, name: str = "ann") -> str:
    with rows.writing() as connection:
        return accounts.create(connection, NewAccount(f"{name}@b.de", name, "viewer"), NOW).id


def begun(rows: Store, whose: str, at: float = NOW) -> str:
    with rows.writing() as connection:
        return sessions.begin(connection, whose, WHO, TERMS, at)


def is_in(rows: Store, token: str, at: float = NOW) -> bool:
    with rows.reading() as connection:
        return sessions.find(connection, token, TERMS, at) is not None


def id_of(rows: Store, token: str) -> str:
    with rows.reading() as connection:
        found = sessions.find(connection, token, TERMS, NOW)
    assert found is not None
    return found[0].id


def test_silence_ends_a_session_at_its_second(rows: Store) -> None:
    token = begun(rows, account(rows))
    assert is_in(rows, token, NOW + 99.9)
    assert not is_in(rows, token, NOW + 100.0)


def test_no_session_outlives_its_time_however_busy(rows: Store) -> None:
    token = begun(rows, account(rows))
    with rows.writing() as connection:
        sessions.touch(connection, id_of(rows, token), NOW + 990.0)
    assert is_in(rows, token, NOW + 999.9)
    assert not is_in(rows, token, NOW + 1000.0)


def test_a_disabled_account_has_no_session_even_if_one_is_left(rows: Store) -> None:
    whose = account(rows)
    with rows.writing() as connection:
        accounts.disable(connection, whose, NOW, keep="owner")
    assert not is_in(rows, begun(rows, whose))


def test_the_session_that_ends_the_others_stays(rows: Store) -> None:
    whose, other = account(rows), account(rows, "bob")
    mine, old, theirs = begun(rows, whose), begun(rows, whose), begun(rows, other)
    this = id_of(rows, mine)
    with rows.writing() as connection:
        assert sessions.end_all(connection, whose, but=this) == 1
    assert [is_in(rows, one) for one in (mine, old, theirs)] == [True, False, True]


def test_nobody_ends_anothers_session_by_its_id(rows: Store) -> None:
    whose, other = account(rows), account(rows, "bob")
    token = begun(rows, whose)
    this = id_of(rows, token)
    with rows.writing() as connection, pytest.raises(NoAccountError):
        sessions.end_one(connection, other, this)
    assert is_in(rows, token)


def test_the_one_that_was_quiet_for_longest_makes_room(rows: Store) -> None:
    whose = account(rows)
    tokens = [begun(rows, whose, NOW + at) for at in range(SESSIONS_MAX)]
    tokens.append(begun(rows, whose, NOW + 50.0))
    there = [is_in(rows, one, NOW + 50.0) for one in tokens]
    assert there == [False] + [True] * SESSIONS_MAX


def test_a_link_that_two_have_looked_at_is_used_once(rows: Store) -> None:
    link = Link(links.INVITATION, "ann@b.de", role="viewer", expires_unix_s=NOW + 100.0)
    with rows.writing() as connection:
        links.make(connection, link, NOW)
        seen = links.invitation_of(connection, "ann@b.de", NOW)
        assert seen is not None
        links.use_invitation(connection, seen, NOW)
        with pytest.raises(LinkError):
            links.use_invitation(connection, seen, NOW)


def test_a_link_that_is_over_lets_nobody_in_by_any_way(rows: Store) -> None:
    link = Link(links.INVITATION, "ann@b.de", role="viewer", expires_unix_s=NOW + 100.0)
    with rows.writing() as connection:
        token = links.make(connection, link, NOW)
        assert links.look(connection, token, links.INVITATION, NOW + 99.0).email == "ann@b.de"
        with pytest.raises(LinkError):
            links.use(connection, token, links.INVITATION, NOW + 100.0)
        assert links.invitation_of(connection, "ann@b.de", NOW + 100.0) is None


def test_a_new_link_takes_the_old_ones_place(rows: Store) -> None:
    link = Link(links.INVITATION, "ann@b.de", role="viewer", expires_unix_s=NOW + 100.0)
    with rows.writing() as connection:
        old = links.make(connection, link, NOW)
        links.make(connection, link, NOW)
        with pytest.raises(LinkError):
            links.look(connection, old, links.INVITATION, NOW)


def test_a_new_password_ends_sessions(rows: Store) -> None:
    whose = account(rows)
    token = begun(rows, whose)
    link = Link(links.RESET, "ann@b.de", account=whose, expires_unix_s=NOW + 100.0)
    with rows.writing() as connection:
        entering.reset(connection, links.make(connection, link, NOW), NOW)
    assert not is_in(rows, token)
