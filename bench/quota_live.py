"""Quotas live: how many 429s of a provider we cause, with load at several times its quota.

    declared   the configuration says what the account may use
    learned    it does not; the provider's headers do
    asleep     every answer is a 429 for a moment, which asks for five seconds of silence

The emulated account has requests and tokens a minute, in buckets that hold a minute's worth, as
Anthropic's and OpenAI's. Goals (TIERING 10, row 11): of enterprise 0.5 % of the attempts at most
meet a 429, of all 2 %, at 95 % use of the quota; nobody tries before Retry-After is over.

    python bench/quota_live.py [--secs 90] [--load 4]
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from host import raise_file_limit
from live_set import Emulator, Gateway, route, tenants_of, upstream
from tiers_live import Call, Run, Users, ask

REQUESTS_PER_MIN = 1200
TOKENS_PER_MIN = 120_000  # a hundred each: now this limit is the tighter one, now that
WORDS = (20, 150)  # of an answer
ENTERPRISE = 0.3  # of the quota
SILENCE_S = 5.0
STRUCK_S = 8.0  # after the beginning of the run
ENTERPRISE_RATIO, ALL_RATIO, USE_RATIO = 0.005, 0.02, 0.90


def table(url: str, *, is_declared: bool) -> dict[str, Any]:
    """Return a configuration with one account."""
    quota = {"requests_per_min": REQUESTS_PER_MIN, "tokens_per_min": TOKENS_PER_MIN}
    more = {"quota": quota} if is_declared else {}
    return {
        "gateway": {"drain_s": 0.5},
        "upstreams": [upstream("gpt-one", url, 256, **more)],
        "routes": [route("gpt-one")],
        "admission": {"ladder": {"output_tokens_caps": [0, 0]}},
        "timeouts": {"total_s": 30.0},
    }


async def drive(gateway: Gateway, load: float, secs: float, strike: Callable[[], object]) -> Run:
    """Send the load for so many seconds."""
    run, users, loop = Run(), Users(), asyncio.get_running_loop()
    dice = random.Random(7)
    began_s = loop.time()
    under_way: set[asyncio.Task[None]] = set()

    async def one(call: Call, words: int) -> None:
        tenant = f"enterprise-{len(run.calls) % 2}" if call.tier == "enterprise" else call.tier
        await ask(gateway.port, call, tenant, words, began_s)
        users.on_end(call)

    per_s = load * REQUESTS_PER_MIN / 60.0
    at_s = 0.0
    has_struck = False
    while at_s < secs:
        await asyncio.sleep(max(0.0, began_s + at_s - loop.time()))
        if at_s > STRUCK_S and not has_struck:
            has_struck = True
            await loop.run_in_executor(None, strike)
        tier = "enterprise" if dice.random() < ENTERPRISE / load else "free"
        call = Call(tier, at_s, user=users.one(at_s))
        run.calls.append(call)
        task = asyncio.create_task(one(call, dice.randrange(*WORDS)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        at_s += dice.expovariate(per_s)
    if under_way:
        await asyncio.wait(under_way, timeout=30.0)
    run.records = {one["id"]: one for one in gateway.records()}
    return run


def measure(name: str, load: float, secs: float, folder: Path) -> bool:
    """Run one case and print it; return whether the goals are met."""
    flags = ("--instant", "--requests-per-min", f"gpt={REQUESTS_PER_MIN}")
    emulator = Emulator(folder, "one", *flags, "--tokens-per-min", f"gpt={TOKENS_PER_MIN}")
    gateway = Gateway(
        folder, table(emulator.url, is_declared=name != "learned"), tenants_of(2, 10**9, {}), {}
    )

    def strike() -> None:
        if name == "asleep":
            rule = {"kind": "http_429", "retry_after_s": SILENCE_S, "end_s": 0.5}
            emulator.control("PUT", "faults", {"rules": [rule]})

    try:
        run = uvloop.run(drive(gateway, load, secs, strike))
        attempts = emulator.control("GET", "attempts?last=10000")["attempts"]
        return report(name, load, secs, run, attempts)
    finally:
        gateway.stop()
        emulator.stop()


def report(name: str, load: float, secs: float, run: Run, attempts: list[dict[str, Any]]) -> bool:
    """Print what was measured."""
    counts: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    for record in run.records.values():
        for attempt in record.get("attempts", ()):
            counts[record["tier"]] += 1
            hit[record["tier"]] += attempt.get("status") == 429
    begun_s = attempts[0]["started_at_s"]
    late = [one for one in attempts if one["started_at_s"] > begun_s + secs / 2]
    used = sum(one["input_tokens"] + one["output_tokens"] for one in late if one["status"] == 200)
    requests = sum(one["status"] == 200 for one in late)
    minutes = secs / 120.0
    use_ratio = max(requests / (REQUESTS_PER_MIN * minutes), used / (TOKENS_PER_MIN * minutes))
    total = sum(counts.values())
    ratio = sum(hit.values()) / max(1, total)
    own_ratio = hit["enterprise"] / max(1, counts["enterprise"])
    good = Counter(one.tier for one in run.calls if one.is_whole)
    all_calls = Counter(one.tier for one in run.calls)
    print(
        f"{name}: {load:g} x the quota for {secs:g} s; {total} attempts; 429s: enterprise "
        f"{hit['enterprise']} of {counts['enterprise']} ({own_ratio:.2%}), all {ratio:.2%}; use of "
        f"the quota in the second half {use_ratio:.3f}; load {os.getloadavg()[0]:.1f}"
    )
    for tier in all_calls:
        ours = [one for one in run.calls if one.tier == tier]
        reasons = Counter(one.reason or f"status {one.status}" for one in ours if not one.is_whole)
        print(f"  {tier:11}{all_calls[tier]:6} asked, {good[tier]:6} served  {dict(reasons)}")
    if name == "asleep":
        struck = [one["started_at_s"] for one in attempts if one["fault"]]
        first_s = min(struck, default=0.0)
        early = [
            one["started_at_s"] - first_s
            for one in attempts
            if 0.05 < one["started_at_s"] - first_s < SILENCE_S - 0.05
        ]
        after = min(
            (one["started_at_s"] - first_s for one in attempts
             if one["started_at_s"] - first_s > 0.05), default=0.0,
        )  # fmt: skip
        print(f"  {len(struck)} were told to wait; {len(early)} came before the {SILENCE_S:g} s "
              f"were over; the next after {after:.2f} s")  # fmt: skip
        return not early
    return own_ratio <= ENTERPRISE_RATIO and ratio <= ALL_RATIO and use_ratio >= USE_RATIO


def main() -> None:
    """Run all cases; exit with 1 if a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--secs", type=float, default=90.0)
    parser.add_argument("--load", type=float, default=4.0)
    parser.add_argument("--cases", default="declared,learned,asleep")
    given = parser.parse_args()
    raise_file_limit()
    is_met = True
    for name in given.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            secs = 20.0 if name == "asleep" else given.secs
            is_met &= measure(name, given.load, secs, Path(folder))
    sys.exit(not is_met)


if __name__ == "__main__":
    main()
