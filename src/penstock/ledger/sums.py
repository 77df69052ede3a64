"""Sums of exchanges, made in memory and then added to the database, a few rows for thousands.

    traffic    by tenant, tier, route and who answered last
    attempts   by upstream, model and what became of the attempt, at the instant of its dial
    refusals   by reason: whatever was not served
    usage      by day, for bills

Minutes of each key are counted; ``traffic`` of all of a tenant's keys, ``usage`` and the coarser
grains are added up from them at the end: most figures are in all of these, and an exchange adds to
each once. What was counted can be taken back (``sign`` -1): a lost exchange whose record came after
all.

    counted in          if
    ttft                a first token came
    speed               it was streamed, and had ``SPEED_TOKENS_MIN`` tokens: fewer say nothing
    wait                it asked for admission: it was dialled, queued or shed
    failovers           attempts went to more than one upstream
    substituted         another model answered than was to be asked first, or load chose a smaller
    shortened           load took from its ``max_tokens``
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from operator import add, itemgetter
from typing import Any, Final

from penstock.core.calendar import DAY_S
from penstock.exchange.record import AttemptRecord, Record
from penstock.ledger import verdict
from penstock.ledger.rows import CODE_CHARS_MAX, US, Entry, at_us_of
from penstock.ledger.tables import (
    ATTEMPTS_KEY,
    ATTEMPTS_SUMS,
    GRAINS_S,
    REFUSALS_KEY,
    SPEED_BOUNDS_PER_S,
    TRAFFIC_KEY,
    TRAFFIC_SUMS,
    TTFT_BOUNDS_S,
    USAGE_KEY,
    WAIT_BOUNDS_S,
)

SPEED_TOKENS_MIN: Final = 10
MINUTE_S: Final = GRAINS_S[0]
USAGE_SUMS: Final = (
    "exchanges", "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens",
    "reasoning_tokens", "cost_microusd", "charge_microusd", "estimated",
)  # fmt: skip

Key = tuple[Any, ...]
Rows = dict[Key, list[Any]]  # of one grain: its key without the grain, and the figures


class Sums:
    """What one batch adds. Owned by one thread."""

    def __init__(self) -> None:
        self._exchanges: Rows = {}  # a minute's by TRAFFIC_KEY and the caller's key
        self._attempts: Rows = {}
        self._refusals: Rows = {}

    def add(self, entry: Entry, hang_s: float, sign: int = 1) -> None:
        """Count an exchange and its attempts; with -1, take it back."""
        record = entry.record
        attempts = record.attempts
        at_s = at_us_of(record) // US
        minute_s = at_s - at_s % MINUTE_S
        upstream, model = (attempts[-1].upstream, attempts[-1].model) if attempts else ("", "")
        key: Key = (
            minute_s, record.tenant, record.tier, record.route, upstream, model, record.key,
        )  # fmt: skip
        row = self._exchanges.get(key)
        if row is None:
            row = self._exchanges[key] = [0] * len(TRAFFIC_SUMS)
        _add_traffic(row, entry, sign)
        if entry.fate != "served":
            code = record.code[:CODE_CHARS_MAX]
            key = (minute_s, record.tenant, record.tier, record.route, record.status, code)
            refused = self._refusals.setdefault(key, [0])
            refused[0] += sign
        for attempt, cost in zip(attempts, entry.costs.by_attempt, strict=True):
            self._add_attempt(record, attempt, cost, hang_s, sign)

    def traffic(self) -> list[tuple[Any, ...]]:
        """Return rows of ``traffic``: key, then sums, at all grains."""
        return list(_grained(_added((key[:-1], row) for key, row in self._exchanges.items())))

    def attempts(self) -> list[tuple[Any, ...]]:
        """Return rows of ``attempts``: key, then sums, at all grains."""
        return list(_grained(self._attempts))

    def refusals(self) -> list[tuple[Any, ...]]:
        """Return rows of ``refusals``: key, then sums, at all grains."""
        return list(_grained(self._refusals))

    def usage(self) -> list[tuple[Any, ...]]:
        """Return rows of ``usage``: key, then sums."""
        days = _added(
            ((start_s - start_s % DAY_S, tenant, key, route, model, upstream), _used(row))
            for (start_s, tenant, _, route, upstream, model, key), row in self._exchanges.items()
        )
        return [(*key, *row) for key, row in days.items()]

    def _add_attempt(
        self, record: Record, attempt: AttemptRecord, cost: int, hang_s: float, sign: int
    ) -> None:
        at_s = int(record.at_unix_s + attempt.dialled_s)
        word = attempt.outcome
        if word == verdict.IGNORED:
            word = verdict.attempt_word(record, attempt, hang_s)
        key: Key = (
            at_s - at_s % MINUTE_S, attempt.upstream, attempt.model, word, attempt.status,
        )  # fmt: skip
        row = self._attempts.get(key)
        if row is None:
            row = self._attempts[key] = [0] * len(ATTEMPTS_SUMS)
        row[0] += sign
        if attempt.is_estimated:
            row[1] += sign
        row[2] += sign * attempt.input_tokens
        row[3] += sign * attempt.output_tokens
        row[4] += sign * attempt.cached_tokens
        row[5] += sign * attempt.cache_write_tokens
        row[6] += sign * attempt.reasoning_tokens
        row[7] += sign * cost
        row[8] += sign * attempt.duration_s
        if attempt.ttft_s:
            row[_A_TTFT + bisect_left(TTFT_BOUNDS_S, attempt.ttft_s)] += sign
            if record.is_stream:
                speed = speed_of(attempt.output_tokens, attempt.duration_s - attempt.ttft_s)
                if speed:
                    row[_A_SPEED + bisect_left(SPEED_BOUNDS_PER_S, speed)] += sign


def speed_of(output_tokens: int, generating_s: float) -> float:
    """Return output tokens a second; 0 if there were too few to say."""
    if output_tokens < SPEED_TOKENS_MIN or generating_s <= 0:
        return 0.0
    return output_tokens / generating_s


_AT: Final = {name: at for at, name in enumerate(TRAFFIC_SUMS)}
_STREAMS, _FAILOVERS, _CONTINUED = _AT["streams"], _AT["failovers"], _AT["continued"]
_SUBSTITUTED, _SHORTENED, _QUEUED = _AT["substituted"], _AT["shortened"], _AT["queued"]
_ESTIMATED, _UNPRICED, _TOKENS = _AT["estimated"], _AT["unpriced"], _AT["input_tokens"]
_DURATION, _TTFT, _SPEED, _WAIT = _AT["duration_s"], _AT["ttft_00"], _AT["speed_00"], _AT["wait_00"]
_used: Final = itemgetter(*(_AT[name] for name in USAGE_SUMS))
_A_TTFT: Final = ATTEMPTS_SUMS.index("ttft_00")
_A_SPEED: Final = ATTEMPTS_SUMS.index("speed_00")


def _add_traffic(row: list[Any], entry: Entry, sign: int) -> None:
    record, costs, fate = entry
    row[0] += sign
    row[_AT[fate]] += sign
    if record.is_stream:
        row[_STREAMS] += sign
    if record.hops:
        row[_CONTINUED] += sign
    if record.is_estimated:
        row[_ESTIMATED] += sign
    if costs.is_unpriced:
        row[_UNPRICED] += sign
    at = _TOKENS
    row[at] += sign * record.input_tokens
    row[at + 1] += sign * record.output_tokens
    if record.cached_tokens or record.cache_write_tokens:
        row[at + 2] += sign * record.cached_tokens
        row[at + 3] += sign * record.cache_write_tokens
    if record.reasoning_tokens:
        row[at + 4] += sign * record.reasoning_tokens
    row[at + 5] += sign * costs.cost_microusd
    row[at + 6] += sign * costs.charge_microusd
    if len(record.attempts) > 1 or record.degraded:
        _add_changes(row, record, sign)
    _add_times(row, record, fate, sign)


def _add_times(row: list[Any], record: Record, fate: str, sign: int) -> None:
    ttft_s, queued_s = record.ttft_s, record.queued_s
    row[_DURATION] += sign * record.duration_s
    if ttft_s:
        row[_DURATION + 1] += sign * ttft_s
        row[_TTFT + bisect_left(TTFT_BOUNDS_S, ttft_s)] += sign
        if record.is_stream:
            generating_s = record.duration_s - ttft_s
            row[_DURATION + 3] += sign * generating_s
            speed = speed_of(record.output_tokens, generating_s)
            if speed:
                row[_SPEED + bisect_left(SPEED_BOUNDS_PER_S, speed)] += sign
    if queued_s:
        row[_QUEUED] += sign
        row[_DURATION + 2] += sign * queued_s
    if queued_s or record.attempts or fate == "shed":
        row[_WAIT + bisect_left(WAIT_BOUNDS_S, queued_s)] += sign


def _add_changes(row: list[Any], record: Record, sign: int) -> None:
    attempts = record.attempts
    if len({attempt.upstream for attempt in attempts}) > 1:
        row[_FAILOVERS] += sign
    if "model" in record.degraded or (attempts and attempts[0].model != attempts[-1].model):
        row[_SUBSTITUTED] += sign
    if "max_tokens" in record.degraded:
        row[_SHORTENED] += sign


def _grained(minutes: Rows) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of minutes, and of all coarser grains, each with its grain first."""
    rows = minutes
    for grain_s in GRAINS_S:
        if grain_s != MINUTE_S:
            rows = _coarser(rows, grain_s)
        for key, row in rows.items():
            yield (grain_s, *key, *row)


def _coarser(rows: Rows, grain_s: int) -> Rows:
    return _added(((key[0] - key[0] % grain_s, *key[1:]), row) for key, row in rows.items())


def _added(rows: Iterable[tuple[Key, list[Any]]]) -> Rows:
    """Return rows with those of the same key made one."""
    found: Rows = {}
    for key, row in rows:
        total = found.get(key)
        found[key] = row if total is None else list(map(add, total, row))
    return found


assert TRAFFIC_KEY[:2] == ATTEMPTS_KEY[:2] == REFUSALS_KEY[:2] == ("grain_s", "start_s")
assert USAGE_KEY == ("day_s", "tenant", "key", "route", "model", "upstream")
