"""What a refusal costs: 2,000 a second at one gateway process, by reason.

    key      429  the key is over its requests a minute
    tier     503  every slot is taken and the tier's queue would take too long
    user     503  under load a user may have one stream at once, and has it

Goals (TIERING 10, row 7): latency at p99 of 10 ms at most, 0.3 ms of CPU a refusal at most. The
generator of ``c/load.c`` keeps to its instants; latency counts from the planned one. CPU is user
and system time of the gateway process.

    python bench/refusal_cost.py [--rate 2000] [--secs 10]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from host import Cores, cpu_s, raise_file_limit
from live_set import Emulator, Gateway, route, secret_of, tenants_of, upstream
from traffic import BIN, build_programs

from penstock.config.tenancy import Limits

LATENCY_MS = 10.0
CPU_MS = 0.3
CONNS = 64
ROUNDS = 3


def table(url: str, reason: str) -> dict[str, Any]:
    """Return a configuration in which everybody is refused for this reason."""
    slots = 1
    admission: dict[str, Any] = {"ladder": {"is_enabled": False}, "streams_per_user_max": 100_000}
    if reason == "tier":
        admission |= {"queue_max": 1}
    if reason == "user":
        # The lowest entries that there may be: full slots and a short queue are level 5.
        entries = [0.1, 0.15, 0.2, 0.25, 0.3]
        admission["ladder"] = {"entries": entries, "up_s": 1.0}
        slots = 2
    return {
        "gateway": {"drain_s": 0.5},
        "upstreams": [upstream("gpt-one", url, slots, is_adaptive=False)],
        "routes": [route("gpt-one")],
        "admission": admission,
        "timeouts": {"first_token_s": 300.0, "unary_s": 300.0, "total_s": 300.0},
    }


def hold(gateway: Gateway, tenant: str, count: int, user: str = "") -> None:
    """Take slots, and places in the queue, for the rest of the run."""
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}]})

    def call(at: int) -> None:
        headers = {"authorization": f"Bearer {secret_of(tenant)}"}
        if user:
            headers["x-penstock-user"] = f"{user}-{at}"
        try:
            quietly(gateway, body, headers)
        except OSError:
            return  # the set is being stopped

    for at in range(count):
        threading.Thread(target=call, args=(at,), daemon=True).start()


def quietly(gateway: Gateway, body: str, headers: dict[str, str]) -> None:
    """Ask, and wait for as long as it takes."""
    head = "".join(f"-H\n{name}: {value}\n" for name, value in headers.items()).split("\n")[:-1]
    url = f"{gateway.url}/v1/chat/completions"
    subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-m", "300", *head, "-d", body, url], check=False
    )


def prepare(gateway: Gateway, reason: str) -> tuple[str, int]:
    """Bring the gateway to refuse; return the tenant who is refused, and the status it is told."""
    if reason == "key":
        hold(gateway, "standard", 1)
        time.sleep(1.0)
        return "standard", 429
    if reason == "tier":
        hold(gateway, "standard", 3)
        time.sleep(1.0)
        return "standard", 503
    hold(gateway, "free", 8, "holder")
    until_s = time.monotonic() + 30.0
    while gateway.telemetry()["gate"]["consumers"]["new_ratio"] > 0.0:
        if time.monotonic() > until_s:
            break
        time.sleep(0.2)
    return "free", 503


def measure(
    gateway: Gateway, tenant: str, status: int, rate: float, secs: float, cores: Cores
) -> dict[str, Any]:
    """Return the generator's figures, and the gateway's CPU a refusal in milliseconds."""
    body = gateway.folder / "refused.json"
    message = {"role": "user", "content": "x" * 800}
    body.write_text(json.dumps({"model": "chat", "messages": [message], "max_tokens": 100}))
    argv = ["taskset", "-c", cores.load, str(BIN / "load"), "open", "--port", str(gateway.port)]
    argv += ["--body", str(body), "--conns", str(CONNS), "--rate", f"{rate:g}"]
    argv += ["--secs", f"{secs:g}", "--warm", "1", "--status", str(status)]
    argv += ["--header", f"authorization: Bearer {secret_of(tenant)}"]
    used_s = 0.0
    figures: dict[str, Any] = {}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("window start"):
                used_s = cpu_s([gateway.pid])
            elif line.startswith("window end"):
                used_s = cpu_s([gateway.pid]) - used_s
            elif line.startswith("{"):
                figures = json.loads(line)
    figures["cpu_ms"] = 1e3 * used_s / max(1, figures["answered"])
    return figures


def main() -> None:
    """Print a table; exit with 1 if a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=2000.0)
    parser.add_argument("--secs", type=float, default=10.0)
    parser.add_argument("--cores", default="")
    given = parser.parse_args()
    raise_file_limit()
    build_programs()
    cores = Cores.choose(given.cores)
    is_met = True
    print(f"{'reason':8}{'refused/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'CPU ms':>9}")
    for reason in ("key", "tier", "user"):
        with tempfile.TemporaryDirectory() as folder:
            emulator = Emulator(Path(folder), "one", "--ttft-s", "200")
            limits = {"key-standard": Limits(requests_per_min=1)} if reason == "key" else {}
            gateway = Gateway(
                Path(folder), table(emulator.url, reason), tenants_of(1, 10**6, {}), limits
            )
            subprocess.run(["taskset", "-cp", cores.proxy, str(gateway.pid)], check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            try:
                tenant, status = prepare(gateway, reason)
                for _ in range(ROUNDS):
                    found = measure(gateway, tenant, status, given.rate, given.secs, cores)
                    latency = {
                        name: found["latency_us"][name] / 1e3 for name in ("p50", "p99", "max")
                    }
                    is_met &= latency["p99"] <= LATENCY_MS and found["cpu_ms"] <= CPU_MS
                    print(
                        f"{reason:8}{found['answered'] / found['window_s']:10.0f}"
                        f"{latency['p50']:9.2f}{latency['p99']:9.2f}{latency['max']:9.2f}"
                        f"{found['cpu_ms']:9.3f}  {found['first_error']}"
                    )
                print(f"        {refusals(gateway)}")
            finally:
                gateway.stop()
                emulator.stop()
    sys.exit(not is_met)


def refusals(gateway: Gateway) -> dict[str, int]:
    """Return what the gateway has counted, by reason."""
    tiers = gateway.telemetry()["tiers"]
    return {
        f"{one['tier']} {reason}": count
        for one in tiers
        for reason, count in one["refusals"].items()
    }


if __name__ == "__main__":
    main()
