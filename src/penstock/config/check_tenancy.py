"""What is wrong with tenants and limits, all at once: each with its place and its remedy.

    tenants     one of a name; names that can stand in headers and lists; weights above 0
    limits      above 0: to let nobody in, revoke the key
    contracts   above 0; of enterprise tenants, others are told that theirs says nothing

Pure: looks at no file. Only what is set is looked at, for None is without a limit.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.core.errors import Problem

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
COUNT_MAX: Final = 10**15  # beyond it a float no longer counts one by one
TIMEOUT_MAX_S: Final = 86_400.0


def problems(tenants: Iterable[Tenant], limits: Mapping[str, Limits]) -> Iterator[Problem]:
    """Yield every contradiction; ``limits`` are those of keys, by name."""
    seen: set[str] = set()
    for tenant in tenants:
        place = f"tenants.{tenant.id}"
        if not NAME.fullmatch(tenant.id):
            remedy = "letters, digits and . _ -, at most 64"
            yield Problem("tenants", f"{tenant.id!r} is not a name", remedy)
        if tenant.id in seen:
            yield Problem(place, "is there twice", "remove one from keys.toml")
        seen.add(tenant.id)
        yield from _tenant(tenant, place)
    for name, one in limits.items():
        yield from _counts(one, f"keys.{name}.limits")


def warnings(tenants: Iterable[Tenant]) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    for tenant in tenants:
        if tenant.contract is not None and tenant.tier is not TierName.ENTERPRISE:
            message = f"says nothing: the tenant is {tenant.tier.value}"
            remedy = f"penstock tenants set {tenant.id} --tier enterprise"
            yield Problem(f"tenants.{tenant.id}.contract", message, remedy)


def _tenant(tenant: Tenant, place: str) -> Iterator[Problem]:
    if not 0 < tenant.weight < math.inf:
        yield Problem(f"{place}.weight", f"is {tenant.weight:g}", "must be above 0")
    timeout_s = tenant.ttft_timeout_s
    if timeout_s is not None and not 0 < timeout_s <= TIMEOUT_MAX_S:
        remedy = "a time is above 0 and at most 86400 seconds"
        yield Problem(f"{place}.ttft_timeout_s", f"is {timeout_s:g}", remedy)
    if tenant.contract is not None:
        yield from _counts(tenant.contract, f"{place}.contract")
    yield from _counts(tenant.limits, f"{place}.limits")


def _counts(struct: Contract | Limits, place: str) -> Iterator[Problem]:
    for name in struct.__struct_fields__:
        value: int | None = getattr(struct, name)
        if value is not None and not 0 < value <= COUNT_MAX:
            yield Problem(f"{place}.{name}", f"is {value}", "must be above 0, or be left out")
