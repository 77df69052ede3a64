"""The dialer of a live drill: in front of the real one, it lets some attempts fail on purpose.

    no drill         straight to the real one
    not struck       straight to the real one
    INSTEAD          an error in the upstream's dialect, or a reset; nothing is dialled or paid
    LATE             told as sent; the real one dials when the delay is over
    HELD             the real one dials; what comes is held back, and it is not read, for the delay
    CUT              the real one dials; after so many events its owner hears that it broke

    stop, or the     what is late is dialled now, what is held back goes out now; what was refused
    fault's end      or cut off stays so

An attempt that was struck carries the drill's id (``Attempt.drill``) from the moment that it is
felt, and says nothing of its upstream: breaker, limits and load do not learn from it. So those who
are not struck notice nothing, and the blast radius is what was stated.
"""

from collections.abc import Callable
from typing import Final

from penstock.core.errors import PenstockError
from penstock.core.fault import FaultKind
from penstock.core.live_faults import ACTIONS, Action, LiveFault, LiveFaults, Subject
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.contract import Headers
from penstock.exchange.attempt import Attempt, AttemptOwner
from penstock.exchange.ports import Dialer, Timer

Chance = Callable[[], float]
NewTimer = Callable[[Callable[[float], None]], Timer]
OK: Final = 200
ENDS: Final = (b"\r\n\r\n", b"\n\n")  # of an event
WORDS: Final = "a drill: this failure was made on purpose"


class LiveDialer:
    """The Dialer port over another one. Owned by one event loop."""

    def __init__(self, real: Dialer, new_timer: NewTimer, chance: Chance) -> None:
        self._real = real
        self._new_timer = new_timer
        self._chance = chance
        self._drill = ""
        self._faults: LiveFaults | None = None
        self._struck: dict[Attempt, Struck] = {}

    def use(self, drill: str, faults: LiveFaults) -> None:
        """Strike by these from now on."""
        self._drill, self._faults = drill, faults

    def stop(self, now_s: float) -> None:
        """Strike nothing from now on, and let go what is late or held back."""
        if self._faults is not None:
            self._faults.stop()
            self._faults = None
        for struck in list(self._struck.values()):
            struck.let_go(now_s)

    def dial(self, attempt: Attempt) -> None:
        """Let it fail, or dial."""
        faults = self._faults
        if faults is None:
            self._real.dial(attempt)
            return
        claim, now_s = attempt.grant.demand.claim, attempt.dialled_at_s
        if attempt.number == 1:
            faults.see(now_s)
        subject = subject_of(attempt)
        fault = faults.pick(subject, now_s, self._chance, was_struck=claim.is_struck)
        if fault is None:
            self._real.dial(attempt)
            return
        claim.is_struck = True
        struck = Struck(attempt, fault, self._drill, self._real, self._chance)
        struck.on_over = self._forget
        struck.timer = self._new_timer(struck.on_wake)
        self._struck[attempt] = struck
        struck.begin()

    def cancel(self, attempt: Attempt) -> None:
        """Stop whatever is under way."""
        if self._end(attempt):
            self._real.cancel(attempt)

    def detach(self, attempt: Attempt) -> None:
        """Tell nothing more of it."""
        if self._end(attempt):
            self._real.detach(attempt)

    def pause(self, attempt: Attempt) -> None:
        """Read no more for now."""
        struck = self._struck.get(attempt)
        if struck is None:
            self._real.pause(attempt)
        else:
            struck.pause()

    def resume(self, attempt: Attempt) -> None:
        """Read on."""
        struck = self._struck.get(attempt)
        if struck is None:
            self._real.resume(attempt)
        else:
            struck.resume()

    def _end(self, attempt: Attempt) -> bool:
        """Tell nothing more of it; returns whether the real one knows of it."""
        struck = self._struck.get(attempt) if self._struck else None
        if struck is None:
            return True
        struck.end()
        return struck.is_dialled

    def _forget(self, attempt: Attempt) -> None:
        del self._struck[attempt]


