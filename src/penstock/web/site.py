"""What a surface is called: the names and addresses that it may be reached by.

Host      the address that the connection came to, with its port; ``localhost`` and
          its own NAME.localhost with the port; its ``hosts``. Another name is refused: it
          could be anybody's that points here (DNS rebinding)
hosts     NAME is behind a proxy that speaks https for it; http://NAME:PORT is as it says
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

ORIGIN: Final = "penstock.origin"  # the key in a scope


class Site:
    """The names of a surface; ``name`` is its own on one machine: console.localhost."""

    def __init__(self, name: str, hosts: Sequence[str], port: int = 0) -> None:
        self._name = name
        self.port = port  # known once we listen
        self._named = {urlsplit(origin).netloc: origin for origin in map(_origin, hosts)}

    @property
    def origin(self) -> str:
        """Where people should go: passkeys and links are bound to it."""
        return next(iter(self._named.values()), f"http://{self._name}:{self.port}")

    def origin_of(self, host: str, server: tuple[str, int | None] | None) -> str:
        """Return the origin of a Host header; empty if it is not ours."""
        host = host.lower()
        if host in self._named:
            return self._named[host]
        port = server[1] if server else self.port
        own = [f"{name}:{port}" for name in (self._name, "localhost")]
        if server:
            own.append(f"[{server[0]}]:{port}" if ":" in server[0] else f"{server[0]}:{port}")
        return f"http://{host}" if host in own else ""


def origin_of(scope: Mapping[str, object]) -> str:
    """Return the origin that a request came to."""
    return str(scope.get(ORIGIN, ""))


def _origin(host: str) -> str:
    return host.lower().rstrip("/") if "://" in host else f"https://{host.lower()}"
