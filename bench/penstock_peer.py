"""Penstock itself: the gateway alone, and all that ``penstock up`` starts."""

import sys
import time
from pathlib import Path
from typing import cast

from host import BENCH, BenchError, Cores, Program, age_s, read_json, start
from peer import (
    CALLER_KEY,
    UPSTREAM_KEY,
    Endpoint,
    Peer,
    Running,
    Site,
    wait_file,
)

import penstock
from penstock import is_compiled
from penstock.config import load
from penstock.snapshot import build, file
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

CONFIG = """\
[[upstreams]]
name = "mock"
dialect = "openai_chat"
base_url = "http://127.0.0.1:{mock}/v1"
api_key_env = "BENCH_KEY"
concurrency_max = 20000
[[upstreams]]
name = "mock-too"
dialect = "openai_chat"
base_url = "http://127.0.0.1:{mock}/v1"
api_key_env = "BENCH_KEY"
concurrency_max = 20000
[[upstreams]]
name = "mock-anthropic"
dialect = "anthropic_messages"
base_url = "http://127.0.0.1:{mock}"
api_key_env = "BENCH_KEY"
concurrency_max = 20000
[[routes]]
name = "bench"
policy = "load"
targets = [
    {{ upstream = "mock", model = "bench" }},
    {{ upstream = "mock-too", model = "bench" }},
]
[[routes]]
name = "bench-anthropic"
targets = [{{ upstream = "mock-anthropic", model = "bench" }}]
"""
CONFIG_TLS = """\
[[upstreams]]
name = "mock-tls"
dialect = "openai_chat"
base_url = "https://127.0.0.1:{tls}/v1"
tls_ca_file = "{ca}"
api_key_env = "BENCH_KEY"
concurrency_max = 20000
[[routes]]
name = "bench-tls"
targets = [{{ upstream = "mock-tls", model = "bench" }}]
"""


def part(ready: dict[str, object], section: str, name: str) -> str:
    """Return one entry of a section of the ready file."""
    entries = ready.get(section)
    found = cast("dict[str, object]", entries) if isinstance(entries, dict) else {}
    if name not in found:
        raise BenchError(f"the ready file of penstock has no {section}.{name}")
    return str(found[name])


