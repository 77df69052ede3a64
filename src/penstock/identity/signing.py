"""Signed tokens that another process can check with a public file while we are dead.

    key      Ed25519; a new one every 30 days, the last one stays until its tokens have expired
    token    a JWT (RFC 7519) with alg Ed25519 (RFC 9864): issuer, audience, subject, role, 12 h
    file     the public keys as a JWK set (RFC 7517); the private ones lie in a file of mode 0600

What is signed cannot be taken back by whoever only has the file: 12 hours is how long that lasts.
"""

from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

LASTS_S: Final = 12 * 3600.0
ROTATED_S: Final = 30 * 86_400.0
ALGORITHM: Final = "Ed25519"
TOKEN_BYTES_MAX: Final = 4096
NAME_MAX: Final = 200
LEEWAY_S: Final = 60  # between the clocks of two machines


class Signed(msgspec.Struct, frozen=True):
    """What a token says."""

    subject: str
    role: str
    expires_unix_s: float
    name: str = ""  # what people call the subject; may be empty


class SigningKey(msgspec.Struct, frozen=True):
    """One key pair, as it lies in the private file."""

    jwk: dict[str, str]
    created_unix_s: float


class Ring(msgspec.Struct, frozen=True):
    """The key that signs, and those before it whose tokens may still be about."""

    keys: tuple[SigningKey, ...] = ()  # the newest first

    def public(self) -> str:
        """Return the public parts as a JWK set."""
        keys = [_key(one).as_dict(private=False) for one in self.keys]
        return msgspec.json.encode({"keys": keys}).decode()


class Claim(msgspec.Struct, frozen=True):
    """Whom a token is for."""

    issuer: str
    audience: str
    subject: str
    role: str
    name: str = ""


def turned(ring: Ring, now_unix_s: float) -> Ring:
    """Return the ring with a new key if it is time, without those whose tokens are over."""
    keys = ring.keys
    if not keys or now_unix_s - keys[0].created_unix_s >= ROTATED_S:
        fresh = OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=True)
        jwk = {str(name): str(value) for name, value in fresh.items()}
        keys = (SigningKey(jwk, now_unix_s), *keys)
    over_s = LASTS_S + 2 * LEEWAY_S  # a key signs until the next one is made
    kept = [
        one
        for at, one in enumerate(keys)
        if at == 0 or now_unix_s - keys[at - 1].created_unix_s < over_s
    ]
    return Ring(tuple(kept))


def issue(ring: Ring, claim: Claim, now_unix_s: float) -> str:
    """Return a signed token."""
    key = _key(ring.keys[0])
    claims: dict[str, Any] = {
        "iss": claim.issuer,
        "aud": claim.audience,
        "sub": claim.subject,
        "role": claim.role,
        "iat": int(now_unix_s),
        "exp": int(now_unix_s + LASTS_S),
    }
    if claim.name:
        claims["name"] = claim.name
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, [ALGORITHM])


def verify(public: str, token: str, issuer: str, audience: str, now_unix_s: float) -> Signed | None:
    """Return what a token says, or nothing if it is not signed by these keys, for this audience."""
    if len(token) > TOKEN_BYTES_MAX:
        return None
    try:
        keys = KeySet.import_key_set(msgspec.json.decode(public))
        claims = jwt.decode(token, keys, [ALGORITHM]).claims
        jwt.JWTClaimsRegistry(
            now=int(now_unix_s),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            role={"essential": True},
        ).validate(claims)
        name = str(claims.get("name", ""))[:NAME_MAX]
        return Signed(str(claims["sub"]), str(claims["role"]), float(claims["exp"]), name)
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _key(key: SigningKey) -> OKPKey:
    return OKPKey.import_key({**key.jwk})
