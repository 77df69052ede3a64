"""Consumers: who of the free tier and of batch is let in, and with how much.

    first that is true                                 then
    in the penalty box                                 refused, from memory
    as many streams as a user may have                 refused: ``user_streams``
    batch, and new sessions are refused                refused: ``tier_capacity``
    level 5, a ticket, not among those who stay        refused: ``no_new_sessions``; ticket gone
    level 5, no ticket, its front end keeps a line     let in as far as the line's rate goes, in
                                                       the line's order; else ``no_new_sessions``
    level 5, no ticket, not among those who get in     refused: ``no_new_sessions``
    else                                               let in, with a ticket (free)

    level 1  no retries, no hedges           ``may_retry``
    level 2  an answer of 256 tokens         ``Claim.output_tokens_cap``, unless it asks for less
    level 3  of 128; one stream for a user; the smaller model, where a route has one
    level 5  ``core.free_share`` says how many get in and stay, ``core.tickets`` who

A user is the tenant with the user that the key asserts, or else the key itself. Retry-After is how
long it has been so already: overload of unknown duration is about half over. It is never longer
than the user's expected wait for a better rank, which changes by the hour. To a line it is when
the next of it is let in, in seconds (``core.kept_lines``).

One for each place that decides: a process, or the limiter of a machine. Pure: told the time, given
its chance.
"""

from collections.abc import Callable
from typing import Final, TypedDict

from penstock.config.model import Admission
from penstock.core.claim import MAX_TOKENS, MODEL, Claim
from penstock.core.errors import NO_NEW_SESSIONS, TIER_CAPACITY, USER_STREAMS, ShedError
from penstock.core.free_share import FreeShare
from penstock.core.heavy_use import HeavyUse
from penstock.core.kept_lines import KeptLines
from penstock.core.ladder import LEVEL_MAX, Ladder, LadderPolicy
from penstock.core.penalty_box import PenaltyBox
from penstock.core.saturation import Saturation
from penstock.core.tickets import HOUR_S, Ranking, Tickets
from penstock.core.tier import Tier

FREE: Final = Tier.FREE  # a look into an enumeration costs as much as a call
BATCH: Final = Tier.BATCH
NO_RETRIES: Final = 1
SHORTER: Final = 2
SHORTEST: Final = 3  # and one stream, and the smaller model
DEGRADED: Final[dict[tuple[bool, bool], tuple[str, ...]]] = {  # by the cap, and the smaller model
    (False, False): (),
    (True, False): (MAX_TOKENS,),
    (False, True): (MODEL,),
    (True, True): (MAX_TOKENS, MODEL),
}
RETRY_AFTER_MIN_S: Final = 5.0  # of a new session: the shares do not move faster
STREAM_RETRY_AFTER_S: Final = 5.0  # about one answer of the user's own
FULL_RATIO: Final = 0.95  # of the slots: with so many taken the last level is not left
RATIO_MIN: Final = 1e-3  # of new users: below it the estimate is six weeks in any case
JITTER_LEAST: Final = 0.8  # of Retry-After, so that not all come back at once (TIERING 5)
JITTER_MOST: Final = 1.3


class State(TypedDict):
    """What a process leaves behind for the next: plain values only."""

    level: int
    share: dict[str, float]
    tickets: dict[str, float]


