"""What is counted of a simulated arm while it runs: by place, tier and window, and over time.

    end        complete, refused by admission, failed, broken (begun, and ended with an error),
               left, unfinished when the drill was over; a call belongs to when it was first sent
    added      first token, less what the upstream that sent it took; not of calls whose wait had
               some of the seconds after a change in it (``moments.is_settled``)
    sessions   belong to when they began; those that the drill's end cut off are not counted
    customer   the same of calls that were sent while something at a provider's API was struck
    elsewhere  tokens of complete calls that another provider answered whole, by step: what they
               cost more is a matter of prices

All is as ``figures`` has it, which counts the calls of an emulated drill one by one. A million
calls are too many to keep: what quantiles need is kept as plain numbers.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from penstock.sim.drills import figures, moments, shapes
from penstock.sim.drills.shapes import Call, Counts, Series, Timetable

WHOLE: Final = -1
WAITED_S: Final = 1.0  # at the gate: from here on somebody has waited
API: Final = "api"


class Ended:
    """One call that is over. Plain attributes: there are a million of them, one at a time."""

    __slots__ = (
        "added_s", "answered_by", "at_s", "continued", "end", "home", "input_tokens", "itl_s",
        "output_tokens", "place", "refusals", "route", "tier", "took_s", "tries", "ttft_s",
        "waited_s",
    )  # fmt: skip

    def __init__(self, place: str, tier: str, at_s: float, end: str) -> None:
        self.place = place
        self.tier = tier
        self.at_s = at_s
        self.end = end
        self.tries = 1
        self.ttft_s = 0.0
        self.added_s = 0.0
        self.itl_s = 0.0
        self.took_s = 0.0  # to the end, all tries together
        self.waited_s = 0.0  # at the gate
        self.continued = 0
        self.home = ""  # the provider it would be bound to
        self.answered_by = ""
        self.route = ""
        self.input_tokens = 0
        self.output_tokens = 0
        self.refusals: list[str] = []  # codes


class Count:
    """Calls of one kind."""

    __slots__ = (
        "added_s", "answered", "continued", "ends", "itl_s", "output_tokens", "refusals",
        "sessions", "sessions_complete", "substituted", "took_s", "tries", "ttft_s", "waited",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.tries = 0
        self.waited = 0
        self.continued = 0
        self.substituted = 0
        self.sessions = 0
        self.sessions_complete = 0
        self.output_tokens = 0
        self.took_s = 0.0  # of those that are complete
        self.ttft_s = array("f")
        self.added_s = array("f")
        self.itl_s = array("f")

    def note(self, call: Ended, *, is_settled: bool) -> None:
        """Count one."""
        self.ends[call.end] += 1
        self.tries += call.tries
        self.waited += call.waited_s > WAITED_S
        self.output_tokens += call.output_tokens
        if call.end == shapes.COMPLETE:
            self.answered[call.answered_by] += 1
            self.took_s += call.took_s
            if call.continued:
                self.continued += 1
            elif call.answered_by != call.home:
                self.substituted += 1
        if call.refusals:
            self.refusals.update(call.refusals)
        if call.ttft_s:
            self.ttft_s.append(call.ttft_s)
            self.itl_s.append(call.itl_s)
            if is_settled:
                self.added_s.append(call.added_s)

    def add(self, other: "Count") -> None:
        """Add what another has counted."""
        self.ends += other.ends
        self.refusals += other.refusals
        self.answered += other.answered
        self.tries += other.tries
        self.waited += other.waited
        self.continued += other.continued
        self.substituted += other.substituted
        self.sessions += other.sessions
        self.sessions_complete += other.sessions_complete
        self.output_tokens += other.output_tokens
        self.took_s += other.took_s
        self.itl_s += other.itl_s
        self.ttft_s += other.ttft_s
        self.added_s += other.added_s

    def counts(self, arm: str, place: str, tier: str, window: int = WHOLE) -> Counts:
        """Return it as the report has it."""
        ttft, added, itl = sorted(self.ttft_s), sorted(self.added_s), sorted(self.itl_s)
        complete = self.ends[shapes.COMPLETE]
        return Counts(
            arm=arm,
            place=place,
            tier=tier,
            window=window,
            calls=self.ends.total(),
            **{name: self.ends[name] for name in shapes.ENDS},
            tries=self.tries,
            continued=self.continued,
            substituted=self.substituted,
            waited=self.waited,
            refusals=dict(self.refusals),
            answered=dict(self.answered),
            ttft_p50_s=quantile(ttft, 0.5),
            ttft_p99_s=quantile(ttft, 0.99),
            itl_p50_s=quantile(itl, 0.5),
            itl_p99_s=quantile(itl, 0.99),
            took_mean_s=self.took_s / complete if complete else None,
            added_p50_s=quantile(added, 0.5),
            added_p99_s=quantile(added, 0.99),
            sessions=self.sessions,
            sessions_complete=self.sessions_complete,
            output_tokens=self.output_tokens,
        )


def quantile(ordered: Sequence[float], ratio: float) -> float | None:
    """Return a quantile of ordered numbers, the next above it; None: there are none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(ratio * len(ordered)))], 4)