class Struck:
    """One attempt that a fault has picked; between the dialer and the attempt's owner."""

    timer: Timer
    on_over: Callable[[Attempt], None]

    def __init__(
        self, attempt: Attempt, fault: LiveFault, drill: str, real: Dialer, chance: Chance
    ) -> None:
        self._attempt = attempt
        self._owner: AttemptOwner = attempt.owner
        self._fault = fault.fault
        self._ends_at_s = fault.ends_at_s
        self._action = ACTIONS[fault.fault.kind]
        self._drill = drill
        self._real = real
        self._chance = chance
        self._events = 0
        self._held: list[Callable[[float], None]] | None = None  # None: nothing is held back
        self._is_late = False
        self.is_dialled = False
        self._is_spent = False  # the fault has had its effect
        self._is_paused = False  # by the caller
        self._is_over = False

    def begin(self) -> None:
        """Dial, or do not; what is told is told later."""
        if self._action in {Action.INSTEAD, Action.LATE}:
            self.timer.wake_at(self._attempt.dialled_at_s)
        else:
            self._dial()

    def end(self) -> None:
        """Nothing follows from here."""
        if not self._is_over:
            self._is_over = True
            self.timer.drop()
            self._attempt.owner = self._owner  # no circle is left behind
            self.on_over(self._attempt)

    def let_go(self, now_s: float) -> None:
        """The fault is over: what it holds goes on."""
        if self._is_over:
            return
        if self._action is Action.LATE:
            self._dial_late()
        elif self._held is not None:
            self._release(now_s)
        elif self._action in {Action.HELD, Action.CUT}:
            self._is_spent = True  # what was not felt so far never will be

    def on_wake(self, now_s: float) -> None:
        """The next step of the fault is due."""
        if self._is_over:
            return
        match self._action:
            case Action.INSTEAD:
                self._fail_instead(now_s)
            case Action.LATE if not self._is_late:
                self._mark()
                self._is_late = True
                self._owner.on_sent(self._attempt, now_s)
                if not self._is_over:
                    self.timer.wake_at(self._until_s(now_s))
            case Action.LATE:
                self._dial_late()
            case _:
                self._release(now_s)

    def pause(self) -> None:
        """Read no more for now."""
        self._is_paused = True
        if self._held is None:
            self._real.pause(self._attempt)

    def resume(self) -> None:
        """Read on, unless the fault is in the way."""
        self._is_paused = False
        if self._held is None:
            self._real.resume(self._attempt)

    # --- the real dialer calls these

    def on_sent(self, attempt: Attempt, now_s: float) -> None:
        """Pass on, but for one that was told as sent before."""
        if not self._is_late:
            self._owner.on_sent(attempt, now_s)

    def on_head(self, attempt: Attempt, status: int, headers: Headers, now_s: float) -> None:
        """Pass on; an upstream's own error is left as it is."""
        if status != OK:
            self._is_spent = True
        self._owner.on_head(attempt, status, headers, now_s)

    def on_chunk(self, attempt: Attempt, chunk: bytes, now_s: float) -> None:
        """Pass on, as far as the fault lets it."""
        if self._held is not None:
            self._hold(lambda at_s: self._owner.on_chunk(attempt, chunk, at_s))
            return
        at = self._strikes_at(chunk)
        if at < 0:
            self._owner.on_chunk(attempt, chunk, now_s)
            return
        if at:
            self._owner.on_chunk(attempt, chunk[:at], now_s)
        if self._is_over:  # the answer was whole by then
            return
        self._is_spent = True
        self._mark()
        if self._action is Action.CUT:
            self.end()
            self._owner.on_failed(attempt, Failure(FailureKind.BROKEN_STREAM, WORDS, OK), now_s)
            return
        self._held = []
        self._real.pause(attempt)
        self._hold(lambda at_s: self._owner.on_chunk(attempt, chunk[at:], at_s))
        self.timer.wake_at(self._until_s(now_s))

    def on_complete(self, attempt: Attempt, now_s: float) -> None:
        """Pass on, in its turn."""
        if self._held is not None:
            self._hold(lambda at_s: self.on_complete(attempt, at_s))
            return
        self.end()
        self._owner.on_complete(attempt, now_s)

    def on_failed(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        """Pass on, in its turn: a failure of its own is the upstream's, and no drill."""
        if self._held is not None:
            self._hold(lambda at_s: self.on_failed(attempt, failure, at_s))
            return
        self.end()
        self._owner.on_failed(attempt, failure, now_s)

    # --- how it fails

    def _fail_instead(self, now_s: float) -> None:
        """Tell the owner, who lets go of it in the end as of any other."""
        attempt, owner = self._attempt, self._owner
        self._mark()
        owner.on_sent(attempt, now_s)
        if self._fault.kind is FaultKind.RESET:
            owner.on_failed(attempt, Failure(FailureKind.RESET, WORDS), now_s)
            return
        fault = self._fault.settled(self._chance)
        error = _MadeError(WORDS)
        error.status = fault.status
        body = attempt.dialect.error_body(error, "")
        headers: Headers = {
            b"content-type": b"application/json",
            b"content-length": b"%d" % len(body),
        }
        if fault.retry_after_s is not None:
            headers[b"retry-after"] = b"%d" % fault.retry_after_s
        owner.on_head(attempt, fault.status, headers, now_s)
        owner.on_chunk(attempt, body, now_s)
        owner.on_complete(attempt, now_s)

    def _dial_late(self) -> None:
        self._action = Action.HELD  # and all that could be held back is let through
        self._is_late = self._is_spent = True
        self.timer.drop()
        self._dial()

    def _dial(self) -> None:
        self.is_dialled = True
        self._attempt.owner = self
        self._real.dial(self._attempt)

    def _strikes_at(self, chunk: bytes) -> int:
        """Return behind how many bytes of a piece of the body the fault is felt; -1: not in it."""
        if self._is_spent:
            return -1
        if self._fault.kind is FaultKind.SLOW_TTFT:
            return 0
        if self._attempt.reader is None:  # a whole answer has no events: half of its first piece
            return len(chunk) // 2
        at = 0
        while (end := _event_end(chunk, at)) > 0:
            at = end
            self._events += 1
            if self._events >= self._fault.after_events:
                return at
        return -1

    def _hold(self, told: Callable[[float], None]) -> None:
        assert self._held is not None
        self._held.append(told)

    def _release(self, now_s: float) -> None:
        held, self._held = self._held or [], None
        self.timer.drop()
        for told in held:
            if self._is_over:
                return
            told(now_s)
        if not self._is_over and not self._is_paused:
            self._real.resume(self._attempt)

    def _until_s(self, now_s: float) -> float:
        delay_s = self._fault.delay_s
        return self._ends_at_s if delay_s is None else min(self._ends_at_s, now_s + delay_s)

    def _mark(self) -> None:
        self._attempt.drill = f"{self._drill} {self._fault.kind.value}"


class _MadeError(PenstockError):
    """What the upstream would have said."""

    code = "drill"
    remedy = ""


def subject_of(attempt: Attempt) -> Subject:
    """Return what faults look at."""
    demand = attempt.grant.demand
    claim = demand.claim
    return Subject(
        claim.tenant,
        claim.tier,
        demand.route.name,
        attempt.target.upstream.name,
        attempt.target.model,
    )


def _event_end(chunk: bytes, at: int) -> int:
    """Return where the next event ends; -1 if it does not end here.

    One whose end is cut in two between pieces is missed, which only makes the fault later.
    """
    ends = [found + len(end) for end in ENDS if (found := chunk.find(end, at)) >= 0]
    return min(ends, default=-1)
