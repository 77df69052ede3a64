"""Looks into a ledger that the real control has written: matched, and added up a second time.

final usage reached us      the emulator's own count, to the token
anything else               as many attempts as the emulator has; the estimates' error is told
sums                        of each table and grain: what plain loops over the exchanges give
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, func, select
from tests.e2e.emulator import RunningEmulator

from penstock.exchange.record import AttemptRecord
from penstock.ledger import rows, tables, verdict
from penstock.ledger.rows import Entry
from penstock.ledger.store import Store, open_store

OK: Final = 200
DAY_S: Final = 86400
NAMELESS: Final = "google"  # Google's API names no request
PROVIDERS: Final = {"chat": "gpt", "responses": "gpt", "claude": "claude", "google": "gemini"}
Counted = dict[tuple[Any, ...], Counter[str]]


class Ledger:
    """What a database holds at one instant."""

    def __init__(self, url: str, state_dir: Path) -> None:
        store = open_store(url, state_dir)
        try:
            with store.reading() as connection:
                columns = [tables.exchanges.c[name] for name in rows.COLUMNS]
                found = connection.execute(select(*columns)).all()
                self.entries = [rows.entry_of(row) for row in found]
                dropped = select(func.sum(tables.drops.c.exchanges), func.sum(tables.drops.c.lines))
                drops = connection.execute(dropped).one()
                damaged = select(func.count()).select_from(tables.damaged_lines)
                self.damaged = int(connection.execute(damaged).scalar_one())
                waiting = select(func.count()).select_from(tables.open_attempts)
                self.waiting = int(connection.execute(waiting).scalar_one())
            self.dropped_exchanges = int(drops[0] or 0)
            self.dropped_lines = int(drops[1] or 0)
            self.sums = {
                table.name: _read(store, table)
                for table in (tables.traffic, tables.attempts, tables.refusals, tables.usage)
            }
        finally:
            store.close()
        self.ids = [entry.record.id for entry in self.entries]

    @property
    def fates(self) -> Counter[str]:
        """How many exchanges had each fate."""
        return Counter(entry.fate for entry in self.entries)

    def entry(self, exchange: str) -> Entry:
        """Return one exchange."""
        return next(entry for entry in self.entries if entry.record.id == exchange)

    def check_sums(self, hang_s: float) -> None:
        """Every sum, at every grain, is what the exchanges make."""
        for name, expected in _recomputed(self.entries, hang_s).items():
            assert _plain(self.sums[name]) == _plain(expected), name

    def availability(self) -> float:
        """Return it from the sums of days, as reports do."""
        counts: Counter[str] = Counter()
        for key, row in self.sums["traffic"].items():
            if key[0] == DAY_S:
                counts.update(row)
        ours = counts["failed"] + counts["shed"] + counts["lost"]
        return counts["served"] / (counts["served"] + ours)


class Matched:
    """Attempts of the ledger beside those of the emulator."""

    def __init__(self) -> None:
        self.exact = 0
        self.estimated = 0
        self.nameless = 0
        self.lost = 0  # of which the ledger has no more than the opened line
        self.no_head = 0  # ended before the head of the answer came
        self.output = [0, 0, 0]  # of estimated ones: ours, the emulator's, the sum of differences
        self.input = [0, 0, 0]
        self.unseen: Counter[str] = Counter()  # of the emulator's, by provider: not named by us

    def __str__(self) -> str:
        return str(vars(self))

    def compare(self, ours: AttemptRecord, theirs: dict[str, Any]) -> None:
        """Compare an attempt with that of the same request id."""
        assert ours.status == theirs["status"]
        if is_told(ours):
            self.exact += 1
            counted = (theirs["input_tokens"], theirs["output_tokens"])
            assert (ours.input_tokens, ours.output_tokens) == counted
        elif ours.status == OK:
            self.estimated += 1
            assert ours.is_estimated
            _add(self.output, ours.output_tokens, theirs["output_tokens"])
            _add(self.input, ours.input_tokens, theirs["input_tokens"])

    def compare_nameless(self, ours: AttemptRecord, theirs: Counter[tuple[int, int]]) -> None:
        """Find one with the same figures: no two callers ask with as many tokens."""
        assert ours.upstream == NAMELESS, ours
        self.nameless += 1
        if is_told(ours):
            self.exact += 1
            key = (ours.input_tokens, ours.output_tokens)
            assert theirs[key] > 0, ours
            theirs[key] -= 1


def _add(sums: list[int], ours: int, theirs: int) -> None:
    for at, figure in enumerate((ours, theirs, abs(ours - theirs))):
        sums[at] += figure


def match(emulator: RunningEmulator, ledger: Ledger) -> Matched:
    """Match all attempts; what final usage was told is equal to the token."""
    attempts = emulator.attempts(last=10_000)
    named = {one["request_id"]: one for one in attempts}
    nameless: Counter[tuple[int, int]] = Counter(
        (one["input_tokens"], one["output_tokens"])
        for one in attempts
        if one["provider"] == PROVIDERS[NAMELESS]
    )
    sums = Matched()
    for entry in ledger.entries:
        for attempt in entry.record.attempts:
            if attempt.outcome == "lost":
                sums.lost += 1
            elif attempt.request_id:
                sums.compare(attempt, named.pop(attempt.request_id))
            elif not attempt.status:
                sums.no_head += 1
                assert attempt.input_tokens == attempt.output_tokens == 0
            else:
                sums.compare_nameless(attempt, nameless)
    sums.unseen = Counter(one["provider"] for one in named.values())
    return sums


def is_told(attempt: AttemptRecord) -> bool:
    """Say whether the provider's own final figures stand in the ledger."""
    return attempt.outcome == "success" and not attempt.is_estimated


