"""Asking one upstream one thing at a time, with its own credential: for commands, not for callers.

Blocking and bounded, without retries, redirects or pooling. What comes back never holds the key.
"""

import contextlib
import http.client
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import certifi

from penstock import __version__
from penstock.config import load
from penstock.config.model import Upstream
from penstock.core.errors import StoreError
from penstock.dialects.registry import DIALECTS

WITHIN_S: Final = 60.0  # an engine may load its model first
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; status 0: nothing did, and ``body`` says why."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Asker:
    """Who asks one upstream. Raises StoreError at the start if its key is not there."""

    def __init__(self, upstream: Upstream, within_s: float = WITHIN_S) -> None:
        self.dialect = DIALECTS[upstream.dialect.value]
        self._key = load.secret(upstream)
        self._within_s = within_s
        self._upstream = upstream
        self._base = urlsplit(upstream.base_url)
        lines = self.dialect.auth_headers(self._key, upstream.api_version, {}).decode().splitlines()
        self._headers = dict(line.split(": ", 1) for line in lines if line) | upstream.headers
        self._headers |= {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": f"penstock/{__version__}",
        }
        self.asked = 0

    def post(self, path: bytes, body: bytes) -> Reply:
        """Send one request to the dialect's path, below the base URL."""
        return self._ask("POST", self._base.path.rstrip("/") + path.decode(), body)

    def get(self, path: str, *, from_root: bool = False) -> Reply:
        """Look at a page below the base URL, or of the server itself."""
        return self._ask("GET", path if from_root else self._base.path.rstrip("/") + path, b"")

    def _ask(self, method: str, path: str, body: bytes) -> Reply:
        self.asked += 1
        connection = self._connection()
        with contextlib.closing(connection):
            try:
                connection.request(method, path, body or None, self._headers)
                response = connection.getresponse()
                raw = response.read(ANSWER_BYTES_MAX)
            except (OSError, http.client.HTTPException) as error:
                return Reply(0, {}, f"{type(error).__name__}: {error}".encode())
        headers = {name.lower().encode(): value.encode() for name, value in response.getheaders()}
        if self._key:
            raw = raw.replace(self._key.encode(), b"[key]")
        return Reply(response.status, headers, raw)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._within_s)
        try:
            context = ssl.create_default_context(
                cafile=self._upstream.tls_ca_file or certifi.where()
            )
        except OSError as error:
            raise StoreError(f"{self._upstream.tls_ca_file} cannot be used: {error}") from error
        return http.client.HTTPSConnection(host, port, timeout=self._within_s, context=context)
