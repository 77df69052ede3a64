"""Clients: what they do when they are told to wait, refused, or answered.

    patient     waits as long as it takes, and never asks again
    impatient   leaves after 15 s without a first token (TIERING 11)
    sdk         asks again up to twice after 408, 409, 429 and 5xx: at Retry-After if there is one,
                else after 0.5 s doubled up to 8 s, less up to a quarter; unless told not to
    naive       asks again after a second whatever it is told, up to 20 times
    person      as sdk, and leaves after 15 s

A job is one request as its sender sees it: all tries together. A session is several jobs, each sent
after the one before was answered and a pause; it ends with the first that was not.

Sources: TIERING 5, the table of what official SDKs do; 0.5 s, 8 s and the quarter are openai's and
anthropic's own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.core.claim import Claim
from penstock.core.errors import PenstockError
from penstock.exchange.route import Route
from penstock.sim.arrivals import Length
from penstock.sim.exchange import Ending, Plant, SimExchange

RETRIED: Final = frozenset({408, 409, 429})
SERVER_ERRORS: Final = 500
OBEYED_S_MAX: Final = 120.0  # openai's; a longer Retry-After is not waited for
PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Habit:
    """How a client behaves; ``gap_s`` above 0 is between the tries of one that reads nothing."""

    leaves_after_s: float = math.inf
    retries_max: int = 0
    gap_s: float = 0.0


HABITS: Final[dict[str, Habit]] = {
    "patient": Habit(),
    "impatient": Habit(leaves_after_s=PATIENCE_S),
    "sdk": Habit(retries_max=2),
    "naive": Habit(retries_max=20, gap_s=1.0),
    "person": Habit(leaves_after_s=PATIENCE_S, retries_max=2),
}


def retry_after_s(
    habit: Habit, error: PenstockError | None, tries: int, chance: Callable[[], float]
) -> float:
    """Return in how many seconds such a client asks again; infinite: it does not."""
    if error is None or tries > habit.retries_max:
        return math.inf
    if habit.gap_s:
        return habit.gap_s
    is_told_not_to = error.should_retry is False or error.retry_after_s > OBEYED_S_MAX
    if is_told_not_to or (error.status not in RETRIED and error.status < SERVER_ERRORS):
        return math.inf
    if error.retry_after_s > 0:
        return error.retry_after_s
    return min(8.0, 0.5 * 2.0 ** (tries - 1)) * (1.0 - 0.25 * chance())


class Sender(Protocol):
    """What the jobs of one class of traffic have in common."""

    plant: Plant
    route: Route
    habit: Habit
    chance: Callable[[], float]

    def claim(self, job: "Job", now_s: float) -> Claim:
        """Return what admission is told of a try."""
        ...

    def on_sent(self, job: "Job", now_s: float) -> None:
        """A request is sent for the first time."""

    def on_tried(self, job: "Job", ending: Ending, error: PenstockError | None) -> None:
        """One try is over."""

    def on_done(self, job: "Job") -> None:
        """All tries are over."""

    def on_cut(self, job: "Job") -> None:
        """The run is over before it is."""


class Job:
    """One request, with all of its tries."""

    __slots__ = (
        "_sender", "_then", "at_s", "ending", "exchange", "lengths", "phase", "told_to_wait",
        "tries", "ttft_s", "user", "waited_s",
    )  # fmt: skip

    def __init__(
        self,
        sender: Sender,
        user: str,
        lengths: Length,
        now_s: float,
        then: Callable[["Job", float], None] | None = None,
    ) -> None:
        self._sender = sender
        self._then = then
        self.user = user
        self.lengths = lengths
        self.at_s = now_s
        self.tries = 0
        self.ttft_s = 0.0  # from the first try on; 0: there was none
        self.waited_s = 0.0  # at the gate, over all tries
        self.ending = Ending.LEFT
        self.told_to_wait = False  # the last try ended with a Retry-After, and it was obeyed
        self.exchange: SimExchange | None = None
        self.phase = 0

    def start(self, now_s: float) -> None:
        """Send it, or send it again."""
        sender = self._sender
        if not self.tries:
            sender.on_sent(self, now_s)
        self.tries += 1
        plant = sender.plant
        self.exchange = exchange = plant.exchange(
            plant, self, sender.route, sender.claim(self, now_s), self.lengths
        )
        if sender.habit.leaves_after_s < math.inf:
            plant.world.at(
                now_s + sender.habit.leaves_after_s, lambda now_s: _lose(exchange, now_s)
            )
        exchange.start(now_s)

    def cut(self) -> None:
        """The run is over before it is."""
        self._sender.on_cut(self)

    def on_first_token(self, now_s: float) -> None:
        """The first content has come."""
        if not self.ttft_s:
            self.ttft_s = now_s - self.at_s

    def on_end(self, ending: Ending, error: PenstockError | None, now_s: float) -> None:
        """Ask again, or be done."""
        sender, exchange = self._sender, self.exchange
        assert exchange is not None
        self.ending = ending
        self.waited_s += exchange.queued_s
        sender.on_tried(self, ending, error)
        again_s = retry_after_s(sender.habit, error, self.tries, sender.chance)
        if again_s < math.inf:
            self.told_to_wait = not sender.habit.gap_s
            sender.plant.world.at(now_s + again_s, self.start)
            return
        sender.on_done(self)
        if self._then is not None:
            self._then(self, now_s)


def _lose(exchange: SimExchange, now_s: float) -> None:
    if not exchange.ttft_at_s:
        exchange.leave(now_s)


class Session:
    """A conversation: ``turns`` are lengths, and the pause in seconds before each."""

    __slots__ = ("_at", "_on_over", "_sender", "_turns", "_user")

    def __init__(
        self,
        sender: Sender,
        user: str,
        turns: Sequence[tuple[Length, float]],
        on_over: Callable[[Ending], None],
    ) -> None:
        self._sender = sender
        self._user = user
        self._turns = turns
        self._on_over = on_over
        self._at = 0

    def start(self, now_s: float) -> None:
        """Send the next turn."""
        lengths, _ = self._turns[self._at]
        Job(self._sender, self._user, lengths, now_s, self._on_turn).start(now_s)

    def _on_turn(self, job: Job, now_s: float) -> None:
        if job.ending is not Ending.COMPLETE:
            self._on_over(job.ending)
            return
        self._at += 1
        if self._at == len(self._turns):
            self._on_over(Ending.COMPLETE)
        else:
            self._sender.plant.world.at(now_s + self._turns[self._at][1], self.start)
