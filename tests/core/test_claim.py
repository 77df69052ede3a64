"""A claim begins as its caller's, and admission has decided nothing of it."""

from penstock.core.claim import Claim
from penstock.core.tier import Tier


def test_it_waits_in_the_tier_that_was_asked_for_until_admission_says_otherwise() -> None:
    claim = Claim("acme", "key", Tier.ENTERPRISE, 12, 3.0)
    assert claim.served is Tier.ENTERPRISE
    assert not claim.is_admitted
    assert not claim.is_in_contract
    assert claim.degraded == ()
