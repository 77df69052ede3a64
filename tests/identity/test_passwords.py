"""Passwords: what is kept, what is refused, and what it costs to guess."""

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.rooms import GOOD, cheap

from penstock.identity import passwords
from penstock.identity.errors import PasswordError
from penstock.identity.passwords import Hasher, check


def test_what_is_kept_is_argon2id_with_the_parameters_of_the_rfc() -> None:
    kept = Hasher().hash(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in kept


def test_the_right_one_is_right_and_no_other() -> None:
    hasher = cheap()
    kept = hasher.hash(GOOD)
    assert hasher.is_right(kept, GOOD)
    assert not hasher.is_right(kept, GOOD + " ")
    assert not hasher.is_right(kept, "")


def test_nothing_is_right_where_nothing_is_kept() -> None:
    hasher = cheap()
    assert not hasher.is_right("", "nobody")
    assert not hasher.is_right("", "")
    assert not hasher.is_right("rubbish", GOOD)


def test_other_parameters_are_told() -> None:
    kept = cheap().hash(GOOD)
    assert not cheap().is_old(kept)
    assert Hasher(argon2.profiles.PRE_21_2).is_old(kept)


def test_keyboards_that_compose_differently_give_the_same() -> None:
    hasher = cheap()
    assert hasher.is_right(hasher.hash("cafe\u0301 au lait chaud"), "caf\u00e9 au lait chaud")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "fewer"),
        ("a" * 300, "more than"),
        ("aaaaaaaaaaaaaaaa", "first that are guessed"),
        ("passwordpassword", "first that are guessed"),
        ("Password-123456!", "first that are guessed"),
        ("qwertyuiop1234567890", "first that are guessed"),
        ("ann.miller@example.org", "own name"),
        ("ann.miller2026", "own name"),
        ("AnnMiller!!!!", "own name"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, why: str) -> None:
    with pytest.raises(PasswordError, match=why):
        check(password, "ann.miller@example.org", "Ann Miller")


@given(st.text(max_size=300))
def test_a_password_is_refused_or_of_the_length_that_is_asked(password: str) -> None:
    fits = passwords.LENGTH_MIN <= len(passwords.normal(password)) <= passwords.LENGTH_MAX
    try:
        check(password, "ann@example.org", "Ann")
    except PasswordError:
        return
    assert fits


def test_a_good_one_is_taken() -> None:
    check(GOOD, "ann@example.org", "Ann Miller")
    check("ann likes warm rivers", "ann@example.org", "Ann Miller")