def total(parts: Iterable[Count]) -> Count:
    """Return the sum of several."""
    made = Count()
    for one in parts:
        made.add(one)
    return made


class Line:
    """One place and tier over time."""

    __slots__ = ("added_s", "answered", "calls", "complete", "ended", "itl_s", "ttft_s")

    def __init__(self, steps: int) -> None:
        self.calls = [0] * steps
        self.ended = [0] * steps
        self.complete = [0] * steps
        self.ttft_s = [array("f") for _ in range(steps)]
        self.added_s = [array("f") for _ in range(steps)]
        self.itl_s = [array("f") for _ in range(steps)]
        self.answered: dict[str, list[int]] = {}  # by provider

    def note(self, call: Ended, step: int) -> None:
        """Count one call."""
        self.calls[step] += 1
        self.ended[step] += call.end != shapes.UNFINISHED
        if call.end == shapes.COMPLETE:
            self.complete[step] += 1
            by = self.answered.get(call.answered_by)
            if by is None:
                by = self.answered[call.answered_by] = [0] * len(self.calls)
            by[step] += 1
        if call.ttft_s:
            self.ttft_s[step].append(call.ttft_s)
            self.added_s[step].append(call.added_s)
            self.itl_s[step].append(call.itl_s)

    def add(self, other: "Line") -> None:
        """Add what another has counted."""
        for mine, theirs in ((self.calls, other.calls), (self.ended, other.ended)):
            _add(mine, theirs)
        _add(self.complete, other.complete)
        for at in range(len(self.calls)):
            self.ttft_s[at] += other.ttft_s[at]
            self.added_s[at] += other.added_s[at]
            self.itl_s[at] += other.itl_s[at]
        for name, counts in other.answered.items():
            _add(self.answered.setdefault(name, [0] * len(self.calls)), counts)

    def figures(self) -> dict[str, tuple[float | None, ...]]:
        """Return what -> values."""
        ratios = zip(self.complete, self.ended, strict=True)
        made: dict[str, tuple[float | None, ...]] = {
            "calls": tuple(float(one) for one in self.calls),
            "success_ratio": tuple(round(done / of, 4) if of else None for done, of in ratios),
            "ttft_p50_s": tuple(quantile(sorted(one), 0.5) for one in self.ttft_s),
            "added_p99_s": tuple(quantile(sorted(one), 0.99) for one in self.added_s),
            "itl_p50_s": tuple(quantile(sorted(one), 0.5) for one in self.itl_s),
        }
        for name, counts in sorted(self.answered.items()):
            made[f"by:{name}"] = tuple(float(one) for one in counts)
        return made


def _add(mine: list[int], theirs: Sequence[int]) -> None:
    mine[:] = [one + other for one, other in zip(mine, theirs, strict=True)]


class Elsewhere(NamedTuple):
    """Calls of one step that one provider answered for another."""

    place: str
    tier: str
    route: str
    home: str
    answered_by: str
    step: int


