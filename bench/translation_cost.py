"""What an event of a stream costs in each pair of dialects: passed on, watched, or translated.

One process, no sockets: the events of a stream of words go one by one through what the gateway
would read them with. ``watched`` is the same dialect on both sides where a break may be gone on
with (``on_break = "continue"``). The best of many short rounds is printed, since everything that
disturbs a round makes it longer; a goal is that a translated event costs at most 7 us more than one
that is passed on.

    python bench/translation_cost.py
"""

import gc
import time
from collections.abc import Callable
from typing import Final

from penstock.dialects.contract import AnswerReader, Dialect, Inquiry
from penstock.dialects.events import Counted, Event, Started, Stopped, TextDelta
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.splicer import Splicing
from penstock.dialects.splicing import first_hop
from penstock.dialects.translate import Translation

ROUNDS: Final = 300
WORDS: Final = 150  # of a stream, as in the other benchmarks
GOAL_US: Final = 7.0
BODIES: Final = {
    "openai_chat": b'{"model":"m","stream":true,"stream_options":{"include_usage":true},'
    b'"messages":[{"role":"user","content":"hi"}]}',
    "openai_responses": b'{"model":"m","stream":true,"input":"hi"}',
    "anthropic_messages": b'{"model":"m","stream":true,"max_tokens":900,'
    b'"messages":[{"role":"user","content":"hi"}]}',
    "gemini_generate": b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}',
}


def inquiry(dialect: Dialect) -> Inquiry:
    """Return what a caller of this dialect asks."""
    return dialect.inquire(BODIES[dialect.name], b"/v1beta" + dialect.path("m", is_stream=True))


def stream(dialect: Dialect) -> list[bytes]:
    """Return the events of an answer of words, each as its upstream would write it."""
    encoder = dialect.encoder(inquiry(dialect), 1)
    events: list[Event] = [Started("id-1", "m"), *(TextDelta(f" word{n}") for n in range(WORDS))]
    usage = Usage(input_tokens=9, output_tokens=WORDS, is_known=True)
    events += [Counted(usage), Stopped(StopReason.END)]
    written = [encoder.encode(event) for event in events]
    return [one for one in [*written, encoder.finish()] if one]


def best_us(make: Callable[[], AnswerReader], chunks: list[bytes]) -> float:
    """Return the time of one event in the best round, in microseconds."""
    best_s = 1.0
    for _ in range(ROUNDS):
        reader = make()
        begun_s = time.perf_counter()
        for chunk in chunks:
            reader.feed(chunk)
        best_s = min(best_s, time.perf_counter() - begun_s)
        assert reader.is_complete, "the stream was not understood"
    return best_s / len(chunks) * 1e6


def main() -> None:
    """Print the table: callers in rows, upstreams in columns."""
    gc.disable()
    names = list(DIALECTS)
    print("us an event; in brackets: more than passed on\n")
    print(f"{'caller':<20}{'passed':>8}{'watched':>16}" + "".join(f"{n:>26}" for n in names))
    for name, caller in DIALECTS.items():
        asked = inquiry(caller)
        own = stream(caller)
        passed = best_us(lambda c=caller, a=asked: c.relay(a), own)
        hop = best_us(lambda c=caller, a=asked: first_hop(c, c, a, 1, Splicing()), own)
        row = f"{name:<20}{passed:>8.2f}{hop:>8.2f} ({hop - passed:+.2f})"
        for other in DIALECTS.values():
            if other is caller:
                row += f"{'-':>26}"
                continue
            cost = best_us(
                lambda c=caller, o=other, a=asked: Translation(o.decoder(), c.encoder(a, 1)),
                stream(other),
            )
            mark = " " if cost - passed <= GOAL_US else "!"
            row += f"{cost:>17.2f} ({cost - passed:+.2f}){mark}"
        print(row)


if __name__ == "__main__":
    main()
