"""The status process's own database: small, SQLite, nobody else's.

    components         what the page speaks of; one that is gone keeps its row and its history
    intervals          in which state a component was, from when to when; uptime is made from these;
                       operational ones too: where there is none, nothing is known
    incidents          incidents and maintenance
    incident_updates   what was said, the text as it was published
    incident_parts     which components an incident touches, in which state, from when to when
    verdicts           each change of what the watch says, with all of its evidence
    measures           probes and exchanges of a component in spans of GRAIN_S
    reports            votes of people; their words are cleared after days
    report_hours       how many votes a component had in an hour: kept and shown
    posts              what providers' own pages said, and when
    subscribers        who wants to be told of what
    notices            what there was to tell: once each
    deliveries         who is to be told of it, and what became of that: the outbox
    audit              who changed what
    kept               small documents by name: what the detector has learned, salts, the page's id

Times are Unix time in seconds; 0 is never. Text is never NULL. Documents are JSON.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

GRAIN_S: Final = 60  # of measures; older ones are thinned out to HOUR_S
metadata: Final = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _times(*names: str) -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default="0") for name in names]


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


components: Final = Table(
    "components",
    metadata,
    Column("id", Text, primary_key=True),  # 12 lower-case letters and digits
    *_text("name", "description", "group_id", "layer", "surface", "provider", "family"),
    *_text("state"),  # what the page says: operational, degraded_performance ...
    *_text("api_state"),  # the last one that was known
    *_text("watch_state", "operator_state"),  # who says what; empty: nothing
    *_text("operator_description"),  # stands instead of the configuration's; empty: it does not
    *_counts("is_group", "position", "only_show_if_degraded", "is_gone"),
    *_counts("verdict"),  # the last row of verdicts
    *_times("created_unix_s", "updated_unix_s", "start_unix_s"),
)

intervals: Final = Table(
    "intervals",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("component", "state", "source", "incident"),  # source: watch, operator, maintenance
    *_times("from_unix_s", "to_unix_s"),  # to: 0 while it lasts
    Index("intervals_component", "component", "from_unix_s"),
)

incidents: Final = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True),  # stands in the tags of feeds
    Column("id", Text, nullable=False, unique=True),  # stands in links
    *_text("kind"),  # incident, maintenance
    *_text("name", "status", "impact", "impact_override", "origin"),  # origin: watch, operator
    *_counts("is_draft", "is_taken_over", "auto_in_progress", "auto_completed"),
    *_times("created_unix_s", "updated_unix_s", "started_unix_s"),
    *_times("identified_unix_s", "monitoring_unix_s", "resolved_unix_s"),
    *_times("scheduled_for_unix_s", "scheduled_until_unix_s"),
    *_text("document"),  # detection by each detector, lead times, culprit, post-mortem
    Index("incidents_started", "kind", "started_unix_s"),
)

incident_updates: Final = Table(
    "incident_updates",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("incident", "status", "body", "author"),
    *_text("affected"),  # [{"code", "name", "old_status", "new_status"}]
    *_counts("deliver", "position"),  # in the order in which they were written
    *_times("created_unix_s", "updated_unix_s", "display_unix_s"),
    Index("incident_updates_incident", "incident", "display_unix_s"),
)

incident_parts: Final = Table(
    "incident_parts",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("incident", "component", "state"),
    *_times("from_unix_s", "to_unix_s"),
    Index("incident_parts_incident", "incident", "component"),
)

verdicts: Final = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("component", "verdict", "state", "culprit", "culprit_name"),
    *_times("at_unix_s"),
    *_text("document"),  # the Assessment
    Index("verdicts_component", "component", "at_unix_s"),
    Index("verdicts_at", "at_unix_s"),
)

measures: Final = Table(
    "measures",
    metadata,
    Column("component", Text, primary_key=True),
    Column("source", Text, primary_key=True),  # probes, telemetry
    Column("grain_s", Integer, primary_key=True),
    Column("start_unix_s", Integer, primary_key=True),
    *_counts("good", "slow", "failed", "wrong", "unknown", "timed"),  # timed: with a first token
    *_times("ttft_sum_s", "ttft_max_s", "ttft_p50_s", "ttft_p95_s"),
    sqlite_with_rowid=False,
)

reports: Final = Table(
    "reports",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("component", "voter", "network", "category", "version", "region", "words", "source"),
    *_counts("is_counted", "is_hidden"),
    *_times("at_unix_s"),
    Index("reports_component", "component", "at_unix_s"),
    Index("reports_voter", "voter", "component", "at_unix_s"),
)

report_hours: Final = Table(
    "report_hours",
    metadata,
    Column("component", Text, primary_key=True),
    Column("start_unix_s", Integer, primary_key=True),
    *_counts("votes", "networks"),
    sqlite_with_rowid=False,
)

posts: Final = Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("page", "provider", "component", "state", "words", "link"),
    *_times("at_unix_s", "posted_unix_s"),
    Index("posts_at", "at_unix_s"),
)

subscribers: Final = Table(
    "subscribers",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("kind"),  # email, webhook, slack
    *_text("address", "token"),  # sealed: with the database alone nobody can read them
    *_text("address_hash", "token_hash"),  # what they are found by
    *_text("components"),  # [id, ...]; of all: []
    *_times("created_unix_s", "asked_unix_s", "confirmed_unix_s", "ended_unix_s"),
    *_times("failing_unix_s", "quarantined_unix_s"),  # since when; 0: it is not
    *_counts("failures", "asked_day", "asked_times"),  # how often it was asked on that day
    Index("subscribers_address", "address_hash", unique=True),
    Index("subscribers_token", "token_hash"),
)

notices: Final = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),  # an incident's update, or made for a component's change
    *_text("incident", "component", "document"),  # of a component: from which state to which
    *_times("at_unix_s"),
    Index("notices_component", "component", "at_unix_s"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),  # the same for each try: receivers tell repeats by it
    *_text("subscriber", "kind", "state"),
    *_text("what", "notice", "incident"),  # what: update, component, confirm, known
    *_counts("tries"),
    *_times("next_unix_s", "created_unix_s", "done_unix_s"),
    Index("deliveries_due", "kind", "state", "next_unix_s"),
    Index("deliveries_subscriber", "subscriber", "incident"),
    Index("deliveries_incident", "incident", "state"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    *_text("actor", "role", "address", "action", "kind", "object", "before", "after"),
    *_times("at_unix_s"),
    Index("audit_at", "at_unix_s"),
)

kept: Final = Table(
    "kept",
    metadata,
    Column("name", Text, primary_key=True),
    *_text("document"),
    *_times("at_unix_s"),
)
