"""The sum over hops, and its parts as a caller reads them."""

import msgspec
from anthropic.types.beta import BetaMessageIterationUsage
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.hops import hop_of, iterations, total
from penstock.dialects.message import Usage

COUNTS = st.integers(0, 1000)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans())


@given(st.lists(USAGES, max_size=3), USAGES)
def test_the_sum_is_of_all_hops(before: list[Usage], last: Usage) -> None:
    summed = total([hop_of("a", usage) for usage in before], "b", last)
    for name in (
        "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
    ):  # fmt: skip
        assert getattr(summed, name) == sum(getattr(usage, name) for usage in [*before, last])
    assert summed.is_known is last.is_known
    assert [hop.model for hop in summed.hops] == ["a"] * len(before) + ["b"]


@given(USAGES)
def test_a_part_is_of_the_sdks_shape(usage: Usage) -> None:
    written = msgspec.json.encode(iterations(total([], "m", usage)))
    [part] = msgspec.json.decode(written, type=dict[str, list[dict[str, object]]])["iterations"]
    read = BetaMessageIterationUsage.model_validate(part, strict=True)
    assert (read.type, read.model) == ("message", "m")
    assert read.output_tokens == usage.output_tokens
    assert part.get("estimated", False) is not usage.is_known


def test_input_excludes_the_cache() -> None:
    listed = iterations(total([], "m", Usage(10, 1, 6, 3, is_known=True)))["iterations"]
    assert listed == [
        {
            "type": "message",
            "model": "m",
            "input_tokens": 1,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 6,
            "output_tokens": 1,
        }
    ]


def test_one_upstream_has_no_parts() -> None:
    assert iterations(Usage(1, 2)) == {}
