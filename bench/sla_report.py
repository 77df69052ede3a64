"""How long a month's SLA report takes: tenants with traffic in every step of five minutes.

    python bench/sla_report.py [--tenants 100] [--rows 2] [--postgres]

Each tenant has ``rows`` rows of sums in each of the 8,928 steps of a month of 31 days (routes and
upstreams), a hundredth of which hold failures; four upstreams have plans. Prints the seconds by the
clock, and of CPU: ours, and of the PostgreSQL server's process. Goal: a month of 100 tenants under
10 s.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from ledger_queries import server_cpu_s
from sqlalchemy import Connection, func, insert, select, text
from tests.postgres import SETTINGS, Postgres

from penstock.apps.control.reports import sla
from penstock.apps.control.reports.month import Month, month
from penstock.config.model import DialectName, Upstream
from penstock.config.tenancy import Tenant
from penstock.ledger.book import SlaTerms, TenantEntry
from penstock.ledger.store import Store, migrate, open_store
from penstock.ledger.tables import SPEED, TTFT, tenants

PLANS = ("aws-bedrock", "google-vertex", "google-vertex-provisioned", "azure-openai")
STEPS = """
INSERT INTO traffic (grain_s, start_s, tenant, tier, route, upstream, model,
    exchanges, served, failed, failovers, charge_microusd, {ttft}, {speed})
WITH RECURSIVE
    steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < {last}),
    rows(r) AS (SELECT 0 UNION ALL SELECT r + 1 FROM rows WHERE r < {rows})
SELECT {grain}, {since} + n * {grain}, id, 'standard', 'r' || r, 'u0', 'm',
    20, 20 - bad, bad, bad, 1000, 9, 9
FROM (SELECT n, r, id, CASE WHEN (n * 7 + r * 3 + length(id)) % 100 = 0 THEN 3 ELSE 0 END AS bad
      FROM steps CROSS JOIN rows CROSS JOIN tenants) AS cells
"""
TRIES = """
INSERT INTO attempts (grain_s, start_s, upstream, model, outcome, status, attempts, cost_microusd)
WITH RECURSIVE
    steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < {last}),
    rows(r) AS (SELECT 0 UNION ALL SELECT r + 1 FROM rows WHERE r < 4),
    ends(e) AS (SELECT 0 UNION ALL SELECT e + 1 FROM ends WHERE e < 4)
SELECT {grain}, {since} + n * {grain}, 'u' || r, 'm', 'kind' || e,
    CASE WHEN e < 3 THEN 200 + e ELSE 496 + e END, CASE WHEN e < 3 THEN 90 ELSE 1 END, 1000
FROM steps CROSS JOIN rows CROSS JOIN ends
"""


def fill(connection: Connection, when: Month, number: int, rows: int) -> None:
    """Fill a month."""
    for at in range(number):
        entry = TenantEntry(tenant=Tenant(id=f"tenant-{at:04}"), sla=SlaTerms(ttft_s=2.0))
        document = msgspec.json.encode(entry).decode()
        connection.execute(insert(tenants).values(id=entry.tenant.id, document=document))
    for grain_s in (300, 86_400):
        last = (when.until_s - when.from_s) // grain_s - 1
        values = {"last": last, "since": when.from_s, "grain": grain_s, "rows": rows - 1}
        names = {"ttft": TTFT[4], "speed": SPEED[4]}
        connection.execute(text(STEPS.format(**values, **names)))
        connection.execute(text(TRIES.format(**values)))


def measure(store: Store, number: int, rows: int) -> float:
    """Return the seconds of one report, and print what they are made of."""
    when = month("2026-10", 1_800_000_000)
    began_s = time.perf_counter()
    migrate(store)
    with store.writing() as connection:
        fill(connection, when, number, rows)
    if store.is_postgres:
        with store.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    print(f"filled in {time.perf_counter() - began_s:.1f} s")
    upstreams = [
        Upstream(name=f"u{at}", dialect=DialectName.OPENAI_CHAT, base_url="http://x", sla=plan)
        for at, plan in enumerate(PLANS)
    ]
    with store.reading() as connection:
        pid = 0
        if store.is_postgres:
            pid = connection.execute(select(func.pg_backend_pid())).scalar_one()
        before = time.perf_counter(), time.process_time(), server_cpu_s(pid)
        made = sla.report(connection, when, upstreams, 1_800_000_000)
        after = time.perf_counter(), time.process_time(), server_cpu_s(pid)
    took_s, own_s, server_s = (end - begin for begin, end in zip(before, after, strict=True))
    steps = sum(one.measured.measured_steps for one in made.tenants)
    print(f"report {took_s:.2f} s: {len(made.tenants)} tenants, {steps} steps with traffic")
    print(f"CPU {own_s:.2f} s own, {server_s:.2f} s server; load {os.getloadavg()[0]:.1f}")
    return took_s


def main() -> int:
    """Measure on SQLite, or on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser(description="How long a month's SLA report takes.")
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--postgres", action="store_true", help="a server of its own")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="penstock-sla-"))
    server_root = Path(tempfile.mkdtemp(prefix="penstock-pg-"))  # becomes another user's
    server = None
    try:
        url = ""
        if given.postgres:
            kept = ("listen_addresses", "unix_socket_directories")
            server = Postgres(server_root, {name: SETTINGS[name] for name in kept})
            url = server.new_database()
        store = open_store(url, folder)
        took_s = measure(store, given.tenants, given.rows)
        store.close()
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(server_root, ignore_errors=True)
    return 0 if took_s < 10.0 else 1


if __name__ == "__main__":
    sys.exit(main())
