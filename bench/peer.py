"""What a peer is: something between the caller and the upstream that can be put beside Penstock.

A peer is data (its files, its command line, how a caller addresses it), so that its whole
configuration can be hashed into the result. Ports and folders are filled in only when it starts.
"""

import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from host import BENCH, BUILD, BenchError, Cores, Program, run_text, start

START_S = 90.0
CALLER_KEY = "sk-bench"
UPSTREAM_KEY = "sk-upstream-bench"


@dataclass(frozen=True)
class Site:
    """Where a peer runs and what stands behind it."""

    folder: Path
    port: int
    mock_port: int
    tls_port: int = 0
    ca_file: str = ""


@dataclass(frozen=True)
class Endpoint:
    """How the generator calls: which path and headers, which model, and how a stream ends."""

    port: int
    path: str = "/v1/chat/completions"
    model: str = "bench"
    headers: tuple[str, ...] = (f"authorization: Bearer {CALLER_KEY}",)
    dialect: str = "openai"


@dataclass
class Running:
    """A started peer."""

    program: Program
    endpoints: dict[str, Endpoint]
    listening_s: float
    memory_pids: list[int] = field(default_factory=list[int])
    start_values: dict[str, float] = field(default_factory=dict[str, float])

    def pids(self) -> list[int]:
        """Return the processes whose processor time counts."""
        return self.program.pids()

    def pids_for_memory(self) -> list[int]:
        """Return the processes whose memory counts."""
        return self.memory_pids or self.program.pids()


class Peer:
    """The base of all peers. ``light`` ones cannot carry the common load and get a smaller one."""

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[str] = "gateway"  # or "proxy": knows nothing of LLMs
    light: ClassVar[bool] = False

    def install(self) -> None:
        """Make the peer available below ``bench/.build``; raise BenchError saying why not."""

    def version(self) -> str:
        """Return the version that runs."""
        raise NotImplementedError

    def files(self, site: Site) -> dict[str, str]:
        """Return the configuration files, by name."""
        del site
        return {}

    def command(self, site: Site) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    def environment(self, site: Site) -> dict[str, str]:
        """Return the environment on top of PATH."""
        del site
        return {}

    def endpoints(self, site: Site) -> dict[str, Endpoint]:
        """Return how to call: "openai" always; "anthropic", "translated", "tls" where possible."""
        return {"openai": Endpoint(site.port)}

    def config_hash(self) -> str:
        """Return a hash of the whole configuration, with placeholders for ports and folders."""
        site = Site(Path("/folder"), 1, 2, 3, "/folder/ca.pem")
        parts = [self.files(site), self.command(site), self.environment(site)]
        calls = {name: str(endpoint) for name, endpoint in self.endpoints(site).items()}
        text = json.dumps([*parts, calls], sort_keys=True).replace(str(BENCH.parent), "REPOSITORY")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def write_files(self, site: Site) -> None:
        """Put the configuration where the command line expects it, into an empty folder."""
        if site.folder.exists():
            shutil.rmtree(site.folder)
        site.folder.mkdir(parents=True)
        for name, text in self.files(site).items():
            (site.folder / name).write_text(text)

    def start(self, site: Site, cores: Cores) -> Running:
        """Start the peer and wait until its port accepts connections."""
        self.write_files(site)
        begun_at_s = time.monotonic()
        program = start(
            self.name,
            self.command(site),
            cores.proxy,
            site.folder / "log.txt",
            self.environment(site),
        )
        try:
            port = self.wait_port(program, site)
        except BenchError:
            program.stop()
            raise
        listening_s = time.monotonic() - begun_at_s
        return Running(program, self.endpoints(replace(site, port=port)), listening_s)

    def wait_port(self, program: Program, site: Site) -> int:
        """Wait until the peer listens; return on which port."""
        wait_listening(program, site.port)
        return site.port


def wait_until(is_done: Callable[[], bool], program: Program) -> None:
    """Wait until something about a starting program is true, looking every 2 ms."""
    give_up_at_s = time.monotonic() + START_S
    while time.monotonic() < give_up_at_s:
        if is_done():
            return
        if not program.is_alive():
            raise BenchError(f"{program.name} ended at once: {program.log_tail()}")
        time.sleep(0.002)
    raise BenchError(f"{program.name} does not listen after {START_S:.0f} s: {program.log_tail()}")


def is_listening(port: int) -> bool:
    """Say whether somebody accepts connections on ``port``."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_listening(program: Program, port: int) -> None:
    """Wait until somebody listens on ``port``."""
    wait_until(lambda: is_listening(port), program)


def wait_file(program: Program, path: Path) -> None:
    """Wait until the program has put a file there."""
    wait_until(lambda: path.exists() and path.stat().st_size > 0, program)


def found(program: str) -> str:
    """Return the path of an installed program, or say that it is missing."""
    path = shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin")
    if not path:
        raise BenchError(f"{program} is not installed (apt package {program})")
    return path


def install_run(argv: list[str], folder: Path) -> None:
    """Run one step of an installation, bounded in time."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            argv, check=False, cwd=folder, timeout=900, capture_output=True, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise BenchError(f"{Path(argv[0]).name} failed: {' '.join(lines[-2:])[-300:]}")


def pip_install(folder: Path, packages: list[str], overrides: tuple[str, ...] = ()) -> Path:
    """Make a virtual environment with exactly these packages; return its bin folder.

    ``overrides`` replace what the packages ask for, for requirements that no registry can meet.
    """
    stamp = folder / "installed.txt"
    wanted = "\n".join([*packages, *overrides])
    if stamp.exists() and stamp.read_text() == wanted:
        return folder / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    install_run(["python3", "-m", "venv", str(folder)], BUILD)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    if overrides:
        (folder / "overrides.txt").write_text("\n".join(overrides))
        install_run([*pip, "uv==0.13.9"], BUILD)
        uv = [str(folder / "bin" / "uv"), "pip", "install", "--quiet"]
        uv += ["--python", str(folder / "bin" / "python")]
        install_run([*uv, "--override", str(folder / "overrides.txt"), *packages], BUILD)
    else:
        install_run([*pip, *packages], BUILD)
    stamp.write_text(wanted)
    return folder / "bin"


def package_version(bin_folder: Path, package: str) -> str:
    """Return the version of an installed Python package."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run_text([str(bin_folder / "python"), "-c", code])
