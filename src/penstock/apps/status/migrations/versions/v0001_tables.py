"""The first tables. Written by docs/first_migration.py."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _column(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _text(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), "") for name in names.split()]


def _counts(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.BigInteger(), "0") for name in names.split()]


def _floats(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Float(53), "0") for name in names.split()]


def _components() -> None:
    op.create_table(
        "components",
        sa.Column("id", sa.Text, nullable=False),
        *_text("""name description group_id layer surface provider family state api_state
watch_state operator_state operator_description"""),
        *_counts("is_group position only_show_if_degraded is_gone verdict"),
        *_floats("created_unix_s updated_unix_s start_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )


def _intervals() -> None:
    op.create_table(
        "intervals",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("component state source incident"),
        *_floats("from_unix_s to_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("intervals_component", "intervals", ["component", "from_unix_s"])


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        *_text("kind name status impact impact_override origin"),
        *_counts("is_draft is_taken_over auto_in_progress auto_completed"),
        *_floats("""created_unix_s updated_unix_s started_unix_s identified_unix_s
monitoring_unix_s resolved_unix_s scheduled_for_unix_s scheduled_until_unix_s"""),
        *_text("document"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("incidents_started", "incidents", ["kind", "started_unix_s"])


def _incident_updates() -> None:
    op.create_table(
        "incident_updates",
        sa.Column("id", sa.Text, nullable=False),
        *_text("incident status body author affected"),
        *_counts("deliver position"),
        *_floats("created_unix_s updated_unix_s display_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("incident_updates_incident", "incident_updates", ["incident", "display_unix_s"])


def _incident_parts() -> None:
    op.create_table(
        "incident_parts",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("incident component state"),
        *_floats("from_unix_s to_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("incident_parts_incident", "incident_parts", ["incident", "component"])


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("component verdict state culprit culprit_name"),
        *_floats("at_unix_s"),
        *_text("document"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("verdicts_at", "verdicts", ["at_unix_s"])
    op.create_index("verdicts_component", "verdicts", ["component", "at_unix_s"])


def _measures() -> None:
    op.create_table(
        "measures",
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("grain_s", sa.Integer, nullable=False),
        sa.Column("start_unix_s", sa.Integer, nullable=False),
        *_counts("good slow failed wrong unknown timed"),
        *_floats("ttft_sum_s ttft_max_s ttft_p50_s ttft_p95_s"),
        sa.PrimaryKeyConstraint("component", "source", "grain_s", "start_unix_s"),
        sqlite_with_rowid=False,
    )


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("component voter network category version region words source"),
        *_counts("is_counted is_hidden"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reports_component", "reports", ["component", "at_unix_s"])
    op.create_index("reports_voter", "reports", ["voter", "component", "at_unix_s"])


def _report_hours() -> None:
    op.create_table(
        "report_hours",
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("start_unix_s", sa.Integer, nullable=False),
        *_counts("votes networks"),
        sa.PrimaryKeyConstraint("component", "start_unix_s"),
        sqlite_with_rowid=False,
    )


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("page provider component state words link"),
        *_floats("at_unix_s posted_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("posts_at", "posts", ["at_unix_s"])


def _subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Text, nullable=False),
        *_text("kind address token address_hash token_hash components"),
        *_floats("""created_unix_s asked_unix_s confirmed_unix_s ended_unix_s failing_unix_s
quarantined_unix_s"""),
        *_counts("failures asked_day asked_times"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("subscribers_address", "subscribers", ["address_hash"], unique=True)
    op.create_index("subscribers_token", "subscribers", ["token_hash"])


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Text, nullable=False),
        *_text("incident component document"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notices_component", "notices", ["component", "at_unix_s"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, nullable=False),
        *_text("subscriber kind state what notice incident"),
        *_counts("tries"),
        *_floats("next_unix_s created_unix_s done_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_due", "deliveries", ["kind", "state", "next_unix_s"])
    op.create_index("deliveries_incident", "deliveries", ["incident", "state"])
    op.create_index("deliveries_subscriber", "deliveries", ["subscriber", "incident"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        *_text("actor role address action kind object before after"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_at", "audit", ["at_unix_s"])


def _kept() -> None:
    op.create_table(
        "kept",
        sa.Column("name", sa.Text, nullable=False),
        *_text("document"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("name"),
    )


def upgrade() -> None:
    """Make the tables."""
    _components()
    _intervals()
    _incidents()
    _incident_updates()
    _incident_parts()
    _verdicts()
    _measures()
    _reports()
    _report_hours()
    _posts()
    _subscribers()
    _notices()
    _deliveries()
    _audit()
    _kept()
