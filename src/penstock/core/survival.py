"""Survival: whether all contracts can still be kept after the largest source of capacity is lost.

    sum of contracts <= 0.8 x (C - max C_i)        C_i: one upstream's capacity, or one provider's

per dimension that is known: tokens a minute, requests a minute, concurrency. 0.8 leaves room for
estimates, for the 5 % that a contract meter gives beyond the rate, and for bursts (TIERING 1.4). A
source whose capacity nobody has declared counts as nothing, and is named; if none is declared,
nothing can be said. One source alone survives nothing: what is left without it is zero.

Who cannot reach a source is not helped by it. For each set of sources that some tenant is confined
to, the contracts of all who are confined to it, or to a part of it, must hold within that set; and
all contracts must hold within what all together can reach. This is Hall's condition for those
sets, not for every union of them: it misses what only a union of some but not all would show.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

SAFE_RATIO: Final = 0.8  # TIERING 1.4: an assumption there


class Source(NamedTuple):
    """One upstream's capacity in one dimension; None: not declared."""

    name: str
    provider: str
    capacity: int | None


class Share(NamedTuple):
    """What one tenant is owed in one dimension, and which sources its exchanges may go to."""

    tenant: str
    owed: int
    reach: frozenset[str]


class Survival(NamedTuple):
    """The rule for one dimension and one set of tenants, with its arithmetic."""

    dimension: str
    tenants: tuple[str, ...]
    owed: int
    total: int  # capacity of all that these tenants reach
    lost: str  # the largest of them: an upstream, or a provider
    lost_capacity: int
    is_provider: bool
    unknown: tuple[str, ...]  # upstreams whose capacity nobody has declared

    @property
    def allowed(self) -> int:
        """What the contracts may come to."""
        return int(SAFE_RATIO * (self.total - self.lost_capacity))

    @property
    def holds(self) -> bool:
        """Whether the contracts survive the loss."""
        return self.owed <= self.allowed

    @property
    def used_ratio(self) -> float:
        """Contracts as a share of what they may come to; infinite if that is nothing."""
        if self.allowed:
            return self.owed / self.allowed
        return float("inf") if self.owed else 0.0

    @property
    def words(self) -> str:
        """The arithmetic in one line."""
        sign = "<=" if self.holds else ">"
        unknown = f"; {', '.join(self.unknown)} not declared" if self.unknown else ""
        return (
            f"{self.owed:,} {sign} {SAFE_RATIO} x ({self.total:,} - {self.lost_capacity:,} "
            f"of {self.lost}) = {self.allowed:,}{unknown}"
        )


def survivals(dimension: str, sources: Iterable[Source], shares: Iterable[Share]) -> list[Survival]:
    """Return the rule for each set of sources that tenants are confined to, the tightest first.

    Each set twice: for the loss of an upstream, and for the loss of a provider, where it has
    several upstreams. Empty if there are no contracts in this dimension, or no known capacity.
    """
    known = list(sources)
    owed = [share for share in shares if share.owed]
    if not owed or all(source.capacity is None for source in known):
        return []
    everything = frozenset[str]().union(*(share.reach for share in owed))
    found: list[Survival] = []
    for reach in {share.reach for share in owed} | {everything}:
        within = [share for share in owed if share.reach <= reach]
        reached = [source for source in known if source.name in reach]
        upstream = _survival(dimension, reached, within, is_provider=False)
        provider = _survival(dimension, reached, within, is_provider=True)
        found.append(upstream)
        if provider.lost_capacity > upstream.lost_capacity:
            found.append(provider)
    return sorted(found, key=lambda one: (-one.used_ratio, one.is_provider, one.tenants))


def _survival(
    dimension: str, sources: list[Source], shares: list[Share], *, is_provider: bool
) -> Survival:
    groups: dict[str, int] = {}
    for source in sources:
        name = source.provider if is_provider else source.name
        groups[name] = groups.get(name, 0) + (source.capacity or 0)
    lost = max(groups, key=groups.__getitem__, default="")
    return Survival(
        dimension,
        tuple(sorted(share.tenant for share in shares)),
        sum(share.owed for share in shares),
        sum(groups.values()),
        lost or "nobody",
        groups.get(lost, 0),
        is_provider,
        tuple(source.name for source in sources if source.capacity is None),
    )
