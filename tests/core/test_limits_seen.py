"""What is seen stands in the order in which quotas are counted."""

from penstock.core.limits_seen import UNSEEN, Level, LimitsSeen
from penstock.core.quota import Dimension


def test_dimensions_stand_in_the_quotas_order() -> None:
    seen = LimitsSeen(Level(1), Level(2), Level(3), Level(4))
    assert seen[Dimension.REQUESTS] is seen.requests
    assert seen[Dimension.TOKENS] is seen.tokens
    assert seen[Dimension.INPUT] is seen.input_tokens
    assert seen[Dimension.OUTPUT] is seen.output_tokens
    assert len(seen) == len(Dimension)


def test_what_is_not_told_is_unknown() -> None:
    assert LimitsSeen() == (UNSEEN, UNSEEN, UNSEEN, UNSEEN)
    assert UNSEEN.limit is None is UNSEEN.remaining
