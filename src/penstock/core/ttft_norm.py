"""Normal TTFT: how long the first token of an upstream takes when it is not overloaded.

    expected   a + b * uncached input tokens: a line through the past, old samples fade
    ratio      TTFT / expected: comparable between short prompts and long ones
    p90        of the ratios of one window; ``excess`` is p90 / baseline
    baseline   a low quantile of these p90s: falls quickly, rises 0.5 % a window

The baseline is of p90s and not of single ratios, so that an upstream whose TTFT merely varies is
not taken for one that is slow. A sample pulls the line up by a fifth at most: overload is not
learned as normal, but what is slower for good becomes normal in some minutes.

Pure: reads no clock. Source: TIERING 2 of the reference shelf.
"""

from typing import Final

Sample = tuple[float, int]  # TTFT in seconds, uncached input tokens

KEEP_RATIO: Final = 0.98  # of the weight of the past, a window: a memory of about 50 windows
PULL_RATIO_MAX: Final = 1.2  # of the expectation: how far up one sample can pull the line
EXPECTED_S_MIN: Final = 0.001
RISE_RATIO: Final = 1.005  # a window; doubles in some 140 windows
FALL_RATIO: Final = 0.05  # of the gap, a window
STEP_MAX: Final = 4  # samples learned at once: a microsecond each, in an attempt's way


class TtftNorm:
    """What is normal at one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_weight", "_x", "_xx", "_xy", "_y", "a_s", "accepted", "b_s", "baseline", "median_s",
    )  # fmt: skip

    def __init__(self) -> None:
        self._weight: float = 0.0
        self._x: float = 0.0
        self._y: float = 0.0
        self._xx: float = 0.0
        self._xy: float = 0.0
        self.a_s: float = 0.0  # seconds, of a prompt without tokens
        self.b_s: float = 0.0  # seconds a token
        self.baseline: float = 0.0  # 0: nothing is known
        self.median_s = 0.0  # TTFT of the last window
        self.accepted: list[Sample] = []  # and not learned yet

    def expected_s(self, input_tokens: int) -> float:
        """Return the TTFT to expect of so long a prompt, in seconds."""
        return max(EXPECTED_S_MIN, self.a_s + self.b_s * input_tokens)

    def p90(self, samples: list[Sample]) -> float:
        """Return the 90th percentile of the ratios; the first call learns what is normal."""
        self._catch_up()
        times_s = sorted([sample[0] for sample in samples])
        self.median_s = times_s[len(times_s) // 2]
        if not self._weight:
            # A cold start or an outlier must not make the line: half of the samples are below.
            self._fade()
            self._add(samples, 2.0 * self.median_s)
            self._draw()
        a_s, b_s, least_s = self.a_s, self.b_s, EXPECTED_S_MIN
        ratios = sorted([t / max(least_s, a_s + b_s * tokens) for t, tokens in samples])
        p90 = ratios[(9 * len(ratios)) // 10]
        if not self.baseline:
            self.baseline = p90
        return p90

    def accept(self, samples: list[Sample], p90: float) -> None:
        """Take a window without trouble, for ``learn``."""
        self._catch_up()
        self._fade()
        self.accepted = samples
        if p90 > self.baseline:
            self.baseline = min(p90, self.baseline * RISE_RATIO)
        else:
            self.baseline += FALL_RATIO * (p90 - self.baseline)

    def learn(self) -> None:
        """Learn some of what was accepted; with the last of it the line moves.

        In steps of its own, so that neither whoever ended the window nor one after it is held up.
        """
        samples, self.accepted = self.accepted[:STEP_MAX], self.accepted[STEP_MAX:]
        self._add(samples, 0.0)
        if not self.accepted:
            self._draw()

    def rebase(self, p90: float) -> None:
        """Take what is now for normal."""
        self.baseline = p90

    def _catch_up(self) -> None:
        """Learn what is left of the window before."""
        while self.accepted:
            self.learn()

    def _fade(self) -> None:
        self._weight *= KEEP_RATIO
        self._x *= KEEP_RATIO
        self._y *= KEEP_RATIO
        self._xx *= KEEP_RATIO
        self._xy *= KEEP_RATIO

    def _add(self, samples: list[Sample], bound_s: float) -> None:
        """Add samples up; ``bound_s`` bounds each, 0: the line as it is does."""
        x, y, xx, xy = self._x, self._y, self._xx, self._xy
        a_s, b_s, least_s = self.a_s, self.b_s, EXPECTED_S_MIN
        for seconds, tokens in samples:
            expected_s = a_s + b_s * tokens
            expected_s = max(expected_s, least_s)
            most_s = bound_s or PULL_RATIO_MAX * expected_s
            taken_s = min(most_s, seconds)
            x += tokens
            y += taken_s
            xx += float(tokens) * tokens
            xy += tokens * taken_s
        self._weight += len(samples)
        self._x, self._y, self._xx, self._xy = x, y, xx, xy

    def _draw(self) -> None:
        """Move the line to where the sums say."""
        weight, x, y, xx, xy = self._weight, self._x, self._y, self._xx, self._xy
        spread = weight * xx - x * x
        # All prompts of about one length say nothing of the slope.
        slope = (weight * xy - x * y) / spread if spread > 1e-3 * weight * xx else 0.0
        level = (y - max(0.0, slope) * x) / weight
        if level < 0.0:  # the shortest prompts cost something too
            level, slope = 0.0, xy / xx
        self.a_s, self.b_s = level, max(0.0, slope)
