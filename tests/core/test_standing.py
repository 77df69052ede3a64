"""What a refusal says of the limit that it is about."""

import pytest

from penstock.core.errors import LimitError
from penstock.core.standing import UNLIMITED, Level, Standing, standing_of


@pytest.mark.parametrize(
    ("dimension", "standing"),
    [
        ("requests_per_min", Standing(requests=Level(60, 3, 2.5))),
        ("tokens_per_min", Standing(tokens=Level(60, 3, 2.5))),
        ("concurrency", UNLIMITED),
        ("budget_day_microusd", UNLIMITED),
    ],
)
def test_a_refusal_tells_of_the_limit_that_was_reached(dimension: str, standing: Standing) -> None:
    assert standing_of(LimitError("t", dimension, 60, 3, retry_after_s=2.5)) == standing
