"""Log-in by OpenID Connect: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636).

begin      discovery, then to the provider with state, nonce and the challenge of a verifier
finish     the state is the browser's own; the code is changed for an ID token, whose signature,
           issuer, audience, authorized party, nonce and times are checked
keys       fetched once, and again for a key id that is not known, at most once a minute
signed by  RS256, PS256, ES256, Ed25519 or EdDSA; never by a shared secret, never by nobody
reached    over https, except on this machine; no redirects; bounded in time and size

failing    what the last call of each stage came to is kept, until the next of that stage; ``probe``
           asks again, so that it is known when it passes, and before somebody wants in

What state, nonce and verifier were lies in a signed ticket in the browser that began.
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from penstock.identity.errors import LogInError
from penstock.telemetry import log

PURPOSE: Final = "oidc"
WITHIN_S: Final = 600.0  # at the provider's pages: a second factor has to be found
CALL_S: Final = 5.0  # whole; a provider that is well answers within one
ANSWER_BYTES_MAX: Final = 1024 * 1024
KEPT_S: Final = 3600.0  # what discovery said
KEYS_EVERY_S: Final = 60.0
LEEWAY_S: Final = 60  # between two machines' clocks
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
OK: Final = 200
REFUSED: Final = frozenset({400, 401, 403})  # for a code that is none; anybody can bring one
SILENT: Final = "the provider does not answer"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
VERIFIER_BYTES: Final = 48


class ProviderError(LogInError):
    """The provider cannot be reached, or says what it must not; the fault is not the person's."""

    status = 502
    code = "provider_failed"
    remedy = "Try again, or log in by password or passkey."


class Client(msgspec.Struct, frozen=True):
    """Who we are at the provider."""

    issuer: str
    client_id: str
    client_secret: str = ""  # empty: a public client, by PKCE alone


