"""What the benchmark needs of the machine: processes on given cores, and their processor times.

All times of processes come from ``/proc/PID/stat`` (user and system, in ticks of 10 ms), so a
window should last seconds. Memory is the resident set from ``/proc/PID/smaps_rollup``, exact to
the page.
"""

import contextlib
import fcntl
import json
import os
import platform
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BUILD = BENCH / ".build"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOP_S = 10.0
PORTS = range(21000, 31000, 2)


class BenchError(Exception):
    """The benchmark cannot go on, or one of its parts cannot; the text says why."""


@dataclass(frozen=True)
class Cores:
    """Which core the proxy has to itself, and where the mock and the generator live."""

    proxy: str
    load: str

    @staticmethod
    def choose(given: str) -> "Cores":
        """Read "proxy,load" such as "1,0", or choose the last and the first usable core."""
        if given:
            proxy, _, load = given.partition(",")
            return Cores(proxy, load)
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise BenchError("a proxy core and a load core are needed; this machine has one core")
        return Cores(str(usable[-1]), str(usable[0]))


@dataclass
class Program:
    """A process we started, in a session of its own, pinned to a core."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def is_alive(self) -> bool:
        """Say whether the process we started still runs."""
        return self.process.poll() is None

    def pids(self) -> list[int]:
        """Return the process and all its descendants."""
        return descendants(self.process.pid)

    def stop(self) -> None:
        """End the process and its descendants: politely, then by force."""
        known = self.pids()
        self.process.terminate()
        give_up_at_s = time.monotonic() + STOP_S
        while time.monotonic() < give_up_at_s and (self.is_alive() or running(known)):
            time.sleep(0.02)
        for pid in running(known):
            send_signal(pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def log_tail(self) -> str:
        """Return the last lines that the process wrote."""
        if not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(" ".join(line.split()) for line in lines[-3:])[-300:]


def start(name: str, argv: list[str], core: str, log: Path, env: dict[str, str]) -> Program:
    """Start ``argv`` on ``core`` with an environment that holds nothing but ``env`` and PATH."""
    log.parent.mkdir(parents=True, exist_ok=True)
    clean = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(log.parent), "LC_ALL": "C"}
    with log.open("w") as out:
        process = subprocess.Popen(
            ["taskset", "-c", core, *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=clean | env,
            cwd=log.parent,
            start_new_session=True,
            text=True,
        )
    return Program(name, process, log)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def raise_file_limit() -> None:
    """Let the programs we start hold thousands of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def only_one(path: Path) -> Generator[None]:
    """Hold a lock: two runs at once would each be what disturbs the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BenchError("another run of the benchmark is under way") from error
        yield


def free_port() -> int:
    """Return a port that nobody uses on the loopback interface, and neither the next one.

    It lies below the range that the system gives to outgoing connections, or one of thousands of
    those could take it before the peer does.
    """
    for port in PORTS:
        if is_free(port) and is_free(port + 1):
            return port
    raise BenchError(f"no free port from {PORTS.start} to {PORTS.stop}")


def is_free(port: int) -> bool:
    """Say whether we could listen on ``port``."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stat_fields(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` behind the name; empty when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def running(pids: list[int]) -> list[int]:
    """Return those of ``pids`` that are alive and no zombies."""
    return [pid for pid in pids if (fields := stat_fields(pid)) and fields[0] not in "ZX"]


def descendants(root: int) -> list[int]:
    """Return ``root`` and every process below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat_fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_s(pids: list[int]) -> float:
    """Return the processor seconds that these processes have used, user and system."""
    ticks = 0
    for pid in pids:
        fields = stat_fields(pid)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / TICKS_PER_S


def age_s(pid: int) -> float:
    """Return how long ago a process was started, to 10 ms."""
    fields = stat_fields(pid)
    if not fields:
        raise BenchError(f"process {pid} is gone")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / TICKS_PER_S


def rss_bytes(pids: list[int]) -> int:
    """Return the resident memory of these processes together."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        lines = [line.split() for line in text.splitlines() if line.startswith("Rss:")]
        total += int(lines[0][1]) * 1024 if lines else 0
    return total


@dataclass(frozen=True)
class MachineTimes:
    """Seconds of all cores together since boot: at work for processes, and taken by the host."""

    busy_s: float
    steal_s: float

    @staticmethod
    def read() -> "MachineTimes":
        """Read them. Interrupts are left out: they serve the packets of whoever runs."""
        ticks = [int(part) for part in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return MachineTimes(sum(ticks[:3]) / TICKS_PER_S, ticks[7] / TICKS_PER_S)


def describe() -> dict[str, str | int]:
    """Return what a reader must know of the machine to judge the figures."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_kb // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """Return the short commit, with a plus sign if files differ from it."""
    root = BENCH.parent
    head = run_text(["git", "-C", str(root), "rev-parse", "--short=10", "HEAD"]) or "unknown"
    changed = run_text(
        ["git", "-C", str(root), "status", "--porcelain", "--", ".", ":!bench/results"]
    )
    return head + ("+" if changed else "")


def run_text(argv: list[str], env: dict[str, str] | None = None) -> str:
    """Run a short command and return what it printed, on either stream; empty if it cannot."""
    try:
        done = subprocess.run(
            argv,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | (env or {}),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def read_json(path: Path) -> dict[str, object]:
    """Return the JSON object in ``path``."""
    loaded: dict[str, object] = json.loads(path.read_text())
    return loaded
