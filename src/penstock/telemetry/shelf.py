"""What all workers of a machine have counted, wherever it is asked for.

    each worker   puts its counts and figures into ``run/gateway-K.counts``, every second
    whoever asks  any worker adds up what lies there
    a new start   a worker goes on counting from what it had put there: what was once told never
                  goes down, because only what lies there is ever told
    a dead one    its counts stay; its figures of the moment count for ``STALE_S``

So nobody waits for a worker that hangs, and a scrape costs the others nothing. What lies there
may be a second old. A full disk keeps the others from seeing what is new here, and nothing else.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from penstock.config import private_file
from penstock.core.attributes import names_of
from penstock.core.errors import StoreError
from penstock.telemetry.declared import Histogram
from penstock.telemetry.fates import RouteCounts
from penstock.telemetry.gauges import Gauges
from penstock.telemetry.metrics import Counters, UpstreamCounts
from penstock.telemetry.tiers import TierCounts

FORMAT: Final = 1
STALE_S: Final = 5.0  # a worker puts its figures there every second
SUMS: Final = (
    "in_flight", "waiting", "spool_lines", "spool_dropped", "retry_budget_exhausted", "kept",
    "kept_bytes", "live_drills",
)  # fmt: skip
EVER: Final = ("spool_lines", "spool_dropped", "retry_budget_exhausted")  # counted like counters
PLAIN: Final = frozenset({int, float, str, list})
Maker = Callable[[], Any]
MADE: Final[dict[str, Maker]] = {
    "upstreams": UpstreamCounts,
    "tiers": TierCounts,
    "durations": Histogram,
    "fates": RouteCounts,
}


class Sheet(msgspec.Struct, kw_only=True):
    """One worker's file."""

    format: int = FORMAT
    worker: int
    pid: int
    at_unix_s: float
    started_unix_s: float
    is_ready: bool
    asks: str  # whom its gate asks: limiter, or its own share
    counters: dict[str, Any]
    gauges: Gauges


class Shelf:
    """Where a worker puts its sheet, and finds the others'. Owned by one event loop."""

    def __init__(self, folder: Path, worker: int, workers: int, now_unix_s: float) -> None:
        self._folder = folder
        self._worker = worker
        self._workers = workers
        self._started_unix_s = now_unix_s
        self._own: Sheet | None = None
        self._before = self._read(worker)  # what an earlier process of this worker had counted

    def restore(self, counters: Counters) -> None:
        """Go on from what had been counted."""
        if self._before is not None:
            add(counters, made(self._before.counters))

    def put(
        self, counters: Counters, gauges: Gauges, now_unix_s: float, *, is_ready: bool, asks: str
    ) -> None:
        """Put this worker's sheet there."""
        if self._before is not None:
            for name in EVER:
                total = getattr(gauges, name) + getattr(self._before.gauges, name)
                setattr(gauges, name, total)
        self._own = Sheet(
            worker=self._worker,
            pid=os.getpid(),
            at_unix_s=now_unix_s,
            started_unix_s=self._started_unix_s,
            is_ready=is_ready,
            asks=asks,
            counters=plain(counters),
            gauges=gauges,
        )
        try:
            private_file.write_bytes(self._path(self._worker), msgspec.msgpack.encode(self._own))
        except StoreError:
            return  # the next second tries again; here it is told from memory

    def sheets(self) -> list[Sheet]:
        """Return what lies there, of every worker."""
        found = [self._own if one == self._worker else self._read(one) for one in self._numbers]
        return [sheet for sheet in found if sheet is not None]

    @property
    def _numbers(self) -> range:
        return range(1, self._workers + 1)

    def _path(self, worker: int) -> Path:
        return self._folder / f"gateway-{worker}.counts"

    def _read(self, worker: int) -> Sheet | None:
        try:
            sheet = msgspec.msgpack.decode(self._path(worker).read_bytes(), type=Sheet)
        except (OSError, msgspec.MsgspecError):
            return None
        return sheet if sheet.format == FORMAT else None


def together(sheets: Sequence[Sheet], now_unix_s: float) -> tuple[Counters, Gauges]:
    """Return the sums; figures of the moment are those of the workers that live."""
    counters = Counters()
    for sheet in sheets:
        add(counters, made(sheet.counters))
    living = [sheet.gauges for sheet in sheets if is_alive(sheet, now_unix_s)]
    gauges = Gauges()
    for name in SUMS:
        from_all = [sheet.gauges for sheet in sheets] if name in EVER else living
        setattr(gauges, name, sum(getattr(one, name) for one in from_all))
    for one in living:
        _sum_into(gauges.connections, one.connections)
        _sum_into(gauges.slots, one.slots)
        for pair, openness in one.breakers.items():
            gauges.breakers[pair] = max(openness, gauges.breakers.get(pair, 0.0))
    gauges.snapshot_version = min((one.snapshot_version for one in living), default=0)
    if living:
        gauges.gate, gauges.contracts = living[0].gate, living[0].contracts
    return counters, gauges


def is_alive(sheet: Sheet, now_unix_s: float) -> bool:
    """Tell whether a sheet is of a worker that still puts some there."""
    return now_unix_s - sheet.at_unix_s < STALE_S


def plain(counted: object) -> dict[str, Any]:
    """Return what has been counted as plain values; keys of several words stay together."""
    found: dict[str, Any] = {}
    for name in _names(counted):
        value: Any = getattr(counted, name)
        if type(value) is dict:
            pairs = cast("dict[Any, Any]", value).items()
            value = [[key, _plain(one)] for key, one in pairs]
        found[name] = _plain(value)
    return found


def made(found: dict[str, Any]) -> Counters:
    """Return counters that have these plain values; what we do not know is left out."""
    return _filled(Counters(), found)


def add(mine: Any, others: Any) -> None:
    """Add what others have counted, field by field."""
    for name in _names(mine):
        one: Any = getattr(mine, name)
        other: Any = getattr(others, name)
        if type(one) is dict:
            _add_all(cast("dict[Any, Any]", one), other)
        elif type(one) is list:
            for at, count in enumerate(other):
                one[at] += count
        elif isinstance(one, int | float):
            setattr(mine, name, one + other)
        else:
            add(one, other)


def _add_all(mine: dict[Any, Any], others: dict[Any, Any]) -> None:
    for key, other in others.items():
        if key not in mine:
            mine[key] = other
        elif isinstance(other, int | float):
            mine[key] += other
        else:
            add(mine[key], other)


def _plain(value: Any) -> Any:
    return value if type(value) in PLAIN else plain(value)


def _filled(counted: Any, found: dict[str, Any], maker: Maker | None = None) -> Any:
    for name in _names(counted):
        if name not in found:
            continue
        value: Any = getattr(counted, name)
        if type(value) is dict:
            maker = MADE.get(name)
            pairs = ((_key(key), one) for key, one in found[name])
            setattr(counted, name, {k: _filled(maker(), v) if maker else v for k, v in pairs})
        elif type(value) in PLAIN:
            setattr(counted, name, found[name])
        else:
            _filled(value, found[name])
    return counted


def _key(key: Any) -> Any:
    return key if type(key) is str else tuple(key)


def _names(counted: object) -> Sequence[str]:
    return names_of(type(counted)) or list(vars(counted))


def _sum_into(mine: dict[str, int], others: dict[str, int]) -> None:
    for key, count in others.items():
        mine[key] = mine.get(key, 0) + count
