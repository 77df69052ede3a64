"""What the data plane needs to know, in one file: the configuration and the callers' keys."""

import msgspec

from penstock.config.model import Config

FORMAT = 1


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's credential: the SHA-256 of it in hex, never the key itself."""

    id: str
    tenant: str
    sha256: str
    routes: tuple[str, ...] = ()  # empty: all routes
    may_keep: bool = True  # its answers may be held in memory, if it asks for that


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A consistent state of everything; ``version`` only grows."""

    version: int
    built_unix_s: float
    config: Config
    keys: tuple[Key, ...]
    is_emulated: bool = False  # the upstreams are stand-ins, and every surface says so
