"""What engines show is read as they show it, and garbage tells nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.engine_metrics import MEMORY, SAMPLES_MAX, WAITING, saturation, values

VLLM = b"""# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="meta-llama/Llama {3} 8B"} 3.0
vllm:num_requests_waiting{engine="1",model_name="x"} 1.0
vllm:num_requests_waiting_by_reason{reason="capacity"} 900.0
vllm:num_requests_running{engine="0"} 12.0
vllm:kv_cache_usage_perc{engine="0"} 0.4
vllm:kv_cache_usage_perc{engine="1"} 0.6
"""
OLD_VLLM = b'vllm:num_requests_waiting{m="a"} 0.0\nvllm:gpu_cache_usage_perc{m="a"} 0.88\n'
SGLANG = b'sglang:num_queue_reqs{m="a"} 1.0\nsglang:token_usage{m="a"} 0.2\n'
LLAMA = b"llamacpp:requests_deferred 5\nllamacpp:kv_cache_usage_ratio 0.16 1700000000000\n"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        (VLLM, 2.0),
        (OLD_VLLM, 1.1),
        (SGLANG, 0.5),
        (LLAMA, 2.5),
        (LLAMA.replace(b"\n", b"\r\n"), 2.5),
        (b"llamacpp:requests_deferred 0\n", 0.0),
        (b"sglang:token_usage 0.4\n", 0.5),
        (b"", None),
        (b"python_info 1.0\n", None),
        (b"# vllm:num_requests_waiting 3\n", None),
        (b"vllm:num_requests_waiting{x} nan\n", None),
        (b"vllm:num_requests_waiting +Inf\n", None),
        (b"vllm:num_requests_waiting -3\n", None),
        (b"vllm:num_requests_waiting\n", None),
        (b"vllm:num_requests_waiting 3\n", 1.5),
        (b"vllm:num_requests_waiting 3", None),
    ],
)
def test_what_engines_show_is_read(text: bytes, full: float | None) -> None:
    assert saturation(text) == (None if full is None else pytest.approx(full))


PIECES = st.sampled_from([
    *WAITING, *MEMORY, b" ", b"{", b"}", b'"', b"\n", b"\r\n", b"1", b"0.5", b"-", b"nan", b"inf",
    b"\xff", b"e9", b"# TYPE ",
])  # fmt: skip


@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=200))
def test_garbage_is_read_to_the_end_and_told_as_a_number_or_nothing(text: bytes) -> None:
    full = saturation(text)
    assert full is None or 0.0 <= full < float("inf")


@given(st.integers(0, len(VLLM)))
def test_a_text_that_is_cut_never_tells_of_more(size: int) -> None:
    full = saturation(VLLM[:size])
    assert full is None or full <= 2.0


def test_the_samples_of_one_metric_are_bounded() -> None:
    text = b"\n" + b"sglang:num_queue_reqs 1\n" * (SAMPLES_MAX + 5)
    assert values(text, b"sglang:num_queue_reqs") == [1.0] * SAMPLES_MAX
