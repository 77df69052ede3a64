"""Whether the contracts of a configuration can be kept: the rule of ``core.survival``, applied.

    capacity     of an upstream: its declared quota a minute (a combined one, or input and output
                 together), and its slots (``concurrency_max``)
    provider     who hosts it: the last two labels of the host's name, or the whole address; on
                 this machine each port is one, since losing the machine loses the gateway too
    reach        the upstreams of all routes that any of a tenant's keys may use; a tenant without
                 keys may get one for everything
    owed         what its contract says; a dimension that it leaves out owes nothing there

Assumed: quotas are not shared between upstreams; a tenant can be served by any route that it may
use; concurrency_max is what an upstream can really do, though its default is only a bound.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from penstock.config.check import LOOPBACK
from penstock.config.model import Config, Upstream
from penstock.config.tenancy import Contract, Tenant, TierName
from penstock.core.errors import Problem
from penstock.core.survival import Share, Source, Survival, survivals
from penstock.snapshot.model import Snapshot

DIMENSIONS: Final = ("tokens_per_min", "requests_per_min", "concurrency")
LABELS: Final = 2  # of a host's name that say whose it is


def rule(snapshot: Snapshot) -> list[Survival]:
    """Return the rule of contracts in each dimension that is known, the tightest first."""
    owing = [one for one in snapshot.tenants if _contract(one) is not None]
    reaches = {tenant.id: _reach(snapshot, tenant) for tenant in owing}
    found: list[Survival] = []
    for dimension in DIMENSIONS:
        sources = [
            Source(one.name, provider(one.base_url), _capacity(one, dimension))
            for one in snapshot.config.upstreams
        ]
        shares = [
            Share(tenant.id, getattr(tenant.contract, dimension) or 0, reaches[tenant.id])
            for tenant in owing
        ]
        found += survivals(dimension, sources, shares)
    return found


def problems(snapshot: Snapshot) -> Iterator[Problem]:
    """Yield each promise that the loss of the largest upstream or provider would break."""
    for one in rule(snapshot):
        if not one.holds:
            what = "provider" if one.is_provider else "upstream"
            yield Problem(
                f"contracts.{one.dimension}",
                f"could not be kept without the largest {what}: {one.words}",
                f"promise {', '.join(one.tenants)} less, or add capacity that they reach",
            )
    for tenant in snapshot.tenants:
        if tenant.tier is TierName.ENTERPRISE and _contract(tenant) is None:
            yield Problem(
                f"tenants.{tenant.id}",
                "is enterprise without a contract: all it sends is served first",
                f"penstock tenants set {tenant.id} --contract-tpm ... --contract-concurrency ...",
            )


def broken(snapshot: Snapshot) -> list[Problem]:
    """Return why this must not be served, if the operator has said that contracts must hold.

    Only the loss of an upstream counts: surviving a whole provider is a choice of its own.
    """
    if not snapshot.config.admission.contracts_must_hold:
        return []
    lost = [one for one in rule(snapshot) if not one.holds and not one.is_provider]
    remedy = "promise less, add capacity, or set admission.contracts_must_hold = false"
    return [
        Problem(
            f"contracts.{one.dimension}",
            f"cannot be kept without the largest upstream: {one.words}",
            remedy,
        )
        for one in lost
    ]


def used_ratios(snapshot: Snapshot) -> dict[str, float]:
    """Return contracts as a share of what may be promised, by dimension; above 1 is too much.

    The tightest set of tenants counts, and the loss of an upstream.
    """
    found: dict[str, float] = {}
    for one in rule(snapshot):
        if not one.is_provider:
            found[one.dimension] = max(one.used_ratio, found.get(one.dimension, 0.0))
    return found


def provider(base_url: str) -> str:
    """Return whose upstream this is, as far as its address tells."""
    parts = urlsplit(base_url)
    host = parts.hostname or base_url
    if host in LOOPBACK:
        return parts.netloc
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ".".join(host.split(".")[-LABELS:])
    return host


def _contract(tenant: Tenant) -> Contract | None:
    """Return what is owed to a tenant, None if nothing that could be measured is."""
    if tenant.tier is not TierName.ENTERPRISE or tenant.contract == Contract():
        return None
    return tenant.contract


def _capacity(upstream: Upstream, dimension: str) -> int | None:
    """Return what an upstream can do in one dimension, as declared."""
    quota = upstream.quota
    if dimension == "concurrency":
        return upstream.concurrency_max
    if dimension == "requests_per_min":
        return quota.requests_per_min
    if quota.tokens_per_min is not None:
        return quota.tokens_per_min
    if quota.input_tokens_per_min is None or quota.output_tokens_per_min is None:
        return None
    return quota.input_tokens_per_min + quota.output_tokens_per_min


def _reach(snapshot: Snapshot, tenant: Tenant) -> frozenset[str]:
    """Return the upstreams that a tenant's exchanges may go to."""
    own = [key.routes for key in snapshot.keys if key.tenant == tenant.id]
    routes = None if not own or not all(own) else set[str]().union(*own)
    return frozenset(_upstreams(snapshot.config, routes))


def _upstreams(config: Config, routes: set[str] | None) -> Iterator[str]:
    for route in config.routes:
        if routes is None or route.name in routes:
            for target in route.targets:
                yield target.upstream
