"""With the database alone nobody reads anything; with the key nobody swaps rows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.subscriptions import sealing
from penstock.apps.status.subscriptions.sealing import Sealing
from penstock.core.errors import StoreError

ONE, OTHER = Sealing(b"1" * 32), Sealing(b"2" * 32)


@given(st.text(), st.text())
def test_what_is_sealed_is_opened_as_the_same_subscribers_only(text: str, subscriber: str) -> None:
    sealed = ONE.seal(text, subscriber)
    assert ONE.opened(sealed, subscriber) == text
    assert ONE.seal(text, subscriber) != sealed
    for seals, whose in ((ONE, f"{subscriber}x"), (OTHER, subscriber)):
        with pytest.raises(StoreError):
            seals.opened(sealed, whose)


@given(st.text(alphabet="abcXYZ019-_=\u00e9", max_size=100))
def test_junk_is_a_store_error(junk: str) -> None:
    with pytest.raises(StoreError):
        ONE.opened(junk, "s")


def test_each_purpose_and_each_subscriber_has_its_own() -> None:
    found = {
        *(one.address_hash(kind, "a") for one in (ONE, OTHER) for kind in ("email", "slack")),
        *(one.webhook_secret(subscriber) for one in (ONE, OTHER) for subscriber in "ab"),
        ONE.public_id("email", "a"),
    }
    assert len(found) == 9


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    first, second = sealing.kept(tmp_path), sealing.kept(tmp_path)
    assert second.opened(first.seal("x", "s"), "s") == "x"
    path = tmp_path / sealing.NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("not a key\n")
    with pytest.raises(StoreError, match="damaged"):
        sealing.kept(tmp_path)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        sealing.kept(tmp_path)


def test_a_token_has_256_bits() -> None:
    tokens = {sealing.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(one) for one in tokens} == {43}
