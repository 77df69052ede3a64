"""Where the gateway is, and the key that it knows the chat by. Reads files: blocks.

[chat] gateway_url and gateway_key_file come first; then what ``up`` has written: run/up.json and
chat.key; then the configuration's own host and port.
"""

import contextlib
import ipaddress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from penstock.apps.chat.parts import Parts
from penstock.config import private_file
from penstock.core.errors import StoreError

UP: Final = "up.json"
KEY: Final = "chat.key"


class Place(NamedTuple):
    """Where to ask, and with which key."""

    url: str
    key: str


class _Up(msgspec.Struct):
    urls: dict[str, str] = {}


def gateway(parts: Parts) -> Place:
    """Return where the gateway is; raises StoreError if its key cannot be read."""
    chat = parts.config.chat
    path = Path(chat.gateway_key_file) if chat.gateway_key_file else parts.state_dir / KEY
    return Place(_url(parts), private_file.read(path).strip())


def _url(parts: Parts) -> str:
    told = parts.config.chat.gateway_url or _urls(parts).get("gateway", "")
    if told:
        return told.rstrip("/")
    entry = parts.config.gateway
    scheme = "https" if entry.tls_cert_file else "http"
    return f"{scheme}://{_host(entry.host)}:{entry.port}"


def _urls(parts: Parts) -> dict[str, str]:
    try:
        found = private_file.read(parts.state_dir / "run" / UP)
        return msgspec.json.decode(found, type=_Up).urls
    except (StoreError, msgspec.MsgspecError):
        return {}


def _host(host: str) -> str:
    """Return a host as it is asked: whoever listens everywhere listens here."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
