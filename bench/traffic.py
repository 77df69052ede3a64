"""The mock upstream and the load generator: built, started, set, and read."""

import http.client
import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import trustme
from host import BENCH, BUILD, BenchError, Cores, Program, descendants, start
from peer import Endpoint, found, wait_listening

BIN = BUILD / "bin"
GENERATOR_S = 180.0  # the longest measurement takes some 40 s
WORDS = "some words of a question, "
BODY_BYTES = 900
SPINS = 3
TLS_FRONT = """\
worker_processes 1;
daemon off;
pid front.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_read_timeout 600;
    upstream mock {{ server 127.0.0.1:{mock}; keepalive 2048; }}
    server {{
        listen 127.0.0.1:{tls} ssl backlog=4096;
        ssl_certificate chain.pem;
        ssl_certificate_key key.pem;
        location / {{ proxy_pass http://mock; }}
    }}
}}
"""

Figures = dict[str, object]


def build_programs() -> None:
    """Compile mock and generator; raise BenchError when that cannot be done."""
    done = subprocess.run(
        ["sh", str(BENCH / "build.sh")], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(f"mock and generator cannot be built: {done.stderr[-500:]}")


def request_body(endpoint: Endpoint, *, is_stream: bool) -> str:
    """Return a request of about 0.9 KB in the endpoint's dialect."""
    request: dict[str, object] = {"model": endpoint.model, "max_tokens": 150}
    if is_stream:
        request["stream"] = True
        if endpoint.dialect == "openai":
            request["stream_options"] = {"include_usage": True}
    missing = BODY_BYTES - len(json.dumps(request, separators=(",", ":"))) - 40
    question = WORDS * (1 + missing // len(WORDS))
    request["messages"] = [{"role": "user", "content": question}]
    return json.dumps(request, separators=(",", ":"))


class Mock:
    """The mock upstream and, where wanted, its TLS front; all on the load core."""

    def __init__(self, port: int, programs: list[Program]) -> None:
        self.port = port
        self.programs = programs
        self.tls_port = 0
        self.ca_file = ""

    def set(self, **settings: float) -> dict[str, int]:
        """Change settings (see ``c/mock.c``) and return the counters so far."""
        query = "&".join(f"{name}={value:g}" for name, value in settings.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/bench?{query}")
            counters: dict[str, int] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return counters

    def pids(self) -> list[int]:
        """Return all processes of the upstream's side."""
        return [pid for program in self.programs for pid in descendants(program.process.pid)]

    def stop(self) -> None:
        """End them."""
        for program in reversed(self.programs):
            program.stop()

    def add_tls(self, port: int, cores: Cores, folder: Path) -> None:
        """Put nginx with a certificate of our own in front, for upstreams over TLS."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")  # nginx matches names only
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        for part in certificate.cert_chain_pems:
            part.write_to_path(str(folder / "chain.pem"), append=True)
        (folder / "front.conf").write_text(TLS_FRONT.format(mock=self.port, tls=port))
        argv = [found("nginx"), "-p", str(folder), "-c", "front.conf", "-e", "stderr"]
        program = start("tls-front", argv, cores.load, folder / "log.txt", {})
        self.programs.append(program)
        wait_listening(program, port)
        self.tls_port = port
        self.ca_file = str(folder / "ca.pem")


def start_mock(port: int, cores: Cores, folder: Path) -> Mock:
    """Start the mock upstream."""
    program = start("mock", [str(BIN / "mock"), str(port)], cores.load, folder / "mock.txt", {})
    wait_listening(program, port)
    return Mock(port, [program])


@dataclass(frozen=True)
class Load:
    """What the generator does, and how the mock behaves meanwhile."""

    mode: str  # closed, open, stream or idle, see c/load.c
    conns: int
    secs: float = 5.0
    warm_s: float = 1.0
    ramp_s: float = 0.2
    rate: float = 300.0  # open: requests a second
    step: int = 0  # idle: how many streams are opened before memory is read for the first time
    events: int = 150  # stream: events of each
    beat: float = 20.0  # stream: events a second of each, 0 = as fast as possible

    def text(self) -> str:
        """Say it in a few words, for the row of the table."""
        match self.mode:
            case "closed":
                return f"{self.conns} connections"
            case "open":
                return f"{self.rate:g} requests/s"
            case "stream":
                pace = f"{self.beat:g} events/s" if self.beat else "full speed"
                return f"{self.conns} streams at {pace}"
            case _:
                return f"{self.step} to {self.conns} streams"


@dataclass
class Hooks:
    """What to do while the generator runs."""

    on_start: Callable[[], None] = field(default=lambda: None)
    on_end: Callable[[], None] = field(default=lambda: None)
    on_held: Callable[[int], None] = field(default=lambda _: None)


def generator_command(endpoint: Endpoint, load: Load, cores: Cores, folder: Path) -> list[str]:
    """Write the request and return the command line that sends it."""
    path = folder / "request.json"
    path.write_text(request_body(endpoint, is_stream=load.mode in {"stream", "idle"}))
    numbers = {
        "--port": endpoint.port,
        "--conns": load.conns,
        "--secs": load.secs,
        "--warm": load.warm_s,
        "--ramp": load.ramp_s,
        "--rate": load.rate,
        "--step": load.step,
    }
    argv = ["taskset", "-c", cores.load, str(BIN / "load"), load.mode]
    argv += ["--path", endpoint.path, "--body", str(path), "--end", endpoint.dialect]
    for name, value in numbers.items():
        argv += [name, f"{value:g}"]
    for header in endpoint.headers:
        argv += ["--header", header]
    return argv


def run_generator(
    endpoint: Endpoint, load: Load, cores: Cores, folder: Path, hooks: Hooks
) -> Figures:
    """Run the generator to its end and return its figures."""
    argv = generator_command(endpoint, load, cores, folder)
    figures: Figures = {}
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        watchdog = threading.Timer(GENERATOR_S, process.kill)
        watchdog.daemon = True  # an interrupted run must not wait for it
        watchdog.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            if load.mode == "idle":
                next_step(process.stdin)
            for line in process.stdout:
                figures = read_line(line.strip(), hooks) or figures
                if line.startswith("held"):
                    next_step(process.stdin)
        finally:
            watchdog.cancel()
            if process.poll() is None and not figures:
                process.kill()
    if not figures:
        raise BenchError(f"the generator ended without figures (status {process.returncode})")
    return figures


def next_step(stdin: IO[str]) -> None:
    """Let an idle run go on; it may be over already."""
    try:
        stdin.write("\n")
        stdin.flush()
    except BrokenPipeError:
        return


def read_line(line: str, hooks: Hooks) -> Figures | None:
    """Call the hook that belongs to a line of the generator, or return its figures."""
    if line == "window start":
        hooks.on_start()
    elif line == "window end":
        hooks.on_end()
    elif line.startswith("held "):
        hooks.on_held(int(line.split()[1]))
    elif line.startswith("{"):
        figures: Figures = json.loads(line)
        return figures
    return None


def spin_ns(core: str) -> int:
    """Return how long a fixed piece of work takes on ``core`` right now: the best of three."""
    done = [
        subprocess.run(
            ["taskset", "-c", core, str(BIN / "load"), "spin"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        for _ in range(SPINS)
    ]
    return min(int(json.loads(one.stdout)["spin_ns"]) for one in done)
