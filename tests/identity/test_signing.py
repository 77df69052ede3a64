"""Operators' tokens: checked with the public file alone, by nobody else's key, for 12 hours."""

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from tests.identity.rooms import NOW

from penstock.identity import signing
from penstock.identity.signing import LASTS_S, LEEWAY_S, ROTATED_S, Claim, Ring, issue, verify

CLAIM = Claim("control", "operators", "ac-1", "owner")
RING = signing.turned(Ring(), NOW)
TOKEN = issue(RING, CLAIM, NOW)


def read(token: str, ring: Ring = RING, now_unix_s: float = NOW) -> str:
    found = verify(ring.public(), token, "control", "operators", now_unix_s)
    return "" if found is None else f"{found.subject} {found.role}"


def test_a_token_says_who_and_what_for_twelve_hours() -> None:
    assert read(TOKEN) == "ac-1 owner"
    assert read(TOKEN, now_unix_s=NOW + LASTS_S) == "ac-1 owner"
    assert not read(TOKEN, now_unix_s=NOW + LASTS_S + LEEWAY_S)
    assert not read(TOKEN, now_unix_s=NOW - 2 * LEEWAY_S)


def test_the_public_file_signs_nothing() -> None:
    public = msgspec.json.decode(RING.public())
    assert all("d" not in key for key in public["keys"])
    assert RING.keys[0].jwk["d"] not in RING.public()


def test_a_key_is_turned_and_its_tokens_last_on() -> None:
    assert signing.turned(RING, NOW + ROTATED_S - 1) == RING
    later = signing.turned(RING, NOW + ROTATED_S)
    assert len(later.keys) == 2
    last = issue(RING, CLAIM, NOW + ROTATED_S - 1)
    assert read(last, later, NOW + ROTATED_S + LASTS_S - 2) == "ac-1 owner"
    much_later = signing.turned(later, NOW + ROTATED_S + LASTS_S + 3 * LEEWAY_S)
    assert len(much_later.keys) == 1
    assert not read(last, much_later, NOW + ROTATED_S)


@pytest.mark.parametrize(("issuer", "audience"), [("other", "operators"), ("control", "other")])
def test_a_token_for_others_is_nothing(issuer: str, audience: str) -> None:
    other = issue(RING, Claim(issuer, audience, "ac-1", "owner"), NOW)
    assert not read(other)


def test_forged_ones_are_nothing() -> None:
    claims = {"iss": "control", "aud": "operators", "sub": "x", "role": "owner"}
    claims |= {"iat": int(NOW), "exp": int(NOW + 60)}
    stranger = OKPKey.generate_key("Ed25519")
    kid = RING.keys[0].jwk["kid"]
    head = {"alg": "Ed25519", "kid": kid}
    assert not read(jwt.encode(head, {**claims}, stranger, ["Ed25519"]))
    # The public key taken for a shared secret: the oldest trick.
    public = OctKey.import_key(RING.public().encode())
    assert not read(jwt.encode({"alg": "HS256", "kid": kid}, {**claims}, public, ["HS256"]))
    head_none, body, _ = TOKEN.split(".")
    assert not read(f"eyJhbGciOiJub25lIn0.{body}.")
    assert not read(f"{head_none}.{body}.")
    assert not read(TOKEN[:-8] + "AAAAAAA" + TOKEN[-1])
    assert not read("")
    assert not read("a.b.c")
    assert not read("x" * 5000)


def test_a_broken_public_file_lets_nobody_in() -> None:
    for public in ("", "{}", '{"keys": []}', '{"keys": [{}]}', '{"keys": 1}', "[]"):
        assert verify(public, TOKEN, "control", "operators", NOW) is None
