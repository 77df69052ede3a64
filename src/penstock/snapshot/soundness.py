"""What speaks against a snapshot as a whole, before it is used: configuration, tenants and prices.

wrongs   limits and tenants that mean nothing: never served
broken   contracts that must hold and do not (``admission.contracts_must_hold``): refused where
         a promise is made or a service begun. Not on a reload: a key that was revoked must go,
         whatever that does to its tenant's contract
doubts   what is allowed but may not be meant: it is served, and everybody is told
"""

from collections.abc import Iterator

from penstock.config import check_tenancy
from penstock.core.errors import Problem
from penstock.snapshot import contracts, prices
from penstock.snapshot.model import Snapshot


def wrongs(snapshot: Snapshot) -> list[Problem]:
    """Return why a snapshot cannot be served; empty if it can."""
    limits = {key.id: key.limits for key in snapshot.keys}
    return list(check_tenancy.problems(snapshot.tenants, limits))


def broken(snapshot: Snapshot) -> list[Problem]:
    """Return which contracts do not hold, if the operator has said that they must."""
    return contracts.broken(snapshot)


def doubts(snapshot: Snapshot) -> Iterator[Problem]:
    """Yield what an operator should know of a snapshot that may be served."""
    yield from check_tenancy.warnings(snapshot.tenants)
    yield from contracts.problems(snapshot)
    limits = [key.limits for key in snapshot.keys]
    limits += [tenant.limits for tenant in snapshot.tenants]
    yield from prices.missing(snapshot.config, snapshot.prices, limits)
