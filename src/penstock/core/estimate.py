"""Token estimates: of what no provider has counted, and of what has not been said yet.

Text: four bytes a token is the rule of thumb that OpenAI gives for English; other scripts take
fewer bytes a token, so the estimate is low there. What is estimated is always marked so.

Output: learned from every answer, by tenant and model, with a decaying mean and variance; of n
exchanges under way each reserves mean + z x sigma / sqrt(n), which covers their sum 99 times in a
hundred (TIERING 7.1). Reserving the caller's ``max_tokens`` instead takes about five times what is
used. The caller's bound caps the reserve.

    a pair that is new       begins as its model is for everybody, or as PRIOR says, worth eight
                             answers
    an answer                moves the mean by 1/n of the way, from 512 on by 1/512; a pair's first
                             64 teach the model's estimate for everybody too
    more than entries_max    the pair that has learned nothing for longest is forgotten
"""

from collections import OrderedDict
from math import sqrt
from typing import Final

BYTES_PER_TOKEN: Final = 4
Z_99: Final = 2.326  # of the normal distribution: 99 %
PRIOR_MEAN: Final = 300.0  # tokens; conversations of the Azure traces mean 211, reasoning more
PRIOR_SIGMA: Final = 300.0
PRIOR_ANSWERS: Final = 8  # what a beginning is worth: soon outvoted
ANSWERS_MAX: Final = 512  # the older count less and less; minutes to hours of a tenant's traffic
TEACHING: Final = 64  # answers of each tenant that everybody's estimate learns from, so that one
# large tenant does not speak for all; and learning twice each time would cost a microsecond
EVERYBODY: Final = ""


def tokens(size_bytes: int) -> int:
    """Return about how many tokens so many bytes of text are; at least 1 for any text."""
    return -(-size_bytes // BYTES_PER_TOKEN)


class OutputEstimate:
    """How long the answers of one tenant and model are. Owned by one event loop."""

    __slots__ = ("answers", "mean", "variance")

    def __init__(self, like: "OutputEstimate | None" = None) -> None:
        self.answers = PRIOR_ANSWERS
        self.mean: float = like.mean if like else PRIOR_MEAN
        self.variance: float = like.variance if like else PRIOR_SIGMA**2

    @property
    def sigma(self) -> float:
        """The standard deviation, in tokens."""
        return sqrt(self.variance)

    def reserve(self, n_in_flight: int, output_tokens_max: int = 0) -> int:
        """Return what one of n exchanges under way should reserve; 0 is no bound of the caller."""
        reserve = int(self.mean + Z_99 * sqrt(self.variance / n_in_flight)) + 1
        return output_tokens_max if 0 < output_tokens_max < reserve else reserve

    def learn(self, output_tokens: int) -> None:
        """Learn how long an answer has become."""
        answers = self.answers
        if answers < ANSWERS_MAX:
            self.answers = answers = answers + 1
        off = output_tokens - self.mean
        step = off / answers
        self.mean += step
        # (1 - 1/n) x (variance + off^2 / n), in fewer operations
        variance = self.variance
        self.variance = variance + step * (off - step) - variance / answers


class OutputEstimates:
    """The estimates of every tenant and model, bounded. Owned by one event loop."""

    __slots__ = ("_entries_max", "_is_crowded", "entries")

    def __init__(self, entries_max: int = 4096) -> None:
        self.entries: OrderedDict[tuple[str, str], OutputEstimate] = OrderedDict()
        self._entries_max = entries_max  # about 300 bytes each; a thousand tenants, four models
        self._is_crowded = False  # who goes first matters only then

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, tenant: str, model: str) -> OutputEstimate:
        """Return the estimate of a pair, or what stands in for one that has learned nothing."""
        entries = self.entries
        return entries.get((tenant, model)) or entries.get((EVERYBODY, model), UNKNOWN)

    def learn(self, tenant: str, model: str, output_tokens: int) -> None:
        """Learn from an answer, for its tenant and for everybody."""
        own = self.entries.get((tenant, model))
        if own is None or own.answers < TEACHING or self._is_crowded:
            own = self._teach(tenant, model, output_tokens)
        own.learn(output_tokens)

    def _teach(self, tenant: str, model: str, output_tokens: int) -> OutputEstimate:
        """Let everybody learn from a pair that is new; return the pair's, the last to go now."""
        pair, of_all = (tenant, model), (EVERYBODY, model)
        own = self._kept(pair)
        if own is None or own.answers < TEACHING:
            everybody = self._kept(of_all) or self._new(of_all, None)
            own = own or self._new(pair, everybody)
            everybody.learn(output_tokens)
        return own

    def _kept(self, pair: tuple[str, str]) -> OutputEstimate | None:
        found = self.entries.get(pair)
        if found is not None and self._is_crowded:
            self.entries.move_to_end(pair)
        return found

    def _new(self, pair: tuple[str, str], like: OutputEstimate | None) -> OutputEstimate:
        made = self.entries[pair] = OutputEstimate(like)
        self._is_crowded = len(self.entries) > self._entries_max // 2
        if len(self.entries) > self._entries_max:
            self.entries.popitem(last=False)
        return made


UNKNOWN: Final = OutputEstimate()  # never learns: what is learned belongs to a pair
