"""What became of the exchanges of a route, by cause: what the status page is measured by.

    word                   an exchange that
    success                was complete
    a kind of failure      failed or broke, by what its last attempt came to; or its caller left
                           after nothing had come for hang_s
    no_capacity            found no upstream free: limits are full, or breakers open
    queue_timeout          waited in vain
    deadline_exceeded      ended by its deadline
    ignored                anything else: the caller's own mistake or limit, a tier that gave way to
                           a contract, a caller who left early

What a live drill has done to callers is counted here like anything else: they have felt it.
Streams and whole answers are counted apart, so that streaming alone can be seen to fail.
"""

from typing import Final

from penstock.core.outcome import FailureKind
from penstock.exchange.record import Record
from penstock.telemetry.declared import Histogram

SUCCESS: Final = "success"
IGNORED: Final = "ignored"
KINDS: Final = frozenset(kind.value for kind in FailureKind)
OURS: Final = frozenset(("no_capacity", "queue_timeout", "deadline_exceeded"))


class RouteCounts:
    """What has become of the exchanges of one route, of streams or of whole answers."""

    __slots__ = ("good", "kinds", "ttft")

    def __init__(self) -> None:
        self.good = 0
        self.kinds: dict[str, int] = {}  # of those that were not complete
        self.ttft = Histogram()  # of good streams: from the request on, failover included

    def count(self, record: Record) -> None:
        """Count one."""
        if record.outcome == "complete":
            self.good += 1
            if record.is_stream and record.ttft_s:
                self.ttft.observe(record.ttft_s)
            return
        word = fate_of(record)
        self.kinds[word] = self.kinds.get(word, 0) + 1


def fate_of(record: Record) -> str:
    """Return the word for an exchange that was not complete."""
    last = ""
    if record.attempts:
        last = record.attempts[-1].drill_outcome or record.attempts[-1].outcome
    if record.outcome != "refused" and last in KINDS:
        return last
    return record.code if record.code in OURS else IGNORED
