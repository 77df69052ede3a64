"""Nothing known is zero and none."""

from penstock.core.spent import NOTHING, Spent


def test_nothing_is_known_until_it_is_told() -> None:
    for spent in (NOTHING, Spent()):
        assert (spent.ttft_s, spent.input_tokens, spent.output_tokens) == (0.0, 0, 0)
        assert spent.seen is None
