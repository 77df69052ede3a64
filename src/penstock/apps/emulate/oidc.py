"""An emulated OpenID provider: it vouches for whomever it is told to, or does it wrong on purpose.

    /oidc/.well-known/openid-configuration   discovery
    /oidc/jwks                               its public key
    /oidc/authorize                          consents at once, for the configured person
    /oidc/token                              a code for an ID token: client, redirect, PKCE checked

The issuer is the address that it was asked at. The control port's ``oidc`` says who the person is,
which client it knows, and a flaw: what is wrong with the next answers.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from penstock.apps.emulate.dialect import JSON_TYPE, Query, encode
from penstock.wire import clock
from penstock.wire.call import Call

PREFIX: Final = "/oidc"
CODES_MAX: Final = 100  # codes that nobody has come back with; the oldest goes
LASTS_S: Final = 300
ALGORITHM: Final = "ES256"
FLAWS: Final = {
    "": "none",
    "wrong_nonce": "the token is of another log-in",
    "wrong_audience": "the token is for another client",
    "wrong_issuer": "the token is from another provider",
    "expired": "the token has expired",
    "unverified": "the e-mail address is not verified",
    "other_key": "the token is signed by a key that is not published",
    "unsigned": "the token is signed by nobody",
    "wrong_state": "the browser comes back with another state",
    "denied": "the person does not consent",
    "silent": "the token endpoint answers 503",
    "hanging": "the token endpoint takes the call and never answers",
    "down": "whatever it is asked, it answers 503",
}


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is vouched for, to whom, and what is wrong with it."""

    subject: str = "person-1"
    email: str = "person@example.org"
    name: str = "Emulated person"
    client_id: str = "penstock"
    client_secret: str = ""  # empty: any
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code stands for."""

    redirect_uri: str
    nonce: str
    challenge: str


class Oidc:
    """The provider. Owned by one event loop."""

    def __init__(self) -> None:
        self.settings = OidcSettings()
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._other = ECKey.generate_key("P-256", {"kid": self._key.kid or ""})
        self._grants: dict[str, _Grant] = {}

    def set(self, body: bytes) -> list[str]:
        """Take other settings; returns what is wrong with them."""
        try:
            settings = msgspec.json.decode(body, type=OidcSettings)
        except msgspec.MsgspecError as error:
            return [str(error)]
        if settings.flaw not in FLAWS:
            return [f"flaw: {settings.flaw!r} is none of {', '.join(one for one in FLAWS if one)}"]
        self.settings = settings
        return []

    def answer(self, call: Call, query: Query) -> None:
        """Answer one call."""
        if self.settings.flaw == "down":
            call.send(503, JSON_TYPE, encode({"error": "temporarily_unavailable"}))
            return
        issuer = f"http://{query.headers.get(b'host', b'').decode('latin-1')}{PREFIX}"
        match query.method, query.path:
            case "GET", "/.well-known/openid-configuration":
                call.send(200, JSON_TYPE, encode(_discovery(issuer)))
            case "GET", "/jwks":
                keys = [self._key.as_dict(private=False, use="sig", alg=ALGORITHM)]
                call.send(200, JSON_TYPE, encode({"keys": keys}))
            case "GET", "/authorize":
                self._authorize(call, query.parameters, issuer)
            case "POST", "/token":
                self._token(call, query, issuer)
            case _:
                call.send(404, JSON_TYPE, encode({"error": "not_found"}))

    def _authorize(self, call: Call, given: dict[str, str], issuer: str) -> None:
        redirect_uri = given.get("redirect_uri", "")
        is_sound = (
            given.get("client_id") == self.settings.client_id
            and given.get("response_type") == "code"
            and given.get("code_challenge_method") == "S256"
            and "openid" in given.get("scope", "").split()
            and redirect_uri.isprintable()
            and redirect_uri.startswith("http")
        )
        if not is_sound:
            call.send(400, JSON_TYPE, encode({"error": "invalid_request"}))
            return
        back = {"state": given.get("state", ""), "iss": issuer}
        if self.settings.flaw == "wrong_state":
            back["state"] = "of-somebody-else"
        if self.settings.flaw == "denied":
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_urlsafe(24)
            grant = _Grant(redirect_uri, given.get("nonce", ""), given.get("code_challenge", ""))
            self._grants[back["code"]] = grant
            while len(self._grants) > CODES_MAX:
                del self._grants[next(iter(self._grants))]
        location = f"{redirect_uri}?{urlencode(back)}".encode("ascii", "ignore")
        call.send(302, b"location: %b\r\n" % location, b"")

    def _token(self, call: Call, query: Query, issuer: str) -> None:
        if self.settings.flaw == "silent":
            call.send(503, JSON_TYPE, encode({"error": "temporarily_unavailable"}))
            return
        if self.settings.flaw == "hanging":
            return  # who called has the line, and hears nothing
        form = dict(parse_qsl(query.body.decode("latin-1")))
        grant = self._grants.pop(form.get("code", ""), None)
        if not self._is_client(query, form):
            call.send(401, JSON_TYPE, encode({"error": "invalid_client"}))
        elif grant is None or not _is_kept(grant, form):
            call.send(400, JSON_TYPE, encode({"error": "invalid_grant"}))
        else:
            told = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer"}
            token = self._id_token(issuer, grant.nonce)
            call.send(200, JSON_TYPE, encode({**told, "id_token": token}))

    def _is_client(self, query: Query, form: dict[str, str]) -> bool:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        header = query.headers.get(b"authorization", b"").decode("latin-1")
        if header.lower().startswith("basic "):
            client, secret = _basic(header)
        is_known = client == self.settings.client_id
        return is_known and self.settings.client_secret in ("", secret)

    def _id_token(self, issuer: str, nonce: str) -> str:
        settings, flaw = self.settings, self.settings.flaw
        now = int(clock.now_unix_s()) - (2 * LASTS_S if flaw == "expired" else 0)
        claims: dict[str, Any] = {
            "iss": "http://elsewhere.example" if flaw == "wrong_issuer" else issuer,
            "aud": "somebody-else" if flaw == "wrong_audience" else settings.client_id,
            "sub": settings.subject,
            "nonce": "of-another-log-in" if flaw == "wrong_nonce" else nonce,
            "iat": now,
            "exp": now + LASTS_S,
            "email": settings.email,
            "email_verified": flaw != "unverified",
            "name": settings.name,
        }
        key = self._other if flaw == "other_key" else self._key
        token = jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, [ALGORITHM])
        if flaw != "unsigned":
            return token
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        return f"{head}.{token.split('.')[1]}."


def _discovery(issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "authorization_response_iss_parameter_supported": True,
    }


def _is_kept(grant: _Grant, form: dict[str, str]) -> bool:
    """Tell whether who comes with a code is who was given it."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == grant.redirect_uri
        and secrets.compare_digest(challenge, grant.challenge)
    )


def _basic(header: str) -> tuple[str, str]:
    try:
        client, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote(client), unquote(secret)
