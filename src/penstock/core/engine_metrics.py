"""Engine metrics: how full an engine says it is, from the text that it shows to Prometheus.

    engine      waiting (added over its parts)   memory in use (of its fullest part)
    vLLM        vllm:num_requests_waiting        vllm:kv_cache_usage_perc, before it vllm:gpu_...
    SGLang      sglang:num_queue_reqs            sglang:token_usage
    llama.cpp   llamacpp:requests_deferred       llamacpp:kv_cache_usage_ratio, in some versions

    saturation = max(waiting / 2, memory / 0.8)

Full is 1: two wait, or four fifths of the memory for keys and values are taken, beyond which
engines put back what they have begun. What is not there counts as zero; if nothing is there,
nothing is said.

Pure. Sources: TIERING 2 of the reference shelf; the engines' own pages on metrics.
"""

from typing import Final

WAITING: Final = (
    b"vllm:num_requests_waiting", b"sglang:num_queue_reqs", b"llamacpp:requests_deferred",
)  # fmt: skip
MEMORY: Final = (
    b"vllm:kv_cache_usage_perc", b"vllm:gpu_cache_usage_perc", b"sglang:token_usage",
    b"llamacpp:kv_cache_usage_ratio",
)  # fmt: skip
WAITING_FULL: Final = 2.0
MEMORY_FULL: Final = 0.8
SAMPLES_MAX: Final = 64  # of one metric: an engine has as many parts as GPUs
INFINITE: Final = float("inf")


def saturation(text: bytes) -> float | None:
    """Return how full an engine is, 1 is full; None if the text does not tell."""
    text = b"\n" + text
    waiting = [value for name in WAITING for value in values(text, name)]
    memory = [value for name in MEMORY for value in values(text, name)]
    if not waiting and not memory:
        return None
    return max(sum(waiting) / WAITING_FULL, max(memory, default=0.0) / MEMORY_FULL)


def values(text: bytes, name: bytes) -> list[float]:
    """Return the samples of one metric; what is no number, or below zero, is left out.

    ``text`` begins with a line's end. Lines are ``name{label="value"} 1.5`` and perhaps an instant.
    """
    found: list[float] = []
    at = text.find(b"\n" + name)
    while at >= 0 and len(found) < SAMPLES_MAX:
        begins = at + 1 + len(name)
        ends = text.find(b"\n", begins)
        if ends < 0:
            break  # cut: half a line may tell of anything
        rest = text[begins:ends]
        at = text.find(b"\n" + name, begins)
        if rest[:1] == b"{":
            rest = rest.rpartition(b"}")[2]
        elif rest[:1] not in (b" ", b"\t"):
            continue  # another metric, whose name begins with this one
        try:
            value = float(rest.split()[0])
        except (ValueError, IndexError):
            continue
        if 0.0 <= value < INFINITE:
            found.append(value)
    return found