class PenstockPeer(Peer):
    """One gateway with everything on: keys, limits, breaker, balancing, spool, metrics.

    It has the core to itself, as on a machine that serves: control reads its spool elsewhere. It is
    the one installed beside the Python that runs this, with ``make bench`` the compiled one.
    """

    name = "penstock"
    title = "Penstock"

    def install(self) -> None:
        """Refuse a compiled one of another source than the one beside us."""
        if is_compiled():
            ours, theirs = BENCH.parent / "src" / "penstock", Path(penstock.__file__).parent
            for path in ours.rglob("*.py"):
                there = theirs / path.relative_to(ours)
                if not there.exists() or there.read_bytes() != path.read_bytes():
                    raise BenchError(
                        f"{path.name} has changed since it was compiled: make compiled"
                    )

    def version(self) -> str:
        """Return the version, and whether it is compiled."""
        return penstock.version()

    def files(self, site: Site) -> dict[str, str]:
        """Plain upstreams of two dialects, and one with TLS where a certificate is given."""
        text = CONFIG.format(mock=site.mock_port)
        if site.tls_port:
            text += CONFIG_TLS.format(tls=site.tls_port, ca=site.ca_file)
        return {"penstock.toml": text}

    def command(self, site: Site) -> list[str]:
        """Run a gateway below the site's folder, on free ports."""
        ports = ["--port", "0", "--admin-port", "0"]
        state = ["--state-dir", str(site.folder / "state")]
        ready = ["--ready-file", str(site.folder / "ready.json")]
        return ["python", "-m", "penstock", "gateway", *ports, *state, *ready]

    def environment(self, site: Site) -> dict[str, str]:
        """Give it the upstream's key and a state directory."""
        return {
            "BENCH_KEY": UPSTREAM_KEY,
            "PENSTOCK_STATE_DIR": str(site.folder / "state"),
        }

    def endpoints(self, site: Site) -> dict[str, Endpoint]:
        """Return the calls, with the key still missing."""
        return self.calls(site.port, CALLER_KEY, tls=bool(site.tls_port))

    def calls(self, port: int, key: str, *, tls: bool) -> dict[str, Endpoint]:
        """Return how to call a gateway on ``port`` with ``key``."""
        bearer = (f"authorization: Bearer {key}",)
        plain = Endpoint(port, headers=bearer)
        calls = {
            "openai": plain,
            "translated": Endpoint(port, model="bench-anthropic", headers=bearer),
            "anthropic": Endpoint(
                port,
                "/v1/messages",
                "bench-anthropic",
                (f"x-api-key: {key}", "anthropic-version: 2023-06-01"),
                "anthropic",
            ),
        }
        return calls | ({"tls": Endpoint(port, model="bench-tls", headers=bearer)} if tls else {})

    def start(self, site: Site, cores: Cores) -> Running:
        """Start it and read the ready file."""
        self.write_files(site)
        self.prepare(site)
        argv = [sys.executable, *self.command(site)[1:]]
        begun_at_s = time.monotonic()
        program = start(
            self.name, argv, cores.proxy, site.folder / "log.txt", self.environment(site)
        )
        try:
            wait_file(program, site.folder / "ready.json")
            ready_s = time.monotonic() - begun_at_s
            return self.running(program, read_json(site.folder / "ready.json"), site, ready_s)
        except (BenchError, ValueError, KeyError) as error:
            program.stop()
            raise BenchError(str(error)) from error

    def prepare(self, site: Site) -> None:
        """Publish the snapshot that the gateway starts from."""
        state = site.folder / "state"
        for name in ("run", "spool"):
            (state / name).mkdir(parents=True)
        key = Key(id="bench", tenant="bench", sha256=sha256(CALLER_KEY))
        config = load.load(site.folder / "penstock.toml")
        file.write(
            state / "snapshot", build.build(config, [key], version=1, now_unix_s=time.time())
        )

    def running(
        self, program: Program, ready: dict[str, object], site: Site, ready_s: float
    ) -> Running:
        """Return what runs, from what it has said of itself."""
        port = port_of(str(ready["url"]))
        calls = self.calls(port, CALLER_KEY, tls=bool(site.tls_port))
        return Running(program, calls, ready_s)


class InterpretedPenstock(PenstockPeer):
    """The same gateway as plain Python, from the source beside us."""

    name = "penstock_interpreted"
    title = "Penstock, not compiled"

    def version(self) -> str:
        """Return the version of the source."""
        return penstock.__version__

    def environment(self, site: Site) -> dict[str, str]:
        """Let the source go before what is installed."""
        return super().environment(site) | {"PYTHONPATH": str(BENCH.parent / "src")}


class WholePenstock(PenstockPeer):
    """All that ``penstock up`` starts, on one core: records are read into the database, too.

    Its CPU is that of all processes: gateway, control, watch, status page and chat. Memory and the
    time to listen are the gateway's.
    """

    name = "penstock_all"
    title = "the whole of Penstock"

    def command(self, site: Site) -> list[str]:
        """Run everything below the site's folder, on free ports."""
        config = ["--config", str(site.folder / "penstock.toml"), "--ports", "auto"]
        ready = ["--ready-file", str(site.folder / "ready.json")]
        return ["python", "-m", "penstock", "up", *config, *ready]

    def prepare(self, site: Site) -> None:
        """Control makes the snapshot, and a key."""

    def running(
        self, program: Program, ready: dict[str, object], site: Site, ready_s: float
    ) -> Running:
        """Return what runs, from what it has said of itself."""
        port = port_of(part(ready, "urls", "gateway"))
        calls = self.calls(port, str(ready["key"]), tls=bool(site.tls_port))
        gateway = int(part(ready, "pids", "gateway"))
        return Running(program, calls, age_s(gateway), [gateway], {"up_s": ready_s})


def port_of(url: str) -> int:
    """Return the port of one of our own URLs."""
    return int(url.rpartition(":")[2].rstrip("/"))
