"""Every kind of failure has a reaction, and what the table of events says is in it."""

import pytest

from penstock.core.outcome import RULES, FailureKind, Verdict
from penstock.core.reaction import REACTIONS, Rests


def test_every_kind_has_one() -> None:
    assert set(REACTIONS) == set(FailureKind)


@pytest.mark.parametrize(
    ("verdict", "ratios"),
    [
        (Verdict.HALF, {0.7}),
        (Verdict.ONE, {0.9, 1.0}),
        (Verdict.NONE, {1.0}),
        (Verdict.OPENS, {1.0}),
        (Verdict.HEALTHY, {1.0}),
    ],
)
def test_breaker_and_limit_agree_on_what_is_overload(verdict: Verdict, ratios: set[float]) -> None:
    kinds = [kind for kind in FailureKind if RULES[kind].verdict is verdict]
    assert {REACTIONS[kind].limit_ratio for kind in kinds} == ratios


def test_only_a_refused_account_rests_the_account_and_only_our_quota_the_quota() -> None:
    rests = {kind: one.rests for kind, one in REACTIONS.items() if one.rests is not Rests.MODEL}
    assert rests == {FailureKind.ACCOUNT: Rests.ACCOUNT, FailureKind.QUOTA: Rests.QUOTA}


def test_of_faults_only_the_unreachable_leaves_the_limit_alone() -> None:
    kinds = [kind for kind in FailureKind if RULES[kind].verdict is Verdict.ONE]
    left = [kind for kind in kinds if REACTIONS[kind].limit_ratio == 1.0]
    assert left == [FailureKind.UNREACHABLE]
