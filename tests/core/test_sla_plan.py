"""What providers promise, and which attempts count."""

import pytest

from penstock.core.outcome import FailureKind
from penstock.core.sla import CALCULATORS
from penstock.core.sla_plan import PLANS, Counted, by_health, counted, speed_of

GOOD, BAD, OUT = Counted.GOOD, Counted.BAD, Counted.OUT


@pytest.mark.parametrize(
    ("plan", "counts"),
    [  #                            none  200   400   404   429   500  503  529
        ("aws-bedrock",            (OUT, GOOD, GOOD, GOOD, OUT, BAD, BAD, BAD)),
        ("google-vertex",          (OUT, GOOD, OUT, OUT, OUT, BAD, BAD, BAD)),
        ("google-vertex-provisioned", (OUT, GOOD, OUT, OUT, BAD, BAD, BAD, BAD)),
        ("azure-openai",           (OUT, GOOD, GOOD, GOOD, GOOD, BAD, BAD, BAD)),
        ("openai-scale",           (OUT, GOOD, GOOD, GOOD, OUT, BAD, BAD, BAD)),
    ],
)  # fmt: skip
def test_what_counts(plan: str, counts: tuple[Counted, ...]) -> None:
    statuses = (0, 200, 400, 404, 429, 500, 503, 529)
    assert tuple(counted(PLANS[plan], status) for status in statuses) == counts


def test_our_own_count_is_by_health() -> None:
    assert by_health("success") is GOOD
    assert by_health("ignored") is OUT
    assert by_health("hung") is BAD
    bad = {kind.value for kind in FailureKind if by_health(kind.value) is BAD}
    assert bad == {
        "overloaded", "shared_capacity", "server_error", "unreachable", "reset", "broken_stream",
        "timed_out", "stalled",
    }  # fmt: skip
    assert by_health("rejected") is GOOD
    assert by_health("quota") is OUT
    assert by_health("account") is OUT


def test_the_longest_prefix_says_how_fast() -> None:
    plan = PLANS["openai-scale"]
    assert speed_of(plan, "gpt-5-2025-08-07") == 50.0
    assert speed_of(plan, "gpt-5-mini") == 80.0
    assert speed_of(plan, "gpt-4.1-nano") == 100.0
    assert speed_of(plan, "claude-x") is None


def test_plans_are_sound() -> None:
    for name, plan in PLANS.items():
        assert plan.name == name
        assert plan.calculator in CALCULATORS
        assert plan.notes
        assert plan.steps[0][0] == plan.target_ratio
        assert [below for below, _ in plan.steps] == sorted(
            (below for below, _ in plan.steps), reverse=True
        )
        assert all(0.0 < share <= 1.0 for _, share in plan.steps)
