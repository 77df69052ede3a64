"""What the emulator saw: the last attempts, and counts of all.

An attempt is one request for an answer. Credentials are in no field of it. A stream's tokens count
as they go out; those of a whole answer before its first byte does, for by then it is generated.
Its outcome:

    open           under way
    complete       all content and the finish went out, a harmless fault or not
    cancelled      the caller left before that
    rejected       refused for a reason of the caller's own
    faulted:KIND   a scripted fault spoiled it
"""

from collections import Counter, deque
from typing import Final

import msgspec

from penstock.core.fault import HARMLESS, Fault

ATTEMPTS_MAX: Final = 10_000  # about 5 MB; a drill reads them as it goes
OPEN: Final = "open"
COMPLETE: Final = "complete"
CANCELLED: Final = "cancelled"
REJECTED: Final = "rejected"


class Attempt(msgspec.Struct, kw_only=True):
    """One attempt; instants in seconds since the emulator's start, tokens as generated."""

    number: int
    request_id: str
    provider: str
    dialect: str
    started_at_s: float
    model: str = ""
    is_stream: bool = False
    status: int = 0
    outcome: str = OPEN
    fault: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    is_usage_sent: bool = False
    ended_at_s: float | None = None
    cancelled_at_s: float | None = None
    header_names: list[str] = []


class AttemptLog:
    """The last attempts and the counts. Owned by one event loop."""

    def __init__(self, started_s: float) -> None:
        self._started_s = started_s
        self._attempts: deque[Attempt] = deque(maxlen=ATTEMPTS_MAX)
        self._numbers = 0
        self.outcomes: Counter[str] = Counter()  # by "provider outcome": few of each
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.open = 0
        self.output_tokens = 0

    def since_start_s(self, now_s: float) -> float:
        """Return how long we have been running."""
        return round(now_s - self._started_s, 6)

    def opened(self, request_id: str, provider: str, dialect: str, now_s: float) -> Attempt:
        """Note that an attempt came in."""
        self._numbers += 1
        self.open += 1
        attempt = Attempt(
            number=self._numbers,
            request_id=request_id,
            provider=provider,
            dialect=dialect,
            started_at_s=self.since_start_s(now_s),
        )
        self._attempts.append(attempt)
        return attempt

    def struck(self, attempt: Attempt, fault: Fault) -> None:
        """Note which fault an attempt drew."""
        attempt.fault = fault.kind.value
        self.faults[fault.kind.value] += 1

    def delivered(self, attempt: Attempt, fault: Fault | None, now_s: float) -> None:
        """Note that all went out that was to go out, spoiled or not."""
        is_spoiled = fault is not None and fault.kind not in HARMLESS
        self.closed(attempt, f"faulted:{fault.kind}" if fault and is_spoiled else COMPLETE, now_s)

    def closed(self, attempt: Attempt, outcome: str, now_s: float) -> None:
        """Note how an attempt ended; only the first end counts."""
        if attempt.outcome != OPEN:
            return
        attempt.outcome = outcome
        attempt.ended_at_s = self.since_start_s(now_s)
        if outcome == CANCELLED:
            attempt.cancelled_at_s = attempt.ended_at_s
        self.open -= 1
        self.outcomes[f"{attempt.provider} {outcome}"] += 1
        self.statuses[attempt.status] += 1
        self.output_tokens += attempt.output_tokens

    def last(self, count: int) -> list[Attempt]:
        """Return the last attempts, oldest first."""
        return list(self._attempts)[-count:] if count > 0 else []

    def clear(self) -> None:
        """Forget attempts and counts; those under way will be counted when they end."""
        self._attempts.clear()
        for counter in (self.outcomes, self.statuses, self.faults):
            counter.clear()
        self.output_tokens = 0
