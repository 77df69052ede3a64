"""How many views of the status page a core serves: the process from memory, nginx from a folder.

    python bench/status_page.py [--seconds 5] [--cores SERVER,LOAD] [--rounds 3]

The server has one core, the generator (c/views.c) another; each of 64 connections asks again at
once. Every answer is checked. Goals: 1,000 views/s of the front page from the process, 10,000 from
nginx, packed, as every browser asks for it. CPU a view is what one core is worth on a machine that
does something else too: the reciprocal stands in the column "a core". The page is one with 40
components, 90 days of each, 60 incidents.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from host import BUILD, BenchError, Cores, Program, cpu_s, describe, free_port, run_text, start
from peer import found

from penstock.apps.status.site import rendering, writing
from penstock.apps.status.view import (
    ComponentView,
    Day,
    Figures,
    IncidentView,
    Point,
    UpdateView,
    View,
)
from penstock.watch.component import State

GOALS: Final = {"process": 1_000, "nginx": 10_000}  # views/s of the front page
PATHS: Final = ("/", "/api/v2/summary.json", "/history.atom")
CONNECTIONS: Final = 64
START_S: Final = 20.0
NOW: Final = 1_772_453_100.0
DAY_S: Final = 86_400.0
COMPONENTS: Final = 40
INCIDENTS: Final = 60
SERVER: Final = Path(__file__).with_name("status_page_server.py")

NGINX: Final = """\
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 1s;
    gzip_static on;
    types {{
        text/html html;
        text/css css;
        text/javascript js;
        image/svg+xml svg;
        application/json json;
        application/atom+xml atom;
        application/rss+xml rss;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {site};
        index index.html;
    }}
}}
"""


class Load(msgspec.Struct, frozen=True):
    """What the generator saw, and what the server used."""

    views: int
    errors: int
    seconds: float
    bytes: int
    p50_us: int
    p99_us: int
    cpu_s: float = 0.0

    @property
    def views_s(self) -> float:
        """Views a second, by the clock."""
        return self.views / self.seconds

    @property
    def core_views_s(self) -> float:
        """Views that a core could serve if it did nothing else."""
        return self.views / self.cpu_s if self.cpu_s else 0.0


def view() -> View:
    """Return a page as a busy installation has it after a year."""
    days = tuple(Day(f"day {one}", partial_s=60.0 * (one % 3)) for one in range(90))
    response = tuple(Point(NOW - 300.0 * one, 0.5, 2.5, 40) for one in range(288))
    return View(
        page_id="page00000000",
        name="Penstock",
        url="https://status.example",
        rendered_unix_s=NOW,
        updated_unix_s=NOW,
        created_unix_s=NOW - 400 * DAY_S,
        components=tuple(
            ComponentView(
                id=f"component{one:03}",
                name=f"Component {one}",
                state=State.OPERATIONAL if one % 7 else State.DEGRADED,
                position=one,
                created_unix_s=NOW - 400 * DAY_S,
                updated_unix_s=NOW - 600,
                start_unix_s=NOW - 400 * DAY_S,
                days=days,
                figures=Figures(weighted_ratio=0.9991, clear_ratio=0.998, known_ratio=0.9999),
                response=response,
                report_hours=(0,) * 24,
            )
            for one in range(COMPONENTS)
        ),
        incidents=tuple(_incident(one) for one in range(INCIDENTS)),
    )


def _incident(number: int) -> IncidentView:
    id_, at_unix_s = f"incident{number:04}", NOW - number * 3 * DAY_S
    words = "We are looking into errors that some see. " * 4
    statuses = ("investigating",) if number == 0 else ("resolved", "identified", "investigating")
    return IncidentView(
        id=id_,
        number=INCIDENTS - number,
        name=f"Elevated errors {number}",
        status=statuses[0],
        impact="minor",
        components=(f"component{number % COMPONENTS:03}",),
        updates=tuple(
            UpdateView(
                id=f"u{number:05}{at:06}", incident=id_, status=status, body=words,
                created_unix_s=at_unix_s - at * 600, display_unix_s=at_unix_s - at * 600,
            )
            for at, status in enumerate(statuses)
        ),
        created_unix_s=at_unix_s - 1800,
        updated_unix_s=at_unix_s,
        started_unix_s=at_unix_s - 1800,
        resolved_unix_s=0.0 if number == 0 else at_unix_s,
    )  # fmt: skip


@contextmanager
def process(folder: Path, cores: Cores) -> Generator[tuple[int, Program]]:
    """Run the site's server, as the process has it: uvicorn over the same ``SiteServer``."""
    port = free_port()
    command = [sys.executable, str(SERVER), str(port)]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    program = start("process", command, cores.proxy, folder / "process.log", paths)
    yield from _served(port, program)