def _read(store: Store, table: Table) -> Counted:
    keys = [column.name for column in table.primary_key.columns]
    found: Counted = {}
    with store.reading() as connection:
        for row in connection.execute(select(table)).mappings():
            key = tuple(row[name] for name in keys)
            found[key] = Counter(
                {
                    name: value
                    for name, value in row.items()
                    if name not in keys and isinstance(value, int)
                }
            )
    return found


def _plain(counted: Counted) -> dict[tuple[Any, ...], dict[str, int]]:
    """Leave out zeros, and what is not counted here: histograms and the kinds of change."""
    return {
        key: {name: value for name, value in row.items() if value and name in _COUNTED}
        for key, row in counted.items()
        if any(value for name, value in row.items() if name in _COUNTED)
    }


_COUNTED: Final = frozenset((
    "exchanges", "attempts", "estimated", "streams", "continued", "unpriced", *tables.FATES,
    *tables.TOKENS, *tables.MONEY,
))  # fmt: skip


def _recomputed(entries: list[Entry], hang_s: float) -> dict[str, Counted]:
    made: dict[str, Counted] = {
        name: defaultdict(Counter) for name in ("traffic", "attempts", "refusals", "usage")
    }
    for record, costs, fate in entries:
        at_s = int(record.at_unix_s)
        last = record.attempts[-1] if record.attempts else None
        whom = (last.upstream, last.model) if last is not None else ("", "")
        counts = Counter({name: getattr(record, name) for name in tables.TOKENS})
        counts |= Counter(
            exchanges=1,
            estimated=int(record.is_estimated),
            cost_microusd=costs.cost_microusd,
            charge_microusd=costs.charge_microusd,
        )
        more = Counter(
            {
                fate: 1,
                "streams": int(record.is_stream),
                "continued": int(record.hops > 0),
                "unpriced": int(costs.is_unpriced),
            }
        )
        day_s = at_s // DAY_S * DAY_S
        billed = (day_s, record.tenant, record.key, record.route, whom[1], whom[0])
        made["usage"][billed].update(counts)
        for grain_s in tables.GRAINS_S:
            start_s = at_s // grain_s * grain_s
            place = (grain_s, start_s, record.tenant, record.tier, record.route)
            made["traffic"][*place, *whom].update(counts + more)
            if fate != "served":
                made["refusals"][*place, record.status, record.code]["exchanges"] += 1
            for attempt, cost in zip(record.attempts, costs.by_attempt, strict=True):
                dialled_s = int(record.at_unix_s + attempt.dialled_s)
                word = verdict.attempt_word(record, attempt, hang_s)
                key = (
                    grain_s,
                    dialled_s // grain_s * grain_s,
                    attempt.upstream,
                    attempt.model,
                    word,
                    attempt.status,
                )
                row = made["attempts"][key]
                row.update({name: getattr(attempt, name) for name in tables.TOKENS})
                row.update(attempts=1, estimated=int(attempt.is_estimated), cost_microusd=cost)
    return made