class Recorder:
    """All of one arm."""

    def __init__(self, timetable: Timetable) -> None:
        self._windows_s = [one.from_s for one in timetable.windows]
        self._changes_s = moments.changes(timetable)
        self._struck = moments.struck(timetable, API)
        self.step_s = figures.step_of(timetable.played_s)
        self._steps = max(1, -int(-timetable.played_s // self.step_s))
        self._counts: dict[tuple[str, str], list[Count]] = {}
        self._customer: dict[str, Count] = {}
        self._lines: dict[tuple[str, str], Line] = {}
        self._elsewhere: dict[Elsewhere, list[int]] = {}

    def on_call(self, call: Ended) -> None:
        """Count one call that is over."""
        at_s, key = call.at_s, (call.place, call.tier)
        is_settled = moments.is_settled(at_s, at_s + call.ttft_s, self._changes_s)
        self._count(key, at_s).note(call, is_settled=is_settled)
        if call.place == API and moments.is_within(at_s, self._struck):
            self._customer.setdefault(call.tier, Count()).note(call, is_settled=is_settled)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(self._steps)
        step = min(self._steps - 1, int(at_s / self.step_s))
        line.note(call, step)
        if call.end == shapes.COMPLETE and call.answered_by != call.home and not call.continued:
            where = Elsewhere(*key, call.route, call.home, call.answered_by, step)
            tokens = self._elsewhere.setdefault(where, [0, 0])
            tokens[0] += call.input_tokens
            tokens[1] += call.output_tokens

    def on_session(self, place: str, tier: str, at_s: float, *, is_whole: bool) -> None:
        """Count one that is over; whole: every call of it was answered."""
        count = self._count((place, tier), at_s)
        count.sessions += 1
        count.sessions_complete += is_whole

    def counts(self, arm: str) -> tuple[Counts, ...]:
        """Return all: of each place, its tiers and their windows, and all tiers together."""
        made: list[Counts] = []
        for place in sorted({place for place, _ in self._counts}):
            tiers = self._tiers(place)
            together = [total(each) for each in zip(*tiers.values(), strict=True)]
            for tier, windows in {"": together, **tiers}.items():
                made.append(total(windows).counts(arm, place, tier))
                made.extend(
                    one.counts(arm, place, tier, at) for at, one in enumerate(windows) if one.ends
                )
        return tuple(made)

    def elsewhere(self, arm: str) -> tuple[Call, ...]:
        """Return who was answered by another provider, all alike of a step as one call."""
        return tuple(
            Call(
                arm=arm,
                place=one.place,
                tier=one.tier,
                route=one.route,
                provider=one.home,
                upstream=one.answered_by,
                at_s=one.step * self.step_s,
                end=shapes.COMPLETE,
                input_tokens=taken,
                output_tokens=made,
            )
            for one, (taken, made) in self._elsewhere.items()
        )

    def customer(self, arm: str) -> tuple[Counts, ...]:
        """Return what callers of the API saw while it was struck."""
        if not self._customer:
            return ()
        tiers = sorted(self._customer.items(), key=lambda one: figures.tier_rank(one[0]))
        whole = total(one for _, one in tiers)
        by_tier = (one.counts(arm, API, tier) for tier, one in tiers)
        return (whole.counts(arm, API, ""), *by_tier)

    def series(self, arm: str) -> tuple[Series, ...]:
        """Return each place and tier over time, and all tiers together."""
        lines: dict[tuple[str, str], Line] = {}
        for (place, tier), line in self._lines.items():
            lines.setdefault((place, ""), Line(self._steps)).add(line)
            lines[place, tier] = line
        return tuple(
            Series(arm=arm, place=place, tier=tier, what=what, step_s=self.step_s, values=values)
            for (place, tier), line in sorted(lines.items(), key=_rank)
            for what, values in line.figures().items()
        )

    def _tiers(self, place: str) -> dict[str, list[Count]]:
        mine = {tier: one for (at, tier), one in self._counts.items() if at == place}
        return dict(sorted(mine.items(), key=lambda one: figures.tier_rank(one[0])))

    def _count(self, key: tuple[str, str], at_s: float) -> Count:
        windows = self._counts.get(key)
        if windows is None:
            windows = self._counts[key] = [Count() for _ in self._windows_s]
        return windows[max(0, bisect_right(self._windows_s, at_s) - 1)]


def _rank(one: tuple[tuple[str, str], Line]) -> tuple[str, tuple[int, str]]:
    (place, tier), _ = one
    return place, figures.tier_rank(tier)
