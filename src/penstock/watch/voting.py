"""What people say: one vote a person, component and window, and no network speaks for many.

A report counts unless its voter has a counted one in the window, or its network has
network_votes_max. The i-th vote of a network weighs 1/i. The weights drive the CUSUM. It says
`possible` only where, in the window, there are reporters_min people, and networks_min networks bear
witness (healthy_networks_min while probes and telemetry say that all is well), and the score would
be as high were there no other votes than one of each witness. A loud network (more voters than
loud_voters, and than loud_ratio times the median of all but the three largest) is no witness, nor
is one that was loud within the window: a thousand voters of three networks are none at all. A vote
bears witness agree_s late, when it is seen whether its network is loud.

    calm    score reaches half the threshold, and enough agree    -> wave
    wave    votes of the window are as usual, and fewer than reporters_min -> calm; score is nothing

Learning is as for ratios: blocks of ten minutes, half an hour late, none that a wave touched; but
a young baseline learns from waves, too, and one that lasts for report_accept_s with all else well
becomes usual. Pure.
"""

import statistics
from typing import Final

import msgspec

from penstock.watch.baseline import BLOCK_S, RateBaseline
from penstock.watch.cusum import RateCusum, RateSteps, rate_steps
from penstock.watch.evidence import Report
from penstock.watch.settings import Settings

VOTES_MAX: Final = 4000  # kept a component: past that, more votes change nothing
REFUSED_MAX: Final = 1000  # of these: enough to see which networks are loud
LOUD_MAX: Final = 1000
FEW_NETWORKS: Final = 3  # reports of so many are their users' trouble, or a brigade
PENDING_BLOCKS: Final = 3
GAP_S: Final = 3600.0
SCORE_MAX: Final = 2.0  # of the threshold
RECENT_S: Final = (60.0, 180.0)  # a wave's rate is the greater of both: it must not lag a rise


class Vote(msgspec.Struct, array_like=True, frozen=True):
    """One report in the window; without weight it was past its network's cap."""

    at_unix_s: float
    weight: float
    voter: str
    network: str
    category: str = ""
    version: str = ""
    region: str = ""


class BallotState(msgspec.Struct, kw_only=True):
    """All that is remembered of a component's reports."""

    baseline: RateBaseline = msgspec.field(default_factory=RateBaseline)
    cusum: RateCusum = msgspec.field(default_factory=RateCusum)
    votes: list[Vote] = msgspec.field(default_factory=list[Vote])
    loud: dict[str, float] = {}  # network -> when it last was
    is_wave: bool = False
    onset_unix_s: float = 0.0
    block_start_unix_s: float = 0.0
    block_votes: float = 0.0
    pending: list[tuple[float, float]] = msgspec.field(default_factory=list[tuple[float, float]])
    first_unix_s: float = 0.0
    spilled_per_min: float = 0.0


