"""Passkeys: each rule that a log-in is refused by, and each answer that is no answer."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from tests.identity.authenticator import PRESENT, Authenticator
from tests.identity.rooms import NOW, fresh, person, tickets
from webauthn.helpers import bytes_to_base64url as b64

from penstock.identity import accounts, passkeys
from penstock.identity.accounts import Account
from penstock.identity.errors import AccountError, LogInError, NoAccountError
from penstock.identity.passkeys import Answer, Party, ask_to_enter, ask_to_register
from penstock.identity.tables import passkeys as table
from penstock.ledger.store import Store

PARTY = Party("console.localhost", "http://console.localhost:8402", "Test")
OTHER = Party("chat.localhost", "http://chat.localhost:8404", "Test")


@pytest.fixture
def store() -> Iterator[Store]:
    made = fresh()
    yield made
    made.close()


def device() -> Authenticator:
    return Authenticator(PARTY.origin, PARTY.id)


def registered(store: Store, with_device: Authenticator, now_unix_s: float = NOW) -> Account:
    with store.writing() as connection:
        ann = accounts.by_email(connection, "ann@example.org") or person(connection)
        asked = ask_to_register(connection, tickets(), PARTY, ann, NOW)
        answer = Answer(asked.ticket, with_device.create(asked.options), "Key")
        passkeys.register(connection, tickets(), PARTY, answer, now_unix_s)
    return ann


def entered(store: Store, with_device: Authenticator, party: Party = PARTY) -> str:
    asked = ask_to_enter(tickets(), party, NOW)
    answer = Answer(asked.ticket, with_device.get(asked.options))
    with store.writing() as connection:
        return passkeys.enter(connection, tickets(), PARTY, answer, NOW).email


def test_a_passkey_lets_its_owner_in(store: Store) -> None:
    mine = device()
    ann = registered(store, mine)
    assert entered(store, mine) == ann.email
    with store.reading() as connection:
        [found] = passkeys.listed(connection, ann.id)
    assert (found.name, found.used_unix_s) == ("Key", NOW)


def test_several_passkeys_and_each_can_be_removed(store: Store) -> None:
    one, two = device(), device()
    ann = registered(store, one)
    registered(store, two)
    with store.writing() as connection:
        passkeys.remove(connection, ann.id, b64(one.id))
    assert entered(store, two) == ann.email
    with pytest.raises(LogInError):
        entered(store, one)
    with pytest.raises(NoAccountError), store.writing() as connection:
        passkeys.remove(connection, "ac-other", b64(two.id))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", "http://console.localhost:9999"),
        ("origin", "https://console.localhost:8402"),
        ("origin", "http://evil.example"),
        ("party", "evil.example"),
        ("party", "localhost"),
        ("flags", PRESENT),  # not verified
        ("flags", 0),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(store: Store, name: str, value: object) -> None:
    mine = device()
    registered(store, mine)
    setattr(mine, name, value)
    with pytest.raises(LogInError):
        entered(store, mine)
    other = device()
    setattr(other, name, value)
    with pytest.raises(LogInError):
        registered(store, other)


def test_a_question_is_answered_once(store: Store) -> None:
    mine = device()
    registered(store, mine)
    asked = ask_to_enter(tickets(), PARTY, NOW)
    answer = Answer(asked.ticket, mine.get(asked.options))
    with store.writing() as connection:
        passkeys.enter(connection, tickets(), PARTY, answer, NOW)
    with pytest.raises(LogInError, match="before"), store.writing() as connection:
        passkeys.enter(connection, tickets(), PARTY, answer, NOW)


def test_an_old_answer_to_a_new_question_is_refused(store: Store) -> None:
    mine = device()
    registered(store, mine)
    first, second = ask_to_enter(tickets(), PARTY, NOW), ask_to_enter(tickets(), PARTY, NOW)
    answer = Answer(second.ticket, mine.get(first.options))
    with pytest.raises(LogInError), store.writing() as connection:
        passkeys.enter(connection, tickets(), PARTY, answer, NOW)


def test_a_question_expires_and_is_for_one_purpose(store: Store) -> None:
    mine = device()
    registered(store, mine)
    with pytest.raises(LogInError, match="expired"):
        registered(store, device(), NOW + passkeys.WITHIN_S)
    with store.writing() as connection:
        ann = accounts.by_email(connection, "ann@example.org")
        assert ann is not None
        asked = ask_to_register(connection, tickets(), PARTY, ann, NOW)
    answer = Answer(asked.ticket, mine.get(asked.options))
    with pytest.raises(LogInError), store.writing() as connection:
        passkeys.enter(connection, tickets(), PARTY, answer, NOW)


def test_a_counter_that_does_not_grow_is_a_clone(store: Store) -> None:
    mine = device()
    mine.count = 5
    registered(store, mine)
    with pytest.raises(LogInError):
        entered(store, mine)
    mine.count = 6
    entered(store, mine)
    with pytest.raises(LogInError):
        entered(store, mine)


def test_somebody_elses_signature_is_refused(store: Store) -> None:
    mine, other = device(), device()
    registered(store, mine)
    other.id = mine.id
    with pytest.raises(LogInError):
        entered(store, other)


def test_a_passkey_is_not_registered_twice(store: Store) -> None:
    mine = device()
    registered(store, mine)
    with pytest.raises(AccountError):
        registered(store, mine)


def test_who_is_disabled_or_gone_does_not_come_in(store: Store) -> None:
    mine = device()
    ann = registered(store, mine)
    with store.writing() as connection:
        accounts.disable(connection, ann.id, NOW, keep="")
    with pytest.raises(LogInError):
        entered(store, mine)
    with store.writing() as connection:
        connection.execute(update(table).values(account="ac-gone"))
    with pytest.raises(LogInError):
        entered(store, mine)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["id", "rawId", "type", "response", "clientExtensionResults"]
INNER = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]


@given(name=st.sampled_from([*FIELDS, *INNER]), value=JSON, is_entering=st.booleans())
def test_an_answer_that_is_none_is_refused_in_words(
    name: str, value: object, *, is_entering: bool
) -> None:
    store = fresh()
    mine = device()
    ann = registered(store, mine)
    with store.writing() as connection:
        asking = ask_to_enter(tickets(), PARTY, NOW)
        if not is_entering:
            asking = ask_to_register(connection, tickets(), PARTY, ann, NOW)
    credential = (mine.get if is_entering else device().create)(asking.options)
    place = credential if name in FIELDS else credential["response"]
    is_same = place.get(name) == value
    place[name] = value
    work = passkeys.enter if is_entering else passkeys.register
    try:
        with store.writing() as connection:
            work(connection, tickets(), PARTY, Answer(asking.ticket, credential), NOW)
    except (LogInError, AccountError):
        return
    finally:
        store.close()
    is_unread = name in ("clientExtensionResults", "userHandle")
    is_of_the_other = name in (INNER[1:2] if is_entering else INNER[2:])
    assert is_same or is_unread or is_of_the_other
