"""What is kept of subscribers so that the database alone tells nobody anything.

    key        32 random bytes in ``subscribers.key`` of the state directory, mode 0600, made at the
               first use; all others are derived from it, one for each purpose
    sealed     addresses, and the tokens of links: AES-GCM, bound to the subscriber, so that no row
               can be put in another's place
    hashed     what rows are found by. Addresses with the key (anybody could try all addresses
               against a plain hash), tokens without (nobody can try 256 random bits)
    derived    a webhook's signing secret: it is stored nowhere

Whoever loses the file loses the subscribers: a backup of the database needs it.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.notify.webhook import PREFIX

NAME: Final = "subscribers.key"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TOKEN_BYTES: Final = 32  # 256 random bits


class Sealing:
    """Seals and opens. May be shared by threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._sealer = AESGCM(self._derived("seal"))

    def seal(self, text: str, subscriber: str) -> str:
        """Return a text that only we can read, and only as this subscriber's."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._sealer.encrypt(nonce, text.encode(), subscriber.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def opened(self, sealed: str, subscriber: str) -> str:
        """Return what was sealed; raises StoreError."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
            nonce, inner = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
            return self._sealer.decrypt(nonce, inner, subscriber.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise StoreError(f"a subscriber's row cannot be opened with {NAME}") from error

    def address_hash(self, kind: str, address: str) -> str:
        """Return what the row of an address is found by."""
        return self._derived("address", kind, address).hex()

    def webhook_secret(self, subscriber: str) -> str:
        """Return what a subscriber's webhooks are signed with."""
        return PREFIX + base64.b64encode(self._derived("webhook", subscriber)).decode()

    def public_id(self, kind: str, address: str) -> str:
        """Return an id to answer with: the same for an address, known or not."""
        return self._derived("public", kind, address).hex()[:12]

    def _derived(self, *purpose: str) -> bytes:
        return hmac.new(self._key, "\0".join(purpose).encode(), hashlib.sha256).digest()


def kept(state_dir: Path) -> Sealing:
    """Return what seals with the state directory's key, made if it is not there; StoreError."""
    path = state_dir / NAME
    if not path.exists():
        fresh = base64.b64encode(secrets.token_bytes(KEY_BYTES))
        private_file.write_bytes(path, fresh + b"\n", is_synced=True)
    try:
        key = base64.b64decode(private_file.read(path).strip(), validate=True)
    except ValueError as error:
        raise StoreError(f"{path} is damaged: put it back from a backup") from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} is damaged: put it back from a backup")
    return Sealing(key)


def new_token() -> str:
    """Return the token of a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """Return what a token is found by."""
    return hashlib.sha256(token.encode()).hexdigest()
