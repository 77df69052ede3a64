"""A detector of bad ones among all events of a kind: failed, slow or wrong.

    cold      score of the bank reaches the threshold       -> hot; onset: when it left nothing
    hot       evidence of recovery reaches recover_log      -> cold; the bank begins anew
    cold,     less than hold_s since the last bad sign, and
              score reaches possible_ratio of the threshold -> hot again, with the same onset
    any       nothing for GAP_S                             -> cold; what was before says nothing

The threshold grows with ln(bad ones a minute that are looked for), so that busy components have no
more false alarms than others. One probe, or one slot of telemetry, adds at most gain_max of it: a
burst is not a problem before a second one agrees. It recovers from what surely failed, a standard
deviation less than was seen: of few events many may have failed by chance, and what hits few often
hits none for a while. Learning waits half an hour and drops what suspicion touched; a small rise
that stays for accept_after_s is learned after all, or a component would fail for ever because it
has become a little worse for good. Pure.
"""

import math
from typing import Final

import msgspec

from penstock.watch.baseline import BLOCK_S, RatioBaseline
from penstock.watch.cusum import (
    PER_MIN_LEAST,
    RATES,
    Bounds,
    RatioBank,
    RatioSteps,
    event_steps,
    ratio_steps,
)
from penstock.watch.settings import RatioSettings, Settings

MINUTE_S: Final = 60.0
GAP_S: Final = 3600.0
RING_MINUTES: Final = 15
PENDING_BLOCKS: Final = 3  # learned half an hour late
SCORE_MAX: Final = 2.0  # of the threshold: what is sure need not become surer
KINDS_MAX: Final = 12  # of failures; the rarest is forgotten
KINDS_MEMORY_S: Final = 300.0
RATE_KEEP: Final = 0.7  # of the rate lately, a minute
RATE_CHANGE: Final = 0.1  # a smaller change of rate is not worth new steps


class Block(msgspec.Struct, array_like=True):
    """Events of a minute or of ten."""

    start_unix_s: float
    events: float = 0.0
    bad: float = 0.0
    squares: float = 0.0  # moments of its minutes
    excess: float = 0.0


class RatioState(msgspec.Struct, kw_only=True):
    """All that a detector remembers."""

    baseline: RatioBaseline = msgspec.field(default_factory=RatioBaseline)
    bank: RatioBank = msgspec.field(default_factory=RatioBank)
    is_hot: bool = False
    onset_unix_s: float = 0.0
    last_bad_unix_s: float = 0.0  # of the last episode
    recovery: float = 0.0
    from_ratio: float = 0.0
    at_unix_s: float = 0.0
    per_min: float = 0.0  # events lately
    steps_per_min: float = 0.0  # what steps and threshold are for
    minute: Block = msgspec.field(default_factory=lambda: Block(0.0))
    calm: Block = msgspec.field(default_factory=lambda: Block(0.0))  # of a minute before suspicion
    calm_unix_s: float = 0.0  # when that ended
    ring: list[Block] = msgspec.field(default_factory=list[Block])
    block: Block = msgspec.field(default_factory=lambda: Block(0.0))
    pending: list[Block] = msgspec.field(default_factory=list[Block])
    is_touched: bool = False  # this block, by a suspicion
    suspected_unix_s: float = 0.0
    kinds: dict[str, float] = {}
    kinds_unix_s: float = 0.0


