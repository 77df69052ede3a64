"""The ledger's tables: the book that operators own, the exchanges, and sums of them.

    the book      tenants, keys, prices: entries as JSON documents of the structs in ``book.py``;
                  the audit log says who changed what
    exchanges     one row each, once; ``detail`` holds the rest of the record as JSON
    failures      the attempts that failed: the evidence of a claim
    sums          of 60, 300, 3600 and 86400 seconds (``grain_s``), written in the transaction that
                  writes the exchanges, so that both always agree. Histograms are columns, so that
                  the database can add them: bucket N counts what is at most ``*_BOUNDS[N]``
    reading       how far each segment of the spool has been read, and what was under way then

Times are Unix time: ``at_us`` in microseconds, ``start_s`` in seconds, a multiple of ``grain_s`` in
UTC. Money is in micro-dollars: ``cost`` is what providers take, ``charge`` what the tenant pays.
Text is never NULL: what is not known is empty.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

GRAINS_S: Final = (60, 300, 3600, 86400)

# Upper bounds; one more column counts what is above the last. Steps of about a quarter, so that a
# quantile read between two bounds is off by an eighth at most.
TTFT_BOUNDS_S: Final = (
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0,
    4.0, 5.0, 6.5, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0,
)  # fmt: skip
SPEED_BOUNDS_PER_S: Final = (
    5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 65.0, 80.0, 90.0, 100.0, 125.0, 150.0, 200.0,
    300.0, 500.0,
)  # fmt: skip
WAIT_BOUNDS_S: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)


def buckets(name: str, bounds: tuple[float, ...]) -> list[str]:
    """Return the columns of a histogram, in order."""
    return [f"{name}_{at:02d}" for at in range(len(bounds) + 1)]


TTFT: Final = tuple(buckets("ttft", TTFT_BOUNDS_S))
SPEED: Final = tuple(buckets("speed", SPEED_BOUNDS_PER_S))
WAIT: Final = tuple(buckets("wait", WAIT_BOUNDS_S))

TOKENS: Final = (
    "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip
# What became of an exchange, one of these each (``ledger.verdict``). Availability is
# served / (served + failed + shed + lost): what the caller did wrong or left early is in neither.
FATES: Final = (
    "served",  # complete, within what was promised
    "failed",  # upstreams or we failed, broke off, or let a caller wait for nothing beyond hang_s
    "shed",  # for lack of capacity: 503, 529; counts as failed in availability
    "limited",  # 429: the tenant's own limit
    "rejected",  # 4xx: the caller's request or key
    "left",  # the caller hung up in time: no verdict
    "lost",  # our process died under it; counts as failed in availability
)
TRAFFIC_COUNTS: Final = (
    "exchanges", *FATES, "streams", "failovers", "continued", "substituted", "shortened",
    "queued", "estimated", "unpriced",
)  # fmt: skip
SUMS: Final = ("duration_s", "ttft_s", "queued_s", "generating_s")
MONEY: Final = ("cost_microusd", "charge_microusd")

metadata: Final = MetaData()
ROW_ID: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by INTEGER only


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


def _floats(*names: str) -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default="0") for name in names]


# --- the book

tenants: Final = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),  # book.TenantEntry
    *_floats("created_unix_s", "updated_unix_s"),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("tenant", "sha256"),
    Column("document", Text, nullable=False),  # book.KeyEntry
    *_floats("created_unix_s", "updated_unix_s"),
    UniqueConstraint("sha256"),
    Index("keys_tenant", "tenant"),
)

price_lists: Final = Table(  # a list is never changed: a change is a new version
    "price_lists",
    metadata,
    Column("version", ROW_ID, primary_key=True, autoincrement=True),
    *_floats("created_unix_s"),
    *_text("actor"),
    Column("document", Text, nullable=False),  # book.PriceList
)

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", ROW_ID, primary_key=True, autoincrement=True),
    *_floats("at_unix_s"),
    *_text("actor", "role", "address", "action", "kind", "object"),
    *_text("before", "after"),  # JSON without secrets
    Index("audit_at", "at_unix_s"),
    Index("audit_object", "kind", "object"),
)

# --- exchanges

exchanges: Final = Table(
    "exchanges",
    metadata,
    Column("seq", ROW_ID, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    *_counts("at_us"),
    *_text("tenant", "key", "route", "model", "dialect", "operation", "tier"),
    *_text("upstream", "served_model"),  # of the last attempt
    *_text("outcome", "fate", "code"),
    *_counts("status", "is_stream", "is_estimated", "attempts", "hops"),
    *_floats("duration_s", "ttft_s", "queued_s"),
    *_counts(*TOKENS, *MONEY, "price_version"),
    Column("detail", LargeBinary, nullable=False),  # rows.Detail: attempts and the rest
    UniqueConstraint("id", name="exchanges_id"),
    Index("exchanges_at", "at_us"),
    Index("exchanges_tenant", "tenant", "at_us"),
)

failures: Final = Table(
    "failures",
    metadata,
    Column("exchange", Text, nullable=False),
    *_counts("number", "at_us"),
    *_text("tenant", "upstream", "model", "outcome", "detail", "request_id"),
    *_counts("status"),
    *_floats("duration_s"),
    PrimaryKeyConstraint("exchange", "number"),
    Index("failures_upstream", "upstream", "at_us"),
    Index("failures_at", "at_us"),  # for retention
)

# --- sums

TRAFFIC_KEY: Final = ("grain_s", "start_s", "tenant", "tier", "route", "upstream", "model")
TRAFFIC_SUMS: Final = (*TRAFFIC_COUNTS, *TOKENS, *MONEY, *SUMS, *TTFT, *SPEED, *WAIT)
traffic: Final = Table(  # upstream and model are those that answered last; empty if none was asked
    "traffic",
    metadata,
    *_counts("grain_s", "start_s"),
    *_text("tenant", "tier", "route", "upstream", "model"),
    *_counts(*TRAFFIC_COUNTS, *TOKENS, *MONEY),
    *_floats(*SUMS),
    *_counts(*TTFT, *SPEED, *WAIT),
    PrimaryKeyConstraint(*TRAFFIC_KEY),
    Index("traffic_tenant", "tenant", "grain_s", "start_s"),  # for a tenant's objectives and SLA
)

ATTEMPTS_KEY: Final = ("grain_s", "start_s", "upstream", "model", "outcome", "status")
ATTEMPTS_SUMS: Final = (
    "attempts",
    "estimated",
    *TOKENS,
    "cost_microusd",
    "duration_s",
    *TTFT,
    *SPEED,
)
attempts: Final = Table(  # outcome: success, ignored, hung (left after hang_s), or a failure's kind
    "attempts",
    metadata,
    *_counts("grain_s", "start_s"),
    *_text("upstream", "model", "outcome"),
    *_counts("status", "attempts", "estimated", *TOKENS, "cost_microusd"),
    *_floats("duration_s"),
    *_counts(*TTFT, *SPEED),
    PrimaryKeyConstraint(*ATTEMPTS_KEY),
)

REFUSALS_KEY: Final = ("grain_s", "start_s", "tenant", "tier", "route", "status", "code")
refusals: Final = Table(  # whatever was not served, by its reason
    "refusals",
    metadata,
    *_counts("grain_s", "start_s"),
    *_text("tenant", "tier", "route"),
    *_counts("status"),
    *_text("code"),
    *_counts("exchanges"),
    PrimaryKeyConstraint(*REFUSALS_KEY),
)

USAGE_KEY: Final = ("day_s", "tenant", "key", "route", "model", "upstream")
usage: Final = Table(  # by UTC day, for bills
    "usage",
    metadata,
    *_counts("day_s"),
    *_text("tenant", "key", "route", "model", "upstream"),
    *_counts("exchanges", *TOKENS, *MONEY, "estimated"),
    PrimaryKeyConstraint(*USAGE_KEY),
)

# --- reading the spool

segments: Final = Table(
    "segments",
    metadata,
    Column("name", Text, primary_key=True),
    *_counts("read_bytes", "is_done"),
    *_floats("updated_unix_s"),
)

open_attempts: Final = Table(  # opened lines whose record has not come yet
    "open_attempts",
    metadata,
    *_text("exchange", "stem"),
    *_counts("number"),
    Column("line", LargeBinary, nullable=False),
    PrimaryKeyConstraint("exchange", "number"),
    Index("open_attempts_stem", "stem"),
)

damaged_lines: Final = Table(
    "damaged_lines",
    metadata,
    *_text("segment"),
    *_counts("at_bytes"),
    Column("line", LargeBinary, nullable=False),
    *_floats("found_unix_s"),
    PrimaryKeyConstraint("segment", "at_bytes"),
)

drops: Final = Table(  # lines that the gateway could not write, as it said later
    "drops",
    metadata,
    *_text("stem"),
    *_counts("number", "lines", "exchanges"),  # of the latter, not one line is there
    *_floats("at_unix_s"),
    PrimaryKeyConstraint("stem", "number"),
)

marks: Final = Table(  # numbers of which there is one each
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    *_counts("value"),
)

# --- drills

drills: Final = Table(  # results that were kept: a line for lists, and all of it, compressed JSON
    "drills",
    metadata,
    Column("name", Text, primary_key=True),
    *_text("drill", "mode", "actor"),
    *_counts("is_passed"),
    *_floats("began_unix_s", "kept_unix_s"),
    Column("digest", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("drills_began", "began_unix_s"),
)

# --- alerts

alerts: Final = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("objective", "severity", "state"),  # state: firing, resolved
    *_floats("opened_unix_s", "updated_unix_s", "resolved_unix_s"),
    Column("document", Text, nullable=False),
    Index("alerts_state", "state", "opened_unix_s"),
)

deliveries: Final = Table(  # an outbox: what is to be told to whom, until it has been
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("receiver", "state"),  # state: waiting, sent, given_up
    *_counts("tries"),
    *_floats("next_unix_s", "created_unix_s"),
    Column("document", Text, nullable=False),
    Index("deliveries_state", "state", "next_unix_s"),
)
