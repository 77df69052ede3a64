"""How a metric is declared, how times are counted, and what Prometheus' own library is given."""

from bisect import bisect_left
from typing import Final, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

# Upper bounds in seconds: a cached answer takes tens of milliseconds, an agent's turn minutes.
BUCKETS_S: Final[tuple[float, ...]] = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

Sample = tuple[tuple[str, ...], float]


class Declared(NamedTuple):
    """One metric. ``kind`` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()


class Histogram:
    """Counts by bucket, not cumulative; ``total`` is the sum in seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, int]]:
        """Return the buckets as Prometheus wants them."""
        pairs: list[tuple[str, int]] = []
        running = 0
        bounds = (*(str(bound_s) for bound_s in BUCKETS_S), "+Inf")
        for bound, count in zip(bounds, self.counts, strict=True):
            running += count
            pairs.append((bound, running))
        return pairs


def family(declared: Declared, samples: list[Sample]) -> Metric:
    """Return a counter or a gauge with its values."""
    is_counter = declared.kind == "counter"
    maker = CounterMetricFamily if is_counter else GaugeMetricFamily
    made = maker(declared.name, declared.help, labels=declared.labels)
    for labels, value in samples:
        made.add_metric(labels, value)
    return made


def histograms(
    declared: Declared,
    samples: list[tuple[tuple[str, ...], Histogram]],
) -> Metric:
    """Return a histogram with its values."""
    made = HistogramMetricFamily(declared.name, declared.help, labels=declared.labels)
    for labels, histogram in samples:
        made.add_metric(labels, histogram.cumulative(), histogram.total)
    return made
