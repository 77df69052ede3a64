"""The first tables. Written by docs/first_migration.py."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _column(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _text(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), "") for name in names.split()]


def _counts(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.BigInteger(), "0") for name in names.split()]


def _floats(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Float(53), "0") for name in names.split()]


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        *_floats("created_unix_s updated_unix_s"),
        sa.PrimaryKeyConstraint("id"),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, nullable=False),
        *_text("tenant sha256"),
        sa.Column("document", sa.Text, nullable=False),
        *_floats("created_unix_s updated_unix_s"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index("keys_tenant", "keys", ["tenant"])


def _price_lists() -> None:
    op.create_table(
        "price_lists",
        sa.Column("version", ROW_ID, nullable=False, autoincrement=True),
        *_floats("created_unix_s"),
        *_text("actor"),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", ROW_ID, nullable=False, autoincrement=True),
        *_floats("at_unix_s"),
        *_text("actor role address action kind object before after"),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("audit_at", "audit", ["at_unix_s"])
    op.create_index("audit_object", "audit", ["kind", "object"])


def _exchanges() -> None:
    op.create_table(
        "exchanges",
        sa.Column("seq", ROW_ID, nullable=False, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        *_counts("at_us"),
        *_text("""tenant key route model dialect operation tier upstream served_model outcome
fate code"""),
        *_counts("status is_stream is_estimated attempts hops"),
        *_floats("duration_s ttft_s queued_s"),
        *_counts("""input_tokens output_tokens cached_tokens cache_write_tokens reasoning_tokens
cost_microusd charge_microusd price_version"""),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id", name="exchanges_id"),
    )
    op.create_index("exchanges_at", "exchanges", ["at_us"])
    op.create_index("exchanges_tenant", "exchanges", ["tenant", "at_us"])


def _failures() -> None:
    op.create_table(
        "failures",
        sa.Column("exchange", sa.Text, nullable=False),
        *_counts("number at_us"),
        *_text("tenant upstream model outcome detail request_id"),
        *_counts("status"),
        *_floats("duration_s"),
        sa.PrimaryKeyConstraint("exchange", "number"),
    )
    op.create_index("failures_at", "failures", ["at_us"])
    op.create_index("failures_upstream", "failures", ["upstream", "at_us"])


def _traffic() -> None:
    op.create_table(
        "traffic",
        *_counts("grain_s start_s"),
        *_text("tenant tier route upstream model"),
        *_counts("""exchanges served failed shed limited rejected left lost streams failovers
continued substituted shortened queued estimated unpriced input_tokens
output_tokens cached_tokens cache_write_tokens reasoning_tokens cost_microusd
charge_microusd"""),
        *_floats("duration_s ttft_s queued_s generating_s"),
        *_counts("""ttft_00 ttft_01 ttft_02 ttft_03 ttft_04 ttft_05 ttft_06 ttft_07 ttft_08
ttft_09 ttft_10 ttft_11 ttft_12 ttft_13 ttft_14 ttft_15 ttft_16 ttft_17
ttft_18 ttft_19 ttft_20 ttft_21 ttft_22 ttft_23 ttft_24 ttft_25 speed_00
speed_01 speed_02 speed_03 speed_04 speed_05 speed_06 speed_07 speed_08
speed_09 speed_10 speed_11 speed_12 speed_13 speed_14 speed_15 speed_16
speed_17 wait_00 wait_01 wait_02 wait_03 wait_04 wait_05 wait_06 wait_07
wait_08 wait_09 wait_10 wait_11 wait_12 wait_13"""),
        sa.PrimaryKeyConstraint(
            "grain_s", "start_s", "tenant", "tier", "route", "upstream", "model"
        ),
    )
    op.create_index("traffic_tenant", "traffic", ["tenant", "grain_s", "start_s"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        *_counts("grain_s start_s"),
        *_text("upstream model outcome"),
        *_counts("""status attempts estimated input_tokens output_tokens cached_tokens
cache_write_tokens reasoning_tokens cost_microusd"""),
        *_floats("duration_s"),
        *_counts("""ttft_00 ttft_01 ttft_02 ttft_03 ttft_04 ttft_05 ttft_06 ttft_07 ttft_08
ttft_09 ttft_10 ttft_11 ttft_12 ttft_13 ttft_14 ttft_15 ttft_16 ttft_17
ttft_18 ttft_19 ttft_20 ttft_21 ttft_22 ttft_23 ttft_24 ttft_25 speed_00
speed_01 speed_02 speed_03 speed_04 speed_05 speed_06 speed_07 speed_08
speed_09 speed_10 speed_11 speed_12 speed_13 speed_14 speed_15 speed_16
speed_17"""),
        sa.PrimaryKeyConstraint("grain_s", "start_s", "upstream", "model", "outcome", "status"),
    )


def _refusals() -> None:
    op.create_table(
        "refusals",
        *_counts("grain_s start_s"),
        *_text("tenant tier route"),
        *_counts("status"),
        *_text("code"),
        *_counts("exchanges"),
        sa.PrimaryKeyConstraint("grain_s", "start_s", "tenant", "tier", "route", "status", "code"),
    )


def _usage() -> None:
    op.create_table(
        "usage",
        *_counts("day_s"),
        *_text("tenant key route model upstream"),
        *_counts("""exchanges input_tokens output_tokens cached_tokens cache_write_tokens
reasoning_tokens cost_microusd charge_microusd estimated"""),
        sa.PrimaryKeyConstraint("day_s", "tenant", "key", "route", "model", "upstream"),
    )


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("name", sa.Text, nullable=False),
        *_counts("read_bytes is_done"),
        *_floats("updated_unix_s"),
        sa.PrimaryKeyConstraint("name"),
    )


def _open_attempts() -> None:
    op.create_table(
        "open_attempts",
        *_text("exchange stem"),
        *_counts("number"),
        sa.Column("line", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("exchange", "number"),
    )
    op.create_index("open_attempts_stem", "open_attempts", ["stem"])


def _damaged_lines() -> None:
    op.create_table(
        "damaged_lines",
        *_text("segment"),
        *_counts("at_bytes"),
        sa.Column("line", sa.LargeBinary, nullable=False),
        *_floats("found_unix_s"),
        sa.PrimaryKeyConstraint("segment", "at_bytes"),
    )


def _drops() -> None:
    op.create_table(
        "drops",
        *_text("stem"),
        *_counts("number lines exchanges"),
        *_floats("at_unix_s"),
        sa.PrimaryKeyConstraint("stem", "number"),
    )


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.Text, nullable=False),
        *_counts("value"),
        sa.PrimaryKeyConstraint("name"),
    )


def _drills() -> None:
    op.create_table(
        "drills",
        sa.Column("name", sa.Text, nullable=False),
        *_text("drill mode actor"),
        *_counts("is_passed"),
        *_floats("began_unix_s kept_unix_s"),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("drills_began", "drills", ["began_unix_s"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text, nullable=False),
        *_text("objective severity state"),
        *_floats("opened_unix_s updated_unix_s resolved_unix_s"),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alerts_state", "alerts", ["state", "opened_unix_s"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, nullable=False),
        *_text("receiver state"),
        *_counts("tries"),
        *_floats("next_unix_s created_unix_s"),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_state", "deliveries", ["state", "next_unix_s"])


def upgrade() -> None:
    """Make the tables."""
    _tenants()
    _keys()
    _price_lists()
    _audit()
    _exchanges()
    _failures()
    _traffic()
    _attempts()
    _refusals()
    _usage()
    _segments()
    _open_attempts()
    _damaged_lines()
    _drops()
    _marks()
    _drills()
    _alerts()
    _deliveries()