class RatioDetector:
    """One detector; not thread-safe."""

    __slots__ = (
        "_prior",
        "_settings",
        "_size",
        "_steps",
        "_usual_ratio",
        "state",
    )

    def __init__(self, settings: Settings, prior: RatioSettings, state: RatioState) -> None:
        self._settings = settings
        self._prior = prior
        self.state = state
        self._usual_ratio = prior.prior_ratio
        self._size = math.inf
        self._steps = RatioSteps(0, (), (), (), 0.0, math.inf, ())
        self._refresh(is_new=True)

    @property
    def weight(self) -> float:
        """Score over threshold; at least 1 while hot."""
        found = self.state.bank.weight
        return max(1.0, found) if self.state.is_hot else found

    @property
    def usual_ratio(self) -> float:
        """What counts as usual."""
        return self._usual_ratio

    @property
    def onset_unix_s(self) -> float:
        """When what stands out most likely began."""
        state = self.state
        return state.onset_unix_s if state.is_hot else state.bank.onset_unix_s

    def take(
        self, at_unix_s: float, good: float, bad: float, slots: float = 1.0, still: float = 0.0
    ) -> None:
        """Events that ended about then; ``slots`` is how many times they may add gain_max.

        ``still``: the chance that a bad one is the accident that made the one before it bad.
        """
        state = self.state
        before_unix_s = state.at_unix_s
        at_unix_s = max(at_unix_s, before_unix_s)
        if at_unix_s >= state.minute.start_unix_s + MINUTE_S:
            if at_unix_s - before_unix_s > GAP_S:
                self._begin_anew()
                before_unix_s = at_unix_s
            self._next_minute(at_unix_s)
        state.at_unix_s = at_unix_s
        if bad and not state.bank.weight:
            minute = state.minute
            state.calm = Block(minute.start_unix_s, minute.events, minute.bad)
            state.calm_unix_s = before_unix_s
        state.minute.events += good + bad
        state.minute.bad += bad
        if bad or state.bank.weight:
            gain_max = self._prior.gain_max * slots
            bounds = Bounds(gain_max, SCORE_MAX, still)
            state.bank.add(good + bad, bad, self._steps, bounds, (before_unix_s, at_unix_s))
            self._look(at_unix_s, bad)
        if state.is_hot:
            self._recover(at_unix_s, good, bad)

    def count_kind(self, at_unix_s: float, kind: str, number: float) -> None:
        """What kind of failure it was."""
        state = self.state
        if at_unix_s > state.kinds_unix_s:
            fade = math.exp((state.kinds_unix_s - at_unix_s) / KINDS_MEMORY_S)
            state.kinds = {kind: share * fade for kind, share in state.kinds.items()}
            state.kinds_unix_s = at_unix_s
        state.kinds[kind] = state.kinds.get(kind, 0.0) + number
        if len(state.kinds) > KINDS_MAX:
            del state.kinds[min(state.kinds, key=lambda one: (state.kinds[one], one))]

    def window(self, from_unix_s: float) -> tuple[int, int]:
        """Events and bad ones of the minutes since then, at most RING_MINUTES."""
        state = self.state
        events, bad = state.minute.events, state.minute.bad
        if state.minute.start_unix_s + MINUTE_S <= from_unix_s:
            return 0, 0
        for minute in reversed(state.ring):
            if minute.start_unix_s + MINUTE_S <= from_unix_s:
                break
            events += minute.events
            bad += minute.bad
        return round(events), round(bad)

    def since(self, from_unix_s: float) -> tuple[int, int]:
        """Events and bad ones since then, without what the same minute held before suspicion."""
        events, bad = self.window(from_unix_s)
        calm = self.state.calm
        is_inside = calm.start_unix_s <= from_unix_s < calm.start_unix_s + MINUTE_S
        if is_inside and from_unix_s >= self.state.calm_unix_s:
            return max(0, events - round(calm.events)), max(0, bad - round(calm.bad))
        return events, bad

    def _look(self, at_unix_s: float, bad: float) -> None:
        """Whether the score says anything now."""
        state, settings = self.state, self._settings
        if state.bank.weight < settings.possible_ratio:
            return
        self._suspect(at_unix_s)
        is_again = self._is_fresh(at_unix_s)
        is_enough = is_again or state.bank.weight >= 1.0
        if state.is_hot or not bad or not is_enough:
            return
        if self.window(0.0)[1] < settings.failures_min:
            return
        state.is_hot = True
        if not is_again:
            state.onset_unix_s = state.bank.onset_unix_s
        state.recovery = 0.0
        state.last_bad_unix_s = at_unix_s

    def _recover(self, at_unix_s: float, good: float, bad: float) -> None:
        state, settings = self.state, self._settings
        if state.recovery == 0.0:
            events, failed = self.window(state.onset_unix_s)
            surely = (failed - math.sqrt(failed)) / max(1, events)
            state.from_ratio = min(settings.recover_ratio_max, surely)
        usual = self._usual_ratio
        up, down = event_steps(
            usual, max(state.from_ratio, RATES[self._steps.lowest]), self._size, state.steps_per_min
        )
        gained = (good + bad) * down - bad * up
        state.recovery = min(settings.recover_log, max(0.0, state.recovery + gained))
        if bad and state.recovery == 0.0:
            state.last_bad_unix_s = at_unix_s
        if state.recovery >= settings.recover_log:
            state.is_hot = False
            state.bank.clear()

    def _next_minute(self, at_unix_s: float) -> None:
        """A minute is over: it goes to the ring and to the block, and a block may be over, too."""
        state = self.state
        ended = state.minute
        if ended.events:
            self._count_rate(ended, at_unix_s)
            state.ring.append(ended)
            if len(state.ring) > RING_MINUTES:
                del state.ring[0]
            state.block.events += ended.events
            state.block.bad += ended.bad
            squares, excess = state.baseline.moments(
                ended.events, ended.bad, self._prior, self._settings
            )
            state.block.squares += squares
            state.block.excess += excess
        state.minute = Block(at_unix_s - at_unix_s % MINUTE_S)
        if state.is_hot or self._is_fresh(at_unix_s):
            self._suspect(at_unix_s)
        elif state.bank.weight < self._settings.possible_ratio:
            state.suspected_unix_s = 0.0
        if at_unix_s >= state.block.start_unix_s + BLOCK_S:
            self._close_block()
            state.block = Block(at_unix_s - at_unix_s % BLOCK_S)
            state.is_touched = state.suspected_unix_s > 0.0
        self._refresh()

    def _suspect(self, at_unix_s: float) -> None:
        """Nothing is learned of this."""
        state = self.state
        state.is_touched = True
        if not state.suspected_unix_s:
            state.suspected_unix_s = at_unix_s
            state.pending.clear()

    def _is_fresh(self, at_unix_s: float) -> bool:
        """Whether an episode was not long ago."""
        last_bad_unix_s = self.state.last_bad_unix_s
        return last_bad_unix_s > 0.0 and at_unix_s - last_bad_unix_s < self._settings.hold_s

    def _close_block(self) -> None:
        state, settings = self.state, self._settings
        block = state.block
        if not block.events:
            return
        if state.is_touched:
            is_old = state.suspected_unix_s > 0.0 and (
                block.start_unix_s - state.suspected_unix_s > settings.accept_after_s
            )
            if is_old and block.bad <= settings.accept_ratio_max * block.events:
                self._fold(block)
            return
        state.pending.append(block)
        if len(state.pending) > PENDING_BLOCKS:
            self._fold(state.pending.pop(0))

    def _fold(self, block: Block) -> None:
        self.state.baseline.learn(
            (block.events, block.bad), (block.squares, block.excess), self._prior, self._settings
        )
        self.state.steps_per_min = 0.0

    def _count_rate(self, ended: Block, at_unix_s: float) -> None:
        state = self.state
        minutes = max(1.0, (at_unix_s - at_unix_s % MINUTE_S - ended.start_unix_s) / MINUTE_S)
        lately = ended.events / minutes
        if state.per_min:
            keep = RATE_KEEP**minutes
            state.per_min = keep * state.per_min + (1.0 - keep) * lately
        else:
            state.per_min = lately

    def _refresh(self, *, is_new: bool = False) -> None:
        """Steps and threshold, for how busy it is and what is usual."""
        state, settings = self.state, self._settings
        per_min = state.per_min or PER_MIN_LEAST
        if abs(per_min - state.steps_per_min) <= RATE_CHANGE * state.steps_per_min:
            if not is_new:
                return
            per_min = state.steps_per_min  # as it was kept
        state.steps_per_min = per_min
        self._usual_ratio = state.baseline.usual_ratio(self._prior, settings)
        self._size = state.baseline.size(self._prior, settings)
        self._steps = ratio_steps(
            self._usual_ratio, self._prior.rise_ratio, self._size, per_min, self._prior.alarm_log
        )
        state.bank.forget_below(self._steps.lowest)

    def _begin_anew(self) -> None:
        state = self.state
        state.bank.clear()
        state.is_hot = False
        state.recovery = 0.0
        state.ring.clear()
        state.pending.clear()
        state.minute = Block(0.0)
        state.block = Block(0.0)
        state.is_touched = False
        state.suspected_unix_s = 0.0
