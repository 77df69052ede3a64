"""The only builder of snapshots."""

from collections.abc import Iterable

from penstock.config.model import Config
from penstock.snapshot.model import Key, Snapshot


def build(
    config: Config,
    keys: Iterable[Key],
    *,
    version: int,
    now_unix_s: float,
    is_emulated: bool = False,
) -> Snapshot:
    """Join a checked configuration and the keys; ``version`` must be larger than the last."""
    return Snapshot(
        version=version,
        built_unix_s=now_unix_s,
        config=config,
        keys=tuple(keys),
        is_emulated=is_emulated,
    )
