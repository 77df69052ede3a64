"""Passwords: argon2id with the parameters of RFC 9106, section 4, second choice (64 MiB, 3 passes).

length     at least 12 characters, at most 256 (NIST SP 800-63B-4 asks for 15 where a password is
           all there is, 8 where it is not; what is longer costs a second and gains nothing)
refused    what is most common, what is one character repeated, and what is mostly the account's
           own name or address
unknown    for an account that is not there, or has none, a password of nobody is checked, so that
           the answer takes as long
at once    two hashes at a time: each takes 64 MiB
"""

import threading
import unicodedata
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from penstock.identity.errors import PasswordError

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
AT_ONCE: Final = 2
PART_MIN: Final = 4  # shorter parts of a name are in many words
# The commonest of twelve characters and more in lists of leaked passwords, and what they are made
# of: repeating one of these makes no password.
COMMON: Final = frozenset(
    {
        "password", "passwort", "qwerty", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1q2w3e4r",
        "1q2w3e4r5t", "1qaz2wsx", "1qaz2wsx3edc", "q1w2e3r4", "abc123", "iloveyou", "letmein",
        "welcome", "administrator", "admin", "unknown", "default", "changeme", "secret", "correct",
        "correcthorsebatterystaple", "trustno1", "football", "baseball", "superman", "sunshine",
        "princess", "dragon", "monkey", "penstock", "login", "master", "guest", "p@ssw0rd",
        "passw0rd", "whatever", "computer", "internet", "starwars", "123", "1234", "12345",
        "123456", "1234567", "12345678", "123456789", "1234567890", "987654321", "0987654321",
        "qazwsx", "qwe123", "abcdefgh", "abcdefghijkl", "abcd1234", "aa123456",
    }
)  # fmt: skip


class Hasher:
    """Hashes and checks passwords. May be shared by threads."""

    def __init__(self, parameters: argon2.Parameters = argon2.profiles.RFC_9106_LOW_MEMORY) -> None:
        self._argon2 = argon2.PasswordHasher.from_parameters(parameters)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = ""  # made at the first check, whoever's: it takes a tenth of a second

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._turns:
            return self._argon2.hash(normal(password))

    def is_right(self, kept: str, password: str) -> bool:
        """Tell whether the password is the kept one; takes as long if nothing is kept."""
        with self._turns:
            self._nobody = self._nobody or self._argon2.hash("nobody")
            try:
                self._argon2.verify(kept or self._nobody, normal(password)[: LENGTH_MAX * 4])
            except (VerificationError, InvalidHashError):
                return False
        return bool(kept)

    def is_old(self, kept: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(kept)


def normal(password: str) -> str:
    """Return the password as it is hashed: NFC, so that any keyboard gives the same."""
    return unicodedata.normalize("NFC", password)


def check(password: str, email: str, name: str) -> None:
    """Raise PasswordError if the password is one that is guessed first."""
    given = normal(password)
    if len(given) < LENGTH_MIN:
        raise PasswordError(f"the password has fewer than {LENGTH_MIN} characters")
    if len(given) > LENGTH_MAX:
        raise PasswordError(f"the password has more than {LENGTH_MAX} characters")
    bare = given.casefold()
    if _is_made_of(bare, COMMON) or len(set(bare)) == 1:
        raise PasswordError("the password is one of the first that are guessed")
    if any(len(given) - len(part) < LENGTH_MIN // 2 for part in _own_parts(email, name, bare)):
        raise PasswordError("the password is little more than the account's own name or address")


def _own_parts(email: str, name: str, bare: str) -> list[str]:
    user, _, host = email.casefold().partition("@")
    parts = [email.casefold(), user, host.partition(".")[0], name.casefold().replace(" ", "")]
    parts += name.casefold().split()
    return [part for part in parts if len(part) >= PART_MIN and part in bare]


def _is_made_of(bare: str, words: frozenset[str]) -> bool:
    """Tell whether a text is nothing but these words, one after the other, and some marks."""
    reached = {0}
    for at in range(len(bare)):
        if at in reached:
            reached |= {at + len(word) for word in words if bare.startswith(word, at)}
            if bare[at] in " !.?-_*#":
                reached.add(at + 1)
    return len(bare) in reached