class Consumers:
    """The ladder, the tickets and the streams of all consumers. Owned by one event loop."""

    __slots__ = (
        "_box", "_chance", "_full_since_s", "_ladder", "_lines", "_policy", "_ranking",
        "_saturation", "_share", "_streams", "_streams_max", "_tickets", "_unix_offset_s", "_use",
    )  # fmt: skip

    def __init__(
        self,
        entry: Admission,
        salt: bytes,
        unix_offset_s: float,
        chance: Callable[[], float],
        now_s: float,
    ) -> None:
        """Start with nobody in.

        ``salt`` is the same for all processes of an installation. ``unix_offset_s`` is what to add
        to ``now_s`` for wall time.
        """
        policy = entry.ladder
        self._policy = policy
        self._streams_max = entry.streams_per_user_max
        self._chance = chance
        self._unix_offset_s = unix_offset_s
        self._saturation = Saturation()
        self._ladder = Ladder(LadderPolicy(policy.entries, policy.up_s, policy.down_s))
        self._share = FreeShare(now_s)
        self._lines = KeptLines()
        self._ranking = Ranking(salt)
        self._tickets = Tickets(policy.ticket_s, policy.tickets_max)
        self._use = HeavyUse(policy.tickets_max, now_s)
        self._box = PenaltyBox(policy.ticket_s, policy.tickets_max)
        self._streams: dict[str, int] = {}  # only users who have some
        self._full_since_s = now_s

    def use(self, entry: Admission) -> None:
        """Take other settings; who is in stays in. The sizes of the tables stay as they are."""
        policy = self._policy = entry.ladder
        self._streams_max = entry.streams_per_user_max
        self._tickets.ticket_s = policy.ticket_s
        self._ladder.use(LadderPolicy(policy.entries, policy.up_s, policy.down_s))
        if not policy.is_enabled:
            self._ladder.level = 0  # nobody observes it any more

    @property
    def level(self) -> int:
        """The ladder's level, 0 to 5."""
        return self._ladder.level

    @property
    def moves(self) -> int:
        """How often the ladder has moved."""
        return self._ladder.moves

    @property
    def new_ratio(self) -> float:
        """The share of new users who get in now."""
        return self._share.new_ratio if self._ladder.level == LEVEL_MAX else 1.0

    @property
    def kept_ratio(self) -> float:
        """The share of ticket holders who stay in."""
        return self._share.kept_ratio if self._ladder.level == LEVEL_MAX else 1.0

    @property
    def streams(self) -> int:
        """How many exchanges have been let in and are not over."""
        return sum(self._streams.values())

    @property
    def tickets(self) -> int:
        """How many tickets are held."""
        return len(self._tickets)

    def observe(self, saturation: float, free_wait_ratio: float, now_s: float) -> int:
        """Take what is measured, about twice a second; return the level.

        ``saturation``: used / limit on the tightest dimension, 0 to 1. ``free_wait_ratio``: the
        wait that an exchange of the free tier can expect now, relative to the longest it may wait.
        """
        if not self._policy.is_enabled:
            return 0
        pressure = self._saturation.observe(saturation, free_wait_ratio, now_s)
        self._share.observe(self._saturation.wait_ratio, now_s)
        level = self._ladder.level
        is_short = self._share.new_ratio < 1.0 or self._saturation.slots >= FULL_RATIO
        is_short = is_short or self._lines.is_waiting(now_s)
        if level == LEVEL_MAX and is_short:
            pressure = max(pressure, self._policy.entries[-1])  # left when nobody is refused
        if self._ladder.observe(pressure, now_s) > level:
            self._full_since_s = now_s
        self._tickets.expire(now_s)
        self._use.expire(now_s)
        return self._ladder.level

    def admit(self, claim: Claim, now_s: float) -> ShedError | None:
        """Let an exchange of the free tier or of batch in, once, or say why not.

        Who is let in has to ``leave``. Sets what the ladder takes of it.
        """
        user = claim.seat = user_of(claim)
        streams = self._streams.get(user, 0)
        refusal = self._refusal(user, claim, streams, now_s)
        if refusal is None:
            self._streams[user] = streams + 1
            claim.load_level = self._ladder.level
            if claim.load_level >= SHORTER:
                self._degrade(claim)
        return refusal

    def leave(
        self, claim: Claim, now_s: float, cost_tokens: float = 0.0, *, is_served: bool = True
    ) -> None:
        """Take note that an exchange that was let in is over, once.

        ``cost_tokens``: what it has used. ``is_served``: its caller got at least a beginning.
        """
        user = claim.seat
        streams = self._streams.pop(user)
        if streams > 1:
            self._streams[user] = streams - 1
        if cost_tokens > 0.0:
            self._use.record(user, cost_tokens, now_s)
        if claim.served is not FREE:
            return
        if is_served:
            self._share.served += 1
            self._tickets.renew(user, now_s)
        elif streams == 1:
            self._tickets.cancel(user)

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated or hedged, as far as the ladder is concerned."""
        return claim.served < FREE or self._ladder.level < NO_RETRIES

    def may_degrade(self, claim: Claim) -> bool:
        """Tell whether a smaller model may answer: a consumer, or whose tenant has agreed."""
        return self._ladder.level >= SHORTEST and (claim.may_degrade_model or claim.served >= FREE)

    def state(self, now_s: float) -> State:
        """Return what the next process needs to go on."""
        return State(
            level=self._ladder.level,
            share=self._share.state(),
            tickets=self._tickets.state(now_s),
        )

    def restore(self, state: State, now_s: float) -> None:
        """Go on where another process was; nobody must have been let in yet."""
        self._ladder.restore(state["level"], now_s)
        self._share.restore(state["share"], now_s)
        self._tickets.restore(state["tickets"].items(), now_s)
        self._full_since_s = now_s

    def _refusal(self, user: str, claim: Claim, streams: int, now_s: float) -> ShedError | None:
        if user in self._box.known:
            left_s = self._box.left_s(user, now_s)
            if left_s > 0.0:
                return ShedError(IMPATIENT, retry_after_s=left_s, code=NO_NEW_SESSIONS)
        streams_max = 1 if self._ladder.level >= SHORTEST else self._streams_max
        if streams >= streams_max:
            wait_s = self._spread(STREAM_RETRY_AFTER_S)
            return ShedError(streams_text(streams_max), retry_after_s=wait_s, code=USER_STREAMS)
        if claim.served is BATCH:
            return self._batch_refusal(user, now_s)
        return None if self._gets_in(user, claim, now_s) else self._no_room(user, claim, now_s)

    def _batch_refusal(self, user: str, now_s: float) -> ShedError | None:
        if self.new_ratio >= 1.0 and not self._lines.is_waiting(now_s):
            return None
        return self._refused(user, self._full_s(now_s), now_s, (NO_BATCH, TIER_CAPACITY))

    def _gets_in(self, user: str, claim: Claim, now_s: float) -> bool:
        is_short = self._ladder.level == LEVEL_MAX
        if self._tickets.has(user, now_s):
            self._share.holders += 1
            # Holders have been chosen by their rank: among them another draw decides.
            if not is_short or self._stands_within(self._share.kept_ratio, "stay", user, now_s):
                return True
            self._tickets.drop(user)
            return False
        if claim.line:
            line = line_of(claim)
            self._share.on_joined(self._lines.count(line, claim.line, now_s))
            is_in = not is_short or self._lines.take(line, self._share.line_per_s, now_s)
        else:
            if not self._box.is_known(user, now_s):
                self._share.on_newcomer()
            is_in = not is_short or self._stands_within(self._share.new_ratio, "enter", user, now_s)
        if not is_in:
            return False
        self._tickets.hold(user, now_s)
        self._box.forgive(user)
        return True

    def _stands_within(self, ratio: float, draw: str, user: str, now_s: float) -> bool:
        if ratio >= 1.0:
            return True
        rank = self._ranking.rank(user, draw, now_s + self._unix_offset_s)
        return rank - self._use.penalty(user) >= 1.0 - ratio

    def _degrade(self, claim: Claim) -> None:
        level = claim.load_level
        cap = self._policy.output_tokens_caps[level >= SHORTEST]
        is_capped = cap > 0 and not 0 < claim.output_tokens_max <= cap
        if is_capped:
            claim.output_tokens_cap = cap
        claim.degraded = DEGRADED[is_capped, level >= SHORTEST]

    def _refused(self, user: str, wait_s: float, now_s: float, words: tuple[str, str]) -> ShedError:
        wait_s = self._spread(wait_s)
        self._box.told(user, wait_s, now_s)
        return ShedError(words[0], retry_after_s=wait_s, code=words[1])

    def _no_room(self, user: str, claim: Claim, now_s: float) -> ShedError:
        if claim.line:  # its front end decides who comes when, so no user of it is impatient
            wait_s = self._lines.wait_s(line_of(claim), self._share.line_per_s, now_s)
            return ShedError(NO_ROOM, retry_after_s=wait_s, code=NO_NEW_SESSIONS)
        return self._refused(user, self._back_in_s(user, now_s), now_s, (NO_ROOM, NO_NEW_SESSIONS))

    def _full_s(self, now_s: float) -> float:
        return max(RETRY_AFTER_MIN_S, now_s - self._full_since_s)

    def _back_in_s(self, user: str, now_s: float) -> float:
        """Return when the user is likely to get in: overload ends, or an hour's rank is better."""
        next_s = self._ranking.until_next_s(user, now_s + self._unix_offset_s)
        hours = 1.0 / max(self._share.new_ratio, RATIO_MIN) - 1.0
        return max(RETRY_AFTER_MIN_S, min(self._full_s(now_s), next_s + hours * HOUR_S))

    def _spread(self, wait_s: float) -> float:
        return wait_s * (JITTER_LEAST + (JITTER_MOST - JITTER_LEAST) * self._chance())


def user_of(claim: Claim) -> str:
    """Return who a claim's consumer is: the tenant's user, or else its key."""
    if claim.user:
        return f"{claim.tenant}\0user\0{claim.user}"
    return f"{claim.tenant}\0key\0{claim.key}"


def line_of(claim: Claim) -> str:
    """Return which line a claim's user stands in: each key keeps one."""
    return f"{claim.tenant}\0{claim.key}"


def streams_text(streams_max: int) -> str:
    """Return what a user with too many streams is told."""
    return f"A user may have {streams_max} streams of this tier at once now."


NO_ROOM: Final = "There is no room for a new session of the free tier."
NO_BATCH: Final = "There is no room for batch work."
IMPATIENT: Final = "This user came back several times before the time in Retry-After."