class Flow(msgspec.Struct, frozen=True):
    """What a ticket remembers between leaving and coming back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    after: str = "/"  # where the person wanted to go
    session: str = ""  # whose account gets the identity; empty: a log-in


class Person(msgspec.Struct, frozen=True):
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str  # empty unless it is verified
    name: str


class Discovery(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class TokenAnswer(msgspec.Struct, frozen=True):
    """What a code is changed for; the access token is not used."""

    id_token: str


class Provider:
    """One OpenID provider. Owned by one event loop."""

    def __init__(
        self, client: Client, http: httpx.AsyncClient, now_unix_s: Callable[[], float]
    ) -> None:
        self._client = client
        self._http = http
        self._now_unix_s = now_unix_s
        self._discovery: Discovery | None = None
        self._discovered_unix_s = 0.0
        self._keys: KeySet | None = None
        self._keys_unix_s = 0.0
        self._failed: dict[str, str] = {}  # stages whose last call failed, and why

    @property
    def trouble(self) -> str:
        """Why nobody can log in by the provider; empty: as far as is known, all can."""
        return next(iter(self._failed.values()), "")

    async def probe(self) -> None:
        """Ask what it is; where the last code was not changed, also about one that is none."""
        try:
            known = await self._asked()
            if "token" in self._failed:
                form = {"grant_type": "authorization_code", "code": "none", "redirect_uri": ""}
                form["client_id"] = self._client.client_id
                request = self._http.build_request("POST", known.token_endpoint, data=form)
                await self._fetch("token", request)
        except ProviderError as error:
            log.info("provider_probed", reason=error.message)

    async def begin(self, redirect_uri: str, after: str = "/") -> tuple[str, Flow]:
        """Return where the browser goes, and what it has to bring back; raises ProviderError."""
        known = await self._discover()
        flow = Flow(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(VERIFIER_BYTES),
            redirect_uri=redirect_uri,
            after=after,
        )
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge_of(flow.verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(known.authorization_endpoint).query else "?"
        return f"{known.authorization_endpoint}{joint}{urlencode(query)}", flow

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> Person:
        """Return whom the provider vouches for; raises LogInError, ProviderError."""
        known = await self._discover()
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise LogInError("this log-in was not begun here")
        has_to_say = known.authorization_response_iss_parameter_supported
        if answer.get("iss", known.issuer if not has_to_say else "") != known.issuer:
            raise LogInError("the answer is from another provider")  # RFC 9207
        if "error" in answer or not answer.get("code"):
            raise LogInError("the provider did not let you in")
        token = await self._change(known, flow, answer["code"])
        return await self._person(known, flow, token)

    async def _change(self, known: Discovery, flow: Flow, code: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        secret = self._client.client_secret
        is_basic = "client_secret_basic" in known.token_endpoint_auth_methods_supported
        auth = None
        if secret and is_basic:
            auth = httpx.BasicAuth(self._client.client_id, secret)
        else:
            form["client_id"] = self._client.client_id
            form |= {"client_secret": secret} if secret else {}
        request = self._http.build_request("POST", known.token_endpoint, data=form)
        raw = await self._fetch("token", request, auth)
        return _decoded(raw, TokenAnswer).id_token

    async def _person(self, known: Discovery, flow: Flow, token: str) -> Person:
        claims = await self._claims(known, token)
        now = int(self._now_unix_s())
        registry = jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": known.issuer},
            aud={"essential": True, "value": self._client.client_id},
            nonce={"essential": True, "value": flow.nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise LogInError("the provider's token is not for this log-in") from error
        own = self._client.client_id
        is_only_ours = claims["aud"] in (own, [own])
        if claims.get("azp", own if is_only_ours else "") != own:
            raise LogInError("the provider's token is for another client")
        is_verified = claims.get("email_verified") is True
        return Person(
            known.issuer,
            str(claims["sub"])[:255],  # the most that Core 1.0, section 2, allows
            str(claims.get("email", "")).strip().lower() if is_verified else "",
            str(claims.get("name", "")),
        )

    async def _claims(self, known: Discovery, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of the provider's keys has signed."""
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise ProviderError("the provider's answer holds no token") from error
        kid = str(header.get("kid", ""))
        for is_again in (False, True):
            for key in await self._fitting(known, kid, is_again=is_again):
                try:
                    return jwt.decode(token, key, ALGORITHMS).claims
                except (JoseError, ValueError):
                    continue
        raise LogInError("the provider's token is not signed by the provider")

    async def _fitting(self, known: Discovery, kid: str, *, is_again: bool) -> list[Key]:
        now_unix_s = self._now_unix_s()
        may_fetch = is_again and now_unix_s - self._keys_unix_s >= KEYS_EVERY_S
        if self._keys is None or may_fetch:
            self._keys_unix_s = now_unix_s
            raw = await self._fetch("keys", self._http.build_request("GET", known.jwks_uri))
            try:
                self._keys = KeySet.import_key_set(_decoded(raw, dict[str, Any]))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderError("the provider's keys cannot be understood") from error
        keys: list[Key] = [*self._keys.keys]
        return [key for key in keys if key.key_type != "oct" and (not kid or key.kid == kid)]

    async def _discover(self) -> Discovery:
        now_unix_s = self._now_unix_s()
        if self._discovery is not None and now_unix_s - self._discovered_unix_s < KEPT_S:
            return self._discovery
        return await self._asked()

    async def _asked(self) -> Discovery:
        issuer = self._client.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        raw = await self._fetch("discovery", self._http.build_request("GET", url))
        known = _decoded(raw, Discovery)
        if known.issuer != issuer:
            raise ProviderError("the provider says it is another one")
        self._discovery, self._discovered_unix_s = known, self._now_unix_s()
        return known

    async def _fetch(
        self, stage: str, request: httpx.Request, auth: httpx.Auth | None = None
    ) -> bytes:
        """Return an answer; whether the provider is well is kept: one that refuses a code is."""
        try:
            async with asyncio.timeout(CALL_S):
                status, raw = await self._sent(request, auth)
        except TimeoutError as error:
            self._failed[stage] = SILENT
            raise ProviderError(SILENT) from error
        except ProviderError as error:
            self._failed[stage] = error.message
            raise
        words = "" if status == OK else f"the provider answered {status}"
        if not words or status in REFUSED:
            self._failed.pop(stage, None)
        else:
            self._failed[stage] = words
        if words:
            raise ProviderError(words)
        return raw

    async def _sent(self, request: httpx.Request, auth: httpx.Auth | None) -> tuple[int, bytes]:
        if request.url.scheme != "https" and request.url.host not in LOOPBACK:
            raise ProviderError("the provider must be asked over https")
        raw = bytearray()
        try:
            response = await self._http.send(
                request, auth=auth, stream=True, follow_redirects=False
            )
            try:
                async for chunk in response.aiter_bytes():
                    raw += chunk
                    if len(raw) > ANSWER_BYTES_MAX:
                        raise ProviderError("the provider says too much")
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise ProviderError("the provider cannot be reached") from error
        return response.status_code, bytes(raw)


def http_client() -> httpx.AsyncClient:
    """Return what providers are asked with: nothing of the environment, bounded times."""
    return httpx.AsyncClient(
        timeout=CALL_S, trust_env=False, limits=httpx.Limits(max_connections=8)
    )


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _decoded(raw: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ProviderError("the provider's answer cannot be understood") from error
