"""A drill's strikes at a modelled provider: what an attempt meets there.

    a kind of failure   an error after a moment, as ``FAILURES`` has it
    hang                no content until whoever asked gives up; with ``stall_s``: until then
    slow_ttft           the first token is ``stall_s`` late, or ``SLOW_S``
    stream_cut          the answer ends somewhere in its middle
    the rest            is answered: nobody here reads what it says

    one attempt         is struck by one strike at most; shares on its model add up
    what runs           runs on: a strike meets what comes while it lasts

Who is struck is drawn from the server's own dice.
"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Final

from penstock.core.outcome import Failure, FailureKind
from penstock.sim.drills.script import SLOW_S
from penstock.sim.drills.shapes import Strike
from penstock.sim.upstreams import Owner, SlotServer, Speed, Work
from penstock.sim.world import World

FAILURES: Final[dict[str, Failure]] = {
    "http_400": Failure(FailureKind.REJECTED, "refused as if it were wrong", 400),
    "http_429": Failure(FailureKind.SHARED_CAPACITY, "too many for all", 429),
    "http_500": Failure(FailureKind.SERVER_ERROR, "an error of the provider's", 500),
    "http_503": Failure(FailureKind.OVERLOADED, "not available", 503),
    "http_529": Failure(FailureKind.OVERLOADED, "overloaded", 529),
    "http_530": Failure(FailureKind.SERVER_ERROR, "the edge finds nobody", 530),
    "http_5xx": Failure(FailureKind.SERVER_ERROR, "an error of the provider's", 502),
    "elevated_errors": Failure(FailureKind.SERVER_ERROR, "an error of the provider's", 500),
    "auth_error": Failure(FailureKind.ACCOUNT, "a good key is refused", 401),
    "connect_error": Failure(FailureKind.UNREACHABLE, "no connection"),
    "dns_failure": Failure(FailureKind.UNREACHABLE, "its name is not found"),
}
HANG: Final = "hang"
SLOW: Final = "slow_ttft"
CUT: Final = "stream_cut"
HUNG: Final = Failure(FailureKind.TIMED_OUT, "no content came in time")
BROKEN: Final = Failure(FailureKind.BROKEN_STREAM, "the answer ended in its middle")


class AskedWork(Work):
    """An attempt that knows which model it asks for."""

    __slots__ = ("cut_ratio", "late_s", "model")

    def __init__(self, owner: Owner, model: str, input_tokens: int, output_tokens: int) -> None:
        super().__init__(owner, input_tokens, output_tokens)
        self.model = model
        self.late_s = 0.0
        self.cut_ratio = 0.0  # of its time, after which it is cut; 0: never


class Struck:
    """The strikes that are on, and whom they meet."""

    __slots__ = ("_by_model", "_on")

    def __init__(self) -> None:
        self._on: dict[Strike, None] = {}
        self._by_model: dict[str, tuple[Strike, ...]] = {}

    def begin(self, strike: Strike) -> None:
        """Meet what comes from now on."""
        self._on[strike] = None
        self._by_model.clear()

    def end(self, strike: Strike) -> None:
        """Meet nobody any more."""
        self._on.pop(strike, None)
        self._by_model.clear()

    def meets(self, model: str, chance: Callable[[], float]) -> Strike | None:
        """Return what strikes one that comes now; the dice are thrown only if something may."""
        if not self._on:
            return None
        strikes = self._by_model.get(model)
        if strikes is None:
            strikes = tuple(one for one in self._on if fnmatchcase(model, one.model))
            self._by_model[model] = strikes
        return first_of(strikes, chance) if strikes else None


def first_of(strikes: Iterable[Strike], chance: Callable[[], float]) -> Strike | None:
    """Return the one of several that strikes, if any does: their shares add up."""
    drawn = chance()
    for one in strikes:
        drawn -= one.share
        if drawn < 0.0:
            return one
    return None


class StruckServer(SlotServer):
    """A provider with slots, at which a drill strikes."""

    def __init__(
        self, name: str, world: World, chance: Callable[[], float], slots: int, speed: Speed
    ) -> None:
        super().__init__(name, world, chance, slots, speed)
        self.struck = Struck()

    def _refusal(self, work: Work, now_s: float) -> Failure | None:
        assert isinstance(work, AskedWork), "an attempt that names no model"
        strike = self.struck.meets(work.model, self._chance)
        if strike is None:
            return super()._refusal(work, now_s)
        if strike.kind == HANG and not strike.stall_s:
            return HUNG
        failure = FAILURES.get(strike.kind)
        if failure is not None:
            return failure
        if strike.kind in {HANG, SLOW}:
            work.late_s = strike.stall_s or SLOW_S
        elif strike.kind == CUT:
            work.cut_ratio = max(0.01, self._chance())
        return super()._refusal(work, now_s)

    def _enter(self, work: Work, now_s: float) -> None:
        assert isinstance(work, AskedWork), "an attempt that names no model"
        super()._enter(work, now_s + work.late_s)
        if work.cut_ratio:
            speed = self.speed
            first_s = speed.ttft_s + work.input_tokens / speed.input_per_s
            after_s = first_s + speed.token_s * work.output_tokens * work.cut_ratio
            self.world.at(now_s + after_s, lambda at_s: self._cut(work, at_s))

    def _cut(self, work: Work, now_s: float) -> None:
        if work.is_live:
            work.failure = BROKEN
            self.release(work, now_s)
            work.fail(now_s)