class Ballot:
    """Votes on one component; not thread-safe."""

    __slots__ = ("_by_network", "_refused", "_settings", "_voters", "state")

    def __init__(self, settings: Settings, state: BallotState) -> None:
        self._settings = settings
        self.state = state
        self._voters: set[str] = set()
        self._refused = 0
        self._by_network: dict[str, int] = {}  # all voters, also those past the cap
        for vote in state.votes:
            self._note(vote)

    @property
    def weight(self) -> float:
        """Score over threshold."""
        return self.state.cusum.score / self._settings.report_threshold

    @property
    def reporters(self) -> int:
        """People whose votes count, in the window."""
        return len(self.state.votes) - self._refused

    @property
    def networks(self) -> int:
        """Networks that reports came from, in the window."""
        return len(self._by_network)

    def usual(self, at_unix_s: float) -> float:
        """Votes in a window that are usual."""
        per_min = self.state.baseline.per_min(at_unix_s, self._settings)
        return per_min * self._settings.vote_window_s / 60.0

    def per_min(self, now_unix_s: float) -> float:
        """How fast votes come now."""
        return max(self._since(now_unix_s - span) * 60.0 / span for span in RECENT_S)

    def take(self, report: Report, at_unix_s: float, spilled_per_min: float) -> None:
        """One report, not before any that was taken; ``spilled_per_min``: from others' waves."""
        self.advance(at_unix_s, spilled_per_min)
        if report.voter in self._voters or len(self.state.votes) >= VOTES_MAX:
            return
        settings = self._settings
        earlier = self._by_network.get(report.network, 0) if settings.has_diversity else 0
        weight = 1.0 / (1.0 + earlier) if earlier < settings.network_votes_max else 0.0
        if weight == 0.0 and self._refused >= REFUSED_MAX:
            return
        vote = Vote(at_unix_s, weight, report.voter, report.network, report.category,
                    report.version, report.region)  # fmt: skip
        self.state.votes.append(vote)
        self._note(vote)
        most = settings.report_threshold * SCORE_MAX
        self.state.cusum.add(weight, self._steps(at_unix_s, spilled_per_min), most)
        self.state.block_votes += weight

    def advance(self, now_unix_s: float, spilled_per_min: float) -> None:
        """Time passes: votes leave the window, the score falls."""
        state = self.state
        if state.first_unix_s == 0.0:
            state.first_unix_s = state.cusum.at_unix_s = state.cusum.zero_unix_s = now_unix_s
            state.block_start_unix_s = now_unix_s - now_unix_s % BLOCK_S
        state.spilled_per_min = spilled_per_min
        self._expire(now_unix_s - self._settings.vote_window_s)
        if state.cusum.score:
            state.cusum.pass_time(now_unix_s, self._steps(now_unix_s, spilled_per_min))
        else:
            state.cusum.at_unix_s = state.cusum.zero_unix_s = max(now_unix_s, state.cusum.at_unix_s)

    def judge(self, now_unix_s: float, *, is_healthy: bool, may_learn: bool) -> bool:
        """Whether there is a wave; ``is_healthy``: probes or telemetry live, and all are well."""
        state, settings = self.state, self._settings
        if state.is_wave and self._is_over(now_unix_s):
            state.is_wave = False
            state.cusum.score = 0.0
        is_enough = self.weight >= settings.report_possible_ratio and self._do_enough_agree(
            now_unix_s, is_healthy=is_healthy
        )
        if is_enough and not state.is_wave:
            state.is_wave = True
            state.onset_unix_s = state.cusum.zero_unix_s
        self._learn(now_unix_s, is_healthy=is_healthy, may_learn=may_learn)
        return state.is_wave and (is_enough or not is_healthy)

    def few_networks(self) -> str:
        """'1 network', where it or so few are nearly all that many reports come from; or empty."""
        settings, votes = self._settings, len(self.state.votes)
        if votes < settings.reporters_min:
            return ""
        if votes < settings.reporters_min + 2.0 * self.usual(self.state.cusum.at_unix_s):
            return ""
        counts = sorted(self._by_network.values(), reverse=True)
        for few in range(1, FEW_NETWORKS + 1):
            if sum(counts[:few]) >= settings.concentrated_ratio * votes:
                return "1 network" if few == 1 else f"{few} networks"
        return ""

    def one_kind(self) -> str:
        """The version or the region that nearly all reports come from; empty: there is none."""
        for of in ("version", "region"):
            named = [str(getattr(vote, of)) for vote in self.state.votes if vote.weight]
            first = statistics.mode(named) if named else ""
            if first and named.count(first) >= self._settings.concentrated_ratio * len(named):
                return f"{of} {first}"
        return ""

    def _do_enough_agree(self, now_unix_s: float, *, is_healthy: bool) -> bool:
        settings = self._settings
        if self.reporters < settings.reporters_min:
            return False
        if not settings.has_diversity:
            return True
        witnesses = self._witnesses(now_unix_s)
        least = settings.healthy_networks_min if is_healthy else settings.networks_min
        if witnesses < least:
            return False
        begun_s = min(settings.vote_window_s, now_unix_s - self.state.cusum.zero_unix_s)
        steps = self._steps(now_unix_s, self.state.spilled_per_min)
        score = witnesses * steps.up - begun_s / 60.0 * steps.down_per_min
        return score >= settings.report_possible_ratio * settings.report_threshold

    def _is_over(self, now_unix_s: float) -> bool:
        settings = self._settings
        votes = sum(vote.weight for vote in self.state.votes)
        rise = 0.5 * settings.rho * self.usual(now_unix_s)
        return self.reporters < settings.reporters_min or votes <= rise

    def _witnesses(self, now_unix_s: float) -> int:
        """Networks with a vote since the onset, not a new one, not loud now or of late."""
        counts, settings = self._by_network, self._settings
        since_unix_s = self.state.cusum.zero_unix_s
        before_unix_s = now_unix_s - settings.agree_s
        found = {
            vote.network
            for vote in self.state.votes
            if since_unix_s <= vote.at_unix_s <= before_unix_s
        }
        if not found:
            return 0
        most: float = settings.loud_voters
        others = sorted(counts.values())[:-FEW_NETWORKS]  # of all, the median may be a loud one
        if others:
            most = max(most, settings.loud_ratio * statistics.median(others))
        loud = {
            network: at_unix_s
            for network, at_unix_s in self.state.loud.items()
            if at_unix_s > now_unix_s - settings.vote_window_s
        }
        for network, voters in counts.items():
            if voters > most and len(loud) < LOUD_MAX:
                loud[network] = now_unix_s
        self.state.loud = loud
        return len(found - loud.keys())

    def _steps(self, at_unix_s: float, spilled_per_min: float) -> RateSteps:
        settings, baseline = self._settings, self.state.baseline
        usual = baseline.per_min(at_unix_s, settings)
        return rate_steps(usual + spilled_per_min, baseline.dispersion(settings), settings.rho)

    def _since(self, from_unix_s: float) -> float:
        found = 0.0
        for vote in reversed(self.state.votes):
            if vote.at_unix_s <= from_unix_s:
                break
            found += vote.weight
        return found

    def _note(self, vote: Vote) -> None:
        self._voters.add(vote.voter)
        self._by_network[vote.network] = self._by_network.get(vote.network, 0) + 1
        self._refused += vote.weight == 0.0

    def _expire(self, before_unix_s: float) -> None:
        votes = self.state.votes
        gone = 0
        for vote in votes:
            if vote.at_unix_s > before_unix_s:
                break
            gone += 1
            self._voters.discard(vote.voter)
            self._refused -= vote.weight == 0.0
            left = self._by_network[vote.network] - 1
            if left:
                self._by_network[vote.network] = left
            else:
                del self._by_network[vote.network]
        if gone:
            del votes[:gone]

    def _learn(self, now_unix_s: float, *, is_healthy: bool, may_learn: bool) -> None:
        state, settings = self.state, self._settings
        if now_unix_s - state.block_start_unix_s > GAP_S:  # nobody counted in between
            state.block_start_unix_s = now_unix_s - now_unix_s % BLOCK_S
            state.block_votes = 0.0
        while now_unix_s >= state.block_start_unix_s + BLOCK_S:
            is_young = state.baseline.minutes * 60.0 < settings.young_s
            is_accepted = is_healthy and now_unix_s - state.onset_unix_s > settings.report_accept_s
            if not may_learn or (state.is_wave and not is_young and not is_accepted):
                state.pending.clear()
            else:
                state.pending.append((state.block_start_unix_s, state.block_votes))
            if len(state.pending) > PENDING_BLOCKS:
                state.baseline.learn(*state.pending.pop(0), settings)
            state.block_votes = 0.0
            state.block_start_unix_s += BLOCK_S
