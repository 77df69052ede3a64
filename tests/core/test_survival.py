"""The rule of contracts, against its own words: every set of tenants, every loss."""

import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.survival import SAFE_RATIO, Share, Source, survivals

NAMES = ["a", "b", "c", "d"]
CAPACITY = st.none() | st.integers(0, 1_000_000)
SOURCES = st.lists(CAPACITY, min_size=1, max_size=4).flatmap(
    lambda some: st.lists(st.sampled_from(["p", "q"]), min_size=len(some), max_size=len(some)).map(
        lambda who: [Source(*one) for one in zip(NAMES, who, some, strict=False)]
    )
)
SHARES = st.lists(
    st.tuples(st.integers(0, 500_000), st.frozensets(st.sampled_from(NAMES))), max_size=4
).map(lambda some: [Share(f"t{at}", owed, reach) for at, (owed, reach) in enumerate(some)])


def holds_after_every_loss(sources: list[Source], shares: list[Share], reach: set[str]) -> bool:
    """Tell by trying: lose each one, and see whether what is left can carry what is owed there."""
    reached = [source for source in sources if source.name in reach]
    owed = sum(share.owed for share in shares if share.reach <= reach)
    left = [
        sum(other.capacity or 0 for other in reached if other is not lost) for lost in reached
    ] or [0]
    return owed <= int(SAFE_RATIO * min(left))


@given(SOURCES, SHARES)
def test_it_holds_if_and_only_if_every_loss_leaves_enough(
    sources: list[Source], shares: list[Share]
) -> None:
    found = [one for one in survivals("tokens_per_min", sources, shares) if not one.is_provider]
    owing = [share for share in shares if share.owed]
    if not owing or all(source.capacity is None for source in sources):
        assert found == []
        return
    reaches = {share.reach for share in owing}
    reaches.add(frozenset[str]().union(*reaches))
    assert len(found) == len(reaches)
    assert all(one.holds for one in found) == all(
        holds_after_every_loss(sources, owing, set(reach)) for reach in reaches
    )
    for one in found:
        assert one.holds == (one.used_ratio <= 1.0)


@given(SOURCES, SHARES)
def test_losing_a_provider_is_never_easier(sources: list[Source], shares: list[Share]) -> None:
    found = survivals("concurrency", sources, shares)
    for one in found:
        if one.is_provider:
            same = [
                other
                for other in found
                if not other.is_provider
                and (other.tenants, other.total) == (one.tenants, one.total)
            ]
            assert any(other.allowed >= one.allowed for other in same)


def test_the_arithmetic_is_told() -> None:
    sources = [Source("x", "p", 1_000_000), Source("y", "q", 800_000), Source("z", "q", None)]
    both = frozenset({"x", "y", "z"})
    shares = [Share("acme", 400_000, both), Share("globex", 300_000, both)]
    (one,) = survivals("tokens_per_min", sources, shares)
    assert one.tenants == ("acme", "globex")
    assert not one.holds
    assert one.words == "700,000 > 0.8 x (1,800,000 - 1,000,000 of x) = 640,000; z not declared"
    assert math.isclose(one.used_ratio, 700 / 640)


def test_capacity_that_is_out_of_reach_does_not_count() -> None:
    sources = [Source("x", "p", 1_000), Source("y", "q", 1_000), Source("z", "r", 1_000)]
    everything, confined = frozenset("xyz"), frozenset("xy")
    shares = [Share("free", 700, everything), Share("confined", 850, confined)]
    tight, wide = survivals("concurrency", sources, shares)
    assert (tight.tenants, tight.allowed, tight.holds) == (("confined",), 800, False)
    assert (wide.tenants, wide.allowed, wide.holds) == (("confined", "free"), 1_600, True)


def test_one_upstream_alone_survives_nothing() -> None:
    (one,) = survivals("concurrency", [Source("x", "p", 10)], [Share("a", 1, frozenset("x"))])
    assert not one.holds
    assert one.used_ratio == math.inf
    assert survivals("concurrency", [Source("x", "p", 10)], [Share("a", 0, frozenset("x"))]) == []
