"""The only builder of snapshots."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from penstock.config.model import Config
from penstock.config.tenancy import Price, Tenant
from penstock.snapshot.model import Key, Snapshot


class Tenancy(NamedTuple):
    """Who the keys belong to, and what models cost."""

    tenants: tuple[Tenant, ...] = ()
    prices: tuple[Price, ...] = ()


NO_TENANCY: Final = Tenancy()


def build(
    config: Config,
    keys: Iterable[Key],
    *,
    version: int,
    now_unix_s: float,
    tenancy: Tenancy = NO_TENANCY,
    is_emulated: bool = False,
) -> Snapshot:
    """Join a checked configuration with keys, tenants and prices; ``version`` must only grow."""
    return Snapshot(
        version=version,
        built_unix_s=now_unix_s,
        config=config,
        keys=tuple(keys),
        tenants=tenancy.tenants,
        prices=tenancy.prices,
        is_emulated=is_emulated,
    )
