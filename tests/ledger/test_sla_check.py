"""Terms that cannot be billed by are refused, each by its field."""

import math
from typing import Any

import pytest

from penstock.ledger.book import SlaTerms
from penstock.ledger.sla_check import CREDITS_MAX, wrongs


def places(**what: Any) -> list[str]:
    return [one.place for one in wrongs(SlaTerms(**what))]


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ({"calculator": "by_feeling"}, "sla.calculator"),
        ({"target_ratio": 1.001}, "sla.target_ratio"),
        ({"target_ratio": 99.9}, "sla.target_ratio"),
        ({"ttft_ratio": -0.1}, "sla.ttft_ratio"),
        ({"speed_ratio": math.nan}, "sla.speed_ratio"),
        ({"latency_credit_ratio": 10}, "sla.latency_credit_ratio"),
        ({"credits": ((0.999, 10.0),)}, "sla.credits[0]"),
        ({"credits": ((0.0, 0.1),)}, "sla.credits[0]"),
        ({"credits": ((0.99, 0.25), (0.999, 0.1))}, "sla.credits[1]"),
        ({"credits": ((0.999, 0.25), (0.99, 0.1))}, "sla.credits[1]"),
        ({"credits": ((0.999, 0.1), (0.999, 0.1))}, "sla.credits[1]"),
        ({"credits": ((0.9, 0.1),) * (CREDITS_MAX + 1)}, "sla.credits"),
        ({"ttft_s": 0.0}, "sla.ttft_s"),
        ({"speed_per_s": -1.0}, "sla.speed_per_s"),
        ({"fee_microusd": -1}, "sla.fee_microusd"),
    ],
)
def test_what_is_wrong_is_named(what: dict[str, Any], place: str) -> None:
    assert places(**what) == [place]


def test_what_is_right_is_not() -> None:
    assert places() == []
    assert places(credits=(), fee_microusd=0, target_ratio=1.0, ttft_s=2.0, speed_per_s=20) == []
    assert places(calculator="interval_mean", credits=((1.0, 0.1), (0.99, 0.1), (0.9, 1.0))) == []
