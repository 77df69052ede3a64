"""A request may lower its tier and never raise it; overage falls one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.tier import NAMED, WORDS, Tier, fallen, served

TIERS = st.sampled_from(Tier)


@given(TIERS, st.none() | TIERS)
def test_a_request_never_rises_above_its_key(tier_max: Tier, asked: Tier | None) -> None:
    tier = served(asked, tier_max)
    assert tier >= tier_max
    assert tier == (max(asked, tier_max) if asked is not None else tier_max)


@pytest.mark.parametrize("tier", Tier)
def test_a_word_names_its_tier(tier: Tier) -> None:
    assert NAMED[tier.word] is tier
    assert WORDS[tier] == tier.word


def test_overage_falls_one_tier_and_not_below_free() -> None:
    fell = [fallen(tier) for tier in Tier]
    assert fell == [Tier.ENTERPRISE, Tier.STANDARD, Tier.FREE, Tier.FREE, Tier.BATCH]
