"""Claims as plain values: whatever the caller says of itself reaches the gate that decides."""

from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.fleet.plain import claim_of, shadow_of, values_of


def test_another_gate_hears_all_that_the_caller_says() -> None:
    claim = Claim("tenant", "key", Tier.FREE, 100, 5.0)
    claim.user, claim.line, claim.output_tokens_max = "u", 4711, 300
    claim.may_degrade_model, claim.ttft_timeout_s = True, 2.0
    assert values_of(shadow_of(claim)) == values_of(claim)
    assert values_of(claim_of(values_of(claim))) == values_of(claim)
