"""Accounts, links and tokens: the last owner stays, and what works once works for one."""

import pytest
from sqlalchemy import select
from tests.identity.rooms import NOW, TERMS, at_once, person

from penstock.identity import accounts, links, sessions, tokens
from penstock.identity.accounts import Account
from penstock.identity.errors import AccountError, LinkError, NoAccountError
from penstock.identity.links import Link
from penstock.identity.migrate import migrate
from penstock.identity.sessions import Visitor
from penstock.identity.tables import accounts as table
from penstock.identity.tables import metadata
from penstock.identity.tokens import Token
from penstock.ledger.store import Store


@pytest.fixture(autouse=True)
def tables(store: Store) -> None:
    migrate(store)


def test_an_address_has_one_account_however_it_is_written(store: Store) -> None:
    with store.writing() as connection:
        person(connection, " Ann@Example.org ")
        assert accounts.by_email(connection, "ANN@example.ORG") is not None
    with pytest.raises(AccountError), store.writing() as connection:
        person(connection, "ann@EXAMPLE.org")


@pytest.mark.parametrize("email", ["", "ann", "a@b@c", "a b@c.de", "<a@b.de>", "a@", "@b", "a,b@c"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(AccountError):
        accounts.as_email(email)


def test_the_last_owner_stays(store: Store) -> None:
    with store.writing() as connection:
        ann = person(connection)
        person(connection, "bob@example.org", "viewer")
    with pytest.raises(AccountError, match="last owner"), store.writing() as connection:
        accounts.set_role(connection, ann.id, "viewer", keep="owner")
    with pytest.raises(AccountError, match="last owner"), store.writing() as connection:
        accounts.disable(connection, ann.id, NOW, keep="owner")
    with store.reading() as connection:
        assert accounts.by_id(connection, ann.id) == ann


def test_of_two_owners_who_demote_each_other_one_stays(store: Store) -> None:
    with store.writing() as connection:
        both = [person(connection), person(connection, "bob@example.org")]
    waiting = list(both)

    def demote() -> Account:
        with store.writing() as connection:
            return accounts.set_role(connection, waiting.pop().id, "viewer", keep="owner")

    at_once(demote)
    with store.reading() as connection:
        roles = connection.execute(select(table.c.role)).scalars().all()
    assert sorted(roles) == ["owner", "viewer"]


def test_who_is_disabled_is_out_at_once(store: Store) -> None:
    with store.writing() as connection:
        person(connection)
        bob = person(connection, "bob@example.org", "viewer")
        token = sessions.begin(connection, bob.id, Visitor(), TERMS, NOW)
        assert sessions.find(connection, token, TERMS, NOW)
        accounts.disable(connection, bob.id, NOW, keep="owner")
        assert not sessions.find(connection, token, TERMS, NOW)
        accounts.enable(connection, bob.id)
        assert not sessions.find(connection, token, TERMS, NOW)


def test_a_link_that_two_use_at_once_lets_one_in(store: Store) -> None:
    with store.writing() as connection:
        token = links.make(connection, Link(links.FIRST), NOW)

    def use() -> Link:
        with store.writing() as connection:
            return links.use(connection, token, links.FIRST, NOW)

    found = at_once(use, 4)
    assert sum(isinstance(one, Link) for one in found) == 1
    assert sum(isinstance(one, LinkError) for one in found) == 3


def test_a_link_is_for_one_purpose(store: Store) -> None:
    with store.writing() as connection:
        token = links.make(connection, Link(links.INVITATION, expires_unix_s=NOW + 9), NOW)
    for purpose, at in ((links.FIRST, NOW), (links.RESET, NOW), (links.INVITATION, NOW + 9)):
        with pytest.raises(LinkError), store.writing() as connection:
            links.use(connection, token, purpose, at)


def test_no_secret_lies_in_the_database(store: Store) -> None:
    with store.writing() as connection:
        ann = person(connection)
        canaries = [
            links.make(connection, Link(links.FIRST), NOW),
            sessions.begin(connection, ann.id, Visitor(), TERMS, NOW),
            tokens.make(connection, Token("ci", "viewer"), NOW),
        ]
    with store.reading() as connection:
        told = ""
        for one in metadata.sorted_tables:
            told += str(connection.execute(select(one)).all())
    assert "ac-" in told
    assert not [one for one in canaries if one in told]


def test_a_token_lets_in_until_it_is_revoked_or_over(store: Store) -> None:
    with store.writing() as connection:
        raw = tokens.make(connection, Token("ci", "viewer", expires_unix_s=NOW + 9), NOW)
        found = tokens.find(connection, raw, NOW)
        assert found is not None
        assert (found.name, found.role, found.hint) == ("ci", "viewer", raw[:7])
        assert tokens.find(connection, raw, NOW + 9) is None
        assert tokens.find(connection, raw + "x", NOW) is None
        tokens.revoke(connection, "ci", NOW)
        assert tokens.find(connection, raw, NOW) is None
    with pytest.raises(NoAccountError), store.writing() as connection:
        tokens.revoke(connection, "ci", NOW)


def test_a_name_of_a_token_is_not_taken_twice(store: Store) -> None:
    with store.writing() as connection:
        tokens.make(connection, Token("ci", "viewer"), NOW)
    with pytest.raises(AccountError), store.writing() as connection:
        tokens.make(connection, Token("ci", "owner"), NOW)