@contextmanager
def nginx(folder: Path, cores: Cores) -> Generator[tuple[int, Program]]:
    """Run nginx over the folder that the process writes."""
    port = free_port()
    site = folder / "site"
    writing.write(site, rendering.render(view()))
    (folder / "nginx.conf").write_text(NGINX.format(port=port, site=site))
    command = [found("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    program = start("nginx", command, cores.proxy, folder / "nginx.log", {})
    yield from _served(port, program)


def _served(port: int, program: Program) -> Generator[tuple[int, Program]]:
    until_s = time.monotonic() + START_S
    if not Path(_generator()).exists():
        raise BenchError("the generator has not been built: bash bench/build.sh")
    try:
        while not run_text([_generator(), str(port), "/", "1", "0.1"]).startswith("{"):
            if not program.is_alive() or time.monotonic() > until_s:
                raise BenchError(f"{program.name} does not answer: {program.log_tail()}")
            time.sleep(0.1)
        yield port, program
    finally:
        program.stop()


def _generator() -> str:
    return str(BUILD / "bin" / "views")


def measure(
    port: int, program: Program, path: str, header: str, options: argparse.Namespace
) -> Load:
    """Ask for one path for a while."""
    command = ["taskset", "-c", options.cores.load, _generator(), str(port), path]
    command += [str(CONNECTIONS), str(options.seconds), *([header] if header else [])]
    before_s = cpu_s(program.pids())
    told = run_text(command)
    used_s = cpu_s(program.pids()) - before_s
    if not told.startswith("{"):
        raise BenchError(f"{program.name}, {path}: {told}")
    return msgspec.structs.replace(msgspec.convert(json.loads(told), Load), cpu_s=used_s)


def main() -> int:
    """Measure all; return 1 if a goal is missed or an answer was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=Cores.choose, default=Cores.choose(""))
    options = parser.parse_args()
    print(json.dumps(describe()))
    print("| server | path | form | body bytes | views/s | a core | CPU us | p50 us | p99 us |")
    print("|---|---|---|---|---|---|---|---|---|")
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx gives up being root
        for name, served in (("process", process), ("nginx", nginx)):
            with served(Path(folder), options.cores) as (port, program):
                for path in PATHS:
                    for form, header in (("plain", ""), ("gzip", "accept-encoding: gzip")):
                        loads = [
                            measure(port, program, path, header, options)
                            for _ in range(options.rounds)
                        ]
                        is_good &= _told(name, path, form, loads)
    return 0 if is_good else 1


def _told(name: str, path: str, form: str, loads: list[Load]) -> bool:
    """Print the best round: what disturbs only takes away. Tell whether it is good enough."""
    best = max(loads, key=lambda one: one.views_s)
    errors = sum(one.errors for one in loads)
    print(
        f"| {name} | {path} | {form} | {best.bytes:,} | {best.views_s:,.0f} | "
        f"{best.core_views_s:,.0f} | {1e6 / best.core_views_s:,.1f} | {best.p50_us:,} | "
        f"{best.p99_us:,} |" + (f" {errors} ERRORS" if errors else ""),
        flush=True,
    )
    is_goal = (path, form) == ("/", "gzip")
    return not errors and (not is_goal or best.views_s >= GOALS[name])


if __name__ == "__main__":
    sys.exit(main())
