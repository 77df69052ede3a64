"""The floor: free's small share of grants, who stands back for it, and what counts as a grant."""

import pytest
from tests.core.test_admission import everybody, item_of, queue_of, taken

from penstock.core.admission import QueuePolicy
from penstock.core.tier import Tier


def test_the_floor_gives_free_one_of_fifty_grants() -> None:
    queue = queue_of(QueuePolicy())
    for _ in range(1000):
        queue.push(item_of("a", Tier.STANDARD), 0.0)
        queue.push(item_of("b", Tier.FREE), 0.0)
    tiers = [item.claim.tier for item in taken(queue, 0.0, 1000) if item]
    assert tiers.count(Tier.FREE) == 20
    assert tiers[49] is Tier.FREE
    assert not queue.was_floor or tiers[-1] is Tier.FREE


@pytest.mark.parametrize(
    ("tier", "is_open", "is_due"),
    [
        (Tier.CONTROL, True, False),
        (Tier.ENTERPRISE, True, True),
        (Tier.ENTERPRISE, False, False),
        (Tier.STANDARD, True, True),
        (Tier.STANDARD, False, False),
    ],
)
def test_who_stands_back_for_the_floor(*, tier: Tier, is_open: bool, is_due: bool) -> None:
    queue = queue_of(QueuePolicy(floor_ratio=0.5))
    queue.is_floor_open = is_open
    queue.push(item_of("b", Tier.FREE), 0.0)
    for _ in range(8):
        queue.push(item_of("a", tier), 0.0)
    tiers = [item.claim.tier for item in taken(queue, 0.0, 8) if item]
    assert (Tier.FREE in tiers) is is_due


@pytest.mark.parametrize(
    ("floor_as", "got"), [(Tier.FREE, Tier.STANDARD), (Tier.STANDARD, Tier.FREE)]
)
def test_the_floor_needs_the_ceiling_it_is_told_of(floor_as: Tier, got: Tier) -> None:
    queue = queue_of(QueuePolicy(floor_ratio=0.5))
    for tier in (Tier.FREE, Tier.STANDARD, Tier.STANDARD):
        queue.push(item_of("b", tier), 0.0)
    queue.take(everybody, 0.0)
    item = queue.take(lambda tier: tier <= Tier.STANDARD, 0.0, floor_as)
    assert item is not None
    assert item.claim.tier is got
    assert queue.was_floor is (got is Tier.FREE)


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.FREE])
def test_what_was_taken_in_vain_is_next_again_and_was_no_grant(tier: Tier) -> None:
    queue = queue_of(QueuePolicy(floor_ratio=0.25))
    for _ in range(20):
        queue.push(item_of("a", Tier.STANDARD), 0.0)
        queue.push(item_of("b", Tier.FREE), 0.0)
    granted: list[Tier] = []
    while len(granted) < 20:
        item = queue.take(everybody, 0.0)
        assert item is not None
        if item.claim.tier is tier:
            queue.put_back(item, 0.0)
            assert queue.first(tier, 0.0) is item
            assert queue.take(everybody, 0.0) is item
        granted.append(item.claim.tier)
    assert granted.count(Tier.FREE) == 5


def test_without_a_floor_free_waits_for_all_others() -> None:
    queue = queue_of(QueuePolicy(floor_ratio=0.0))
    queue.push(item_of("b", Tier.FREE), 0.0)
    for _ in range(200):
        queue.push(item_of("a", Tier.STANDARD), 0.0)
    assert all(item and item.claim.tier is Tier.STANDARD for item in taken(queue, 0.0, 200))


def test_nothing_taken_is_not_of_the_floor() -> None:
    queue = queue_of(QueuePolicy(floor_ratio=0.5))
    for tier in (Tier.FREE, Tier.STANDARD, Tier.STANDARD):
        queue.push(item_of("b", tier), 0.0)
    taken(queue, 0.0, 2)
    assert queue.was_floor
    taken(queue, 0.0, 1)
    queue.was_floor = True
    assert queue.take(everybody, 0.0) is None
    assert not queue.was_floor
