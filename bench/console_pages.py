"""How long the console's pages take with millions of records: over HTTP, from a running control.

    python bench/console_pages.py [--exchanges 5000000] [--state-dir DIR] [--rounds 20]

A directory that has a ledger already is taken as it is; without one it is filled first (bench/
filled.py). Goal: under 200 ms for each page, as p50. Beside it stand the largest of all rounds, and
the CPU time that the server took on average: on a busy machine the clock says little.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import filled_book
import httpx
import msgspec
from filled import Plan, fill
from sqlalchemy import select

from penstock.config import load
from penstock.ledger import tables
from penstock.ledger.store import SQLITE_NAME, open_store
from penstock.snapshot import plan
from penstock.snapshot.plan import PlanFile

GOAL_S: Final = 0.2
START_S: Final = 60.0
PAGES: Final = (
    "/",
    "/?span=24h",
    "/?span=7d",
    "/exchanges",
    "/exchanges?tenant=alpine-bank",
    "/exchanges?tenant=alpine-bank&status=418",
    "/exchanges?fate=lost",
    "/exchanges/{exchange}",
    "/usage",
    "/usage?span=today",
    "/usage?by=key",
    "/usage?by=key&show=tokens",
    "/usage?by=model&tenant=alpine-bank",
    "/usage.csv",
    "/tenants",
    "/tenants/delta-logistics",
    "/tenants/delta-logistics/edit",
    "/keys/delta-logistics-1",
    "/prices",
    "/configuration",
    "/audit",
    "/audit?kind=tenant&actor=owner",
    "/objectives",
    "/reports",
)
CONFIG: Final = {
    "upstreams": [
        {"name": name, "dialect": "openai_chat", "base_url": f"http://127.0.0.1:9/{name}"}
        for name in ("anthropic-main", "openai-main", "gemini-eu", "vllm-own")
    ],
    "objectives": [
        {"name": f"objective-{at}", **what}
        for at, what in enumerate(
            [
                *({"tenant": name} for name in ("alpine-bank", "delta-logistics")),
                *({"tier": name} for name in ("enterprise", "standard")),
                *({"route": name} for name in ("assistant", "local")),
                *({"upstream": name} for name in ("anthropic-main", "openai-main", "gemini-eu")),
                *(
                    {"sli": "ttft", "threshold_s": 2.0, "tenant": name}
                    for name, _ in filled_book.names()[:11]
                ),
            ]
        )
    ],
    "routes": [
        {"name": "assistant", "targets": [{"upstream": "anthropic-main", "model": "m"}]},
        {"name": "local", "targets": [{"upstream": "vllm-own", "model": "m"}]},
    ],
}


def prepare(state_dir: Path, exchanges: int) -> None:
    """Fill the ledger if there is none, and say what is to be served."""
    if not (state_dir / SQLITE_NAME).exists():
        store = open_store("", state_dir)
        began_s = time.monotonic()
        fill(store, Plan(exchanges=exchanges, until_unix_s=int(time.time()) // 60 * 60))
        store.close()
        print(f"filled with {exchanges:,} exchanges in {time.monotonic() - began_s:.0f} s")
    config, problems = load.convert(CONFIG)
    if problems:
        raise SystemExit(str(problems[0]))
    path = plan.path_of(state_dir)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(msgspec.json.encode(PlanFile(config=config, origin="the benchmark")))
    path.chmod(0o600)


def started(state_dir: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start control; return it, and its address."""
    ready = state_dir / "run" / "bench.ready.json"
    ready.unlink(missing_ok=True)
    flags = ["--state-dir", str(state_dir), "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen([sys.executable, "-m", "penstock", "control", *flags])
    until_s = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until_s:
            process.kill()
            raise SystemExit("control did not start")
        time.sleep(0.05)
    return process, msgspec.json.decode(ready.read_bytes())["url"]


class Taken(msgspec.Struct):
    """What one page took, round by round."""

    status: int = 0
    wall_s: list[float] = []
    cpu_s: list[float] = []


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def newest(state_dir: Path) -> str:
    """Return the id of the newest exchange, whose page is asked for."""
    there = tables.exchanges.c
    store = open_store("", state_dir)
    with store.reading() as connection:
        query = select(there.id).order_by(there.at_us.desc()).limit(1)
        name: str = connection.execute(query).scalar_one()
    store.close()
    return name


async def measure(url: str, token: str, rounds: int, of: tuple[int, str]) -> dict[str, Taken]:
    """Return what each page takes, one request at a time, all pages in each round."""
    pid, exchange = of
    found = {path.format(exchange=exchange): Taken() for path in PAGES}
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60.0) as client:
        for path in found:  # once for templates and the page cache
            await client.get(path)
        for _ in range(rounds):
            for path, taken in found.items():
                began_s, began_cpu_s = time.monotonic(), cpu_s(pid)
                taken.status = (await client.get(path)).status_code
                taken.wall_s.append(time.monotonic() - began_s)
                taken.cpu_s.append(cpu_s(pid) - began_cpu_s)
    return found


def show(found: dict[str, Taken]) -> bool:
    """Print the table; return whether every page that is there keeps the goal."""
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds")
    print(f"{'page':<42} {'status':>6} {'p50':>6} {'max':>6} {'CPU':>6}")
    is_kept = True
    for path, taken in found.items():
        middle_s = statistics.median(taken.wall_s)
        late = "" if middle_s < GOAL_S else "  over the goal"
        is_kept &= middle_s < GOAL_S
        figures = (middle_s, max(taken.wall_s), statistics.mean(taken.cpu_s))
        cells = " ".join(f"{one * 1e3:>6.0f}" for one in figures)
        print(f"{path:<42} {taken.status:>6} {cells}{late}")
    return is_kept


def main() -> None:
    """Measure, and fail if a page is too slow."""
    parser = argparse.ArgumentParser(description="Time the console's pages.")
    parser.add_argument("--exchanges", type=int, default=5_000_000)
    parser.add_argument("--state-dir", default="", help="with a ledger, or to be filled")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state_dir = Path(given.state_dir or scratch)
        state_dir.mkdir(mode=0o700, exist_ok=True)
        prepare(state_dir, given.exchanges)
        process, url = started(state_dir)
        try:
            of = (process.pid, newest(state_dir))
            token = (state_dir / "control.token").read_text().strip()
            found = asyncio.run(measure(url, token, given.rounds, of))
        finally:
            process.terminate()
            process.wait(30)
    raise SystemExit(0 if show(found) else 1)


if __name__ == "__main__":
    main()
