"""Where the chat's neighbours are: as the configuration says, or as their ready files do."""

from pathlib import Path
from typing import Final

import msgspec

from penstock.config import private_file
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.snapshot import keys

GATEWAY: Final = "gateway.ready.json"
STATUS: Final = "status.ready.json"
TOKEN: Final = Path("run") / "status.token"


class _Ready(msgspec.Struct, frozen=True):
    url: str = ""


def gateway_url(config: Config, state_dir: Path) -> str:
    """Return where answers are asked for; empty if nobody knows."""
    return config.chat.gateway_url or _url(state_dir / "run" / GATEWAY)


def gateway_key(config: Config, state_dir: Path) -> str:
    """Return the key by which answers are asked for; empty if there is none."""
    named = config.chat.gateway_key_file
    return _secret(Path(named) if named else state_dir / f"{keys.CHAT}.key")


def status_url(config: Config, state_dir: Path) -> str:
    """Return where the status page is read; empty if nobody knows."""
    return config.chat.status_url or _url(state_dir / "run" / STATUS)


def status_token(state_dir: Path) -> str:
    """Return the token by which surfaces of ours file reports; empty if there is none."""
    return _secret(state_dir / TOKEN)


def _url(path: Path) -> str:
    try:
        return msgspec.json.decode(private_file.read(path), type=_Ready).url
    except (StoreError, msgspec.MsgspecError):
        return ""


def _secret(path: Path) -> str:
    try:
        return private_file.read(path).strip()
    except StoreError:
        return ""
