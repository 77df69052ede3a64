"""Tiers live: a real gateway over paced emulators at several times its capacity.

    steady   load of X times the capacity: waits, sheds, use of the slots, free's share, waste
    halved   half of the slots go for a while, by the configuration
    killed   one of two emulators is killed, and comes back

The upstream and its traffic are TIERING's reference model, with lengths of the Azure conversation
trace: 64 slots, 0.2 s to the first token, 50 tokens/s. ``--scale N`` divides slots and lengths by
N: as many arrivals a second, fewer events. Arrivals are Poisson and seeded, each on a connection of
its own; users come back after five seconds of thought, or when told to. The load of enterprise and
standard stays, free's grows: enterprise 0.3 of the capacity (two contracts), standard 0.1, free
X - 0.4.

    python bench/tiers_live.py [--loads 2,5,10] [--events halved,killed] [--secs 60] [--scale 1]
"""

import argparse
import asyncio
import heapq
import json
import math
import os
import random
import signal
import statistics
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import uvloop
from host import BENCH, cpu_s, raise_file_limit
from live_set import Emulator, Gateway, route, secret_of, tenants_of, upstream

from penstock.sim.arrivals import parse_lengths

SLOTS = 64
TTFT_S = 0.2
TOKENS_PER_S = 50.0
ENTERPRISE, STANDARD = 0.3, 0.1  # of the capacity
LENGTHS = BENCH.parent / "src/penstock/sim/data/azure2023_conv_lengths.csv"
GOALS_S = {"enterprise": 2.0, "standard": 5.0, "free": 10.0}  # to the first token, to count
POLL_S = 0.5
THINK_S = 5.0  # of a user, between an answer and the next request
LATE_S = 40.0  # after the last arrival: the rest is cut


@dataclass
class Call:
    """One request as its client saw it; instants are seconds since the run began."""

    tier: str
    at_s: float
    status: int = 0
    reason: str = ""
    request_id: str = ""
    first_s: float = 0.0
    end_s: float = 0.0
    is_whole: bool = False
    tokens: int = 0
    comments: int = 0
    user: str = ""
    retry_after_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the answer came whole, and began in time."""
        return self.is_whole and self.first_s - self.at_s <= GOALS_S[self.tier]


@dataclass
class Run:
    """What a run measured."""

    calls: list[Call] = field(default_factory=list[Call])
    used: list[tuple[float, float, float, int]] = field(
        default_factory=list[tuple[float, float, float, int]]
    )  # instant, slots in use, their limit, the ladder's level
    gateway_cpu_ratio: float = 0.0
    service_s: float = 0.0  # a slot is held, as planned, and as the gateway measured
    held_s: float = 0.0
    records: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def work_s(self, calls: list[Call]) -> float:
        """Return for how long calls have held slots."""
        found = (self.records[one.request_id] for one in calls if one.request_id in self.records)
        return sum(one["duration_s"] for record in found for one in record.get("attempts", ()))


@dataclass(frozen=True)
class Plan:
    """One run: the load, how long, and what happens meanwhile."""

    load: float
    secs: float
    warm_s: float
    scale: int
    seed: int
    event: str = ""

    @property
    def slots(self) -> int:
        """Slots of the upstreams together."""
        return SLOTS // self.scale

    @property
    def tiers(self) -> dict[str, float]:
        """Loads by tier, as shares of the capacity."""
        free = self.load - ENTERPRISE - STANDARD
        return {"enterprise": ENTERPRISE, "standard": STANDARD, "free": free}

    def service_s(self, lengths: list[int]) -> float:
        """Return how long a slot is held, on average."""
        return TTFT_S / self.scale + statistics.fmean(lengths) / TOKENS_PER_S

    @property
    def lost_s(self) -> tuple[float, float]:
        """From when until when half of the capacity is gone, if it goes."""
        return self.warm_s + 0.25 * self.secs, self.warm_s + 0.6 * self.secs


def lengths_of(scale: int) -> list[int]:
    """Return output lengths of the trace."""
    return [max(1, output // scale) for _, output in parse_lengths(LENGTHS.read_text())]


class Users:
    """End users: each has one request at a time, thinks after it, and comes back when told to."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, str]] = []
        self.count = 0

    def one(self, now_s: float) -> str:
        """Return who asks next: somebody who may, or else somebody new."""
        if self._idle and self._idle[0][0] <= now_s:
            return heapq.heappop(self._idle)[1]
        self.count += 1
        return f"user-{self.count}"

    def on_end(self, call: Call) -> None:
        """Let the user of a request think, or wait as told."""
        heapq.heappush(self._idle, (call.end_s + max(THINK_S, call.retry_after_s), call.user))


async def ask(port: int, call: Call, tenant: str, words: int, began_s: float) -> None:
    """Send one request and read its answer to the end."""
    loop = asyncio.get_running_loop()
    text = f"Tell me more. [[words:{words}]]"
    body = json.dumps(
        {"model": "chat", "stream": True, "messages": [{"role": "user", "content": text}]}
    )
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nconnection: close\r\n"
        f"authorization: Bearer {secret_of(tenant)}\r\nx-penstock-user: {call.user}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        call.reason = "no connection"
        return
    try:
        writer.write(head.encode() + body.encode())
        await hear(reader, call, began_s)
    except (OSError, asyncio.IncompleteReadError) as error:
        call.reason = type(error).__name__
    finally:
        call.end_s = loop.time() - began_s
        writer.close()


async def hear(reader: asyncio.StreamReader, call: Call, began_s: float) -> None:
    """Read an answer."""
    loop = asyncio.get_running_loop()
    answered = await reader.readuntil(b"\r\n\r\n")
    lines = answered.decode("latin-1").split("\r\n")
    call.status = int(lines[0].split()[1])
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    call.request_id = headers.get("x-request-id", "")
    call.reason = headers.get("x-penstock-shed-reason", "")
    call.retry_after_s = float(headers.get("retry-after", 0.0))
    tail = b""
    while piece := await reader.read(65536):
        if not call.first_s and b'"content":' in piece and call.status == 200:
            call.first_s = loop.time() - began_s
        call.tokens += piece.count(b'"content":')
        call.comments += piece.count(b": queued")
        tail = (tail + piece)[-400:]
    call.is_whole = call.status == 200 and b"[DONE]" in tail and b'"error"' not in tail
    if call.status == 200 and not call.is_whole:
        call.reason = call.reason or told_in(tail)


def told_in(tail: bytes) -> str:
    """Return why a stream that had begun failed."""
    for code in (b"tier_capacity", b"queue_timeout", b"preempted", b"no_capacity"):
        if code in tail:
            return f"{code.decode()} in the stream"
    return "broken"


async def arrivals(
    tier: str, plan: Plan, lengths: list[int], send: Callable[[Call, int], None], began_s: float
) -> None:
    """Send a tier's requests at random instants."""
    loop = asyncio.get_running_loop()
    dice = random.Random(f"{plan.seed} {tier}")
    rate_per_s = plan.tiers[tier] * plan.slots / plan.service_s(lengths)
    at_s = dice.expovariate(rate_per_s)
    while at_s < plan.warm_s + plan.secs:
        words = dice.choice(lengths)
        await asyncio.sleep(max(0.0, began_s + at_s - loop.time()))
        send(Call(tier, at_s), words)
        at_s += dice.expovariate(rate_per_s)


async def poll(gateway: Gateway, run: Run, began_s: float) -> None:
    """Note how full the upstreams are, twice a second."""
    loop = asyncio.get_running_loop()
    while True:
        found = await loop.run_in_executor(None, gateway.telemetry)
        gate = found["gate"]
        used = sum(one["in_flight"] for one in gate["desks"])
        limit = sum(one["limit"] for one in gate["desks"])
        run.held_s = gate["desks"][0]["held_s"] if gate["desks"] else 0.0
        consumers = gate["consumers"]
        level = consumers["level"] if consumers else 0
        run.used.append((loop.time() - began_s, used, limit, level))
        await asyncio.sleep(POLL_S)


async def drive(
    gateway: Gateway, plan: Plan, event: Callable[[float], Awaitable[None]] | None
) -> Run:
    """Send the load and return what came of it."""
    run, loop = Run(), asyncio.get_running_loop()
    lengths = lengths_of(plan.scale)
    run.service_s = plan.service_s(lengths)
    began_s = loop.time()
    under_way: set[asyncio.Task[None]] = set()
    users = Users()

    async def one(call: Call, words: int) -> None:
        turn = len(run.calls) % 2
        tenant = f"enterprise-{turn}" if call.tier == "enterprise" else call.tier
        await ask(gateway.port, call, tenant, words, began_s)
        users.on_end(call)

    def send(call: Call, words: int) -> None:
        call.user = users.one(call.at_s)
        run.calls.append(call)
        task = asyncio.create_task(one(call, words))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    poller = asyncio.create_task(poll(gateway, run, began_s))
    happening = None if event is None else asyncio.ensure_future(event(began_s))
    cpu_before_s = cpu_s([gateway.pid])
    await asyncio.gather(*(arrivals(tier, plan, lengths, send, began_s) for tier in plan.tiers))
    run.gateway_cpu_ratio = (cpu_s([gateway.pid]) - cpu_before_s) / (plan.warm_s + plan.secs)
    if under_way:
        await asyncio.wait(under_way, timeout=LATE_S)
    for task in list(under_way):
        task.cancel()
    poller.cancel()
    if happening is not None:
        await happening
    run.records = {one["id"]: one for one in gateway.records()}
    return run


def table_of(slots: int, emulators: dict[str, Emulator]) -> dict[str, Any]:
    """Return a configuration with so many slots, spread over the emulators."""
    each = slots // len(emulators)
    more = {"policy": "load", "on_break": "continue"} if len(emulators) > 1 else {}
    return {
        "gateway": {"drain_s": 1.0},
        "upstreams": [upstream(name, one.url, each) for name, one in emulators.items()],
        "routes": [route(*emulators, **more)],
        "admission": {"ladder": {"output_tokens_caps": [0, 0]}},
        "timeouts": {"total_s": 120.0},
    }


def execute(plan: Plan, folder: Path) -> Run:
    """Start the set, run the plan, and stop the set."""
    pace = ("--ttft-s", f"{TTFT_S / plan.scale}", "--tokens-per-s", f"{TOKENS_PER_S}")
    flags = (*pace, "--spread", "0")
    emulators = {"gpt-one": Emulator(folder, "one", *flags)}
    if plan.event == "killed":
        emulators["gpt-two"] = Emulator(folder, "two", *flags)
    gateway = Gateway(folder, table_of(plan.slots, emulators), tenants_of(2, 10**8, {}), {})

    async def event(began_s: float) -> None:
        loop = asyncio.get_running_loop()
        lost_s, back_s = plan.lost_s
        await asyncio.sleep(began_s + lost_s - loop.time())
        if plan.event == "halved":
            gateway.use(table_of(plan.slots // 2, emulators))
        else:
            emulators["gpt-two"].stop(signal.SIGKILL)
        await asyncio.sleep(began_s + back_s - loop.time())
        if plan.event == "halved":
            gateway.use(table_of(plan.slots, emulators))
        else:
            port = emulators["gpt-two"].port
            emulators["gpt-two"] = Emulator(folder, "two", *flags, port=port)

    try:
        return uvloop.run(drive(gateway, plan, event if plan.event else None))
    finally:
        gateway.stop()
        for emulator in emulators.values():
            emulator.stop()


def quantile(values: list[float], ratio: float) -> float:
    """Return a quantile; 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(ratio * len(values)))] if values else 0.0


def interval(values: list[float], ratio: float) -> str:
    """Return a quantile and its 95 % interval by ranks, as if late ones did not come in bursts."""
    sigma = math.sqrt(ratio * (1.0 - ratio) / max(1, len(values)))
    low, high = (max(0.0, min(1.0, ratio + sign * 1.96 * sigma)) for sign in (-1, 1))
    between = f"{quantile(values, low):.3f} to {quantile(values, high):.3f}"
    return f"{quantile(values, ratio):6.3f} ({between})"


def report(plan: Plan, run: Run) -> None:
    """Print what a run measured."""
    begin_s, end_s = plan.warm_s, plan.warm_s + plan.secs
    calls = [one for one in run.calls if begin_s <= one.at_s < end_s]
    print(
        f"\nX = {plan.load:g} {plan.event}: {plan.slots} slots, lengths / {plan.scale}, "
        f"{plan.secs:g} s, seed {plan.seed}; {len(calls)} arrivals, "
        f"gateway {run.gateway_cpu_ratio:.0%} of a core, load {os.getloadavg()[0]:.1f}"
    )
    work = {tier: run.work_s([one for one in calls if one.tier == tier]) for tier in plan.tiers}
    left_s = plan.slots * plan.secs - work["enterprise"] - work["standard"]
    for tier in plan.tiers:
        ours = [one for one in calls if one.tier == tier]
        records = [run.records[one.request_id] for one in ours if one.request_id in run.records]
        waits = [one.get("queued_s", 0.0) for one in records if one["outcome"] == "complete"]
        firsts = [one.first_s - one.at_s for one in ours if one.first_s]
        reasons = Counter(one.reason or f"status {one.status}" for one in ours if not one.is_whole)
        good = sum(one.is_good for one in ours)
        line = f"good {good / max(1, len(ours)):.3f}"
        if tier == "free":
            useful_s = run.work_s([one for one in ours if one.is_good])
            line += f", {useful_s / left_s:.3f} of the work that others left"
        print(
            f"  {tier:11}{len(ours):6}  wait p50 {quantile(waits, 0.5):6.3f} "
            f"p99 {interval(waits, 0.99)}  ttft p50 {quantile(firsts, 0.5):5.2f} "
            f"p99 {quantile(firsts, 0.99):5.2f}  {line}  {dict(reasons.most_common())}"
        )
    held = run.held_s
    used = [(slots, limit) for at_s, slots, limit, _ in run.used if begin_s <= at_s < end_s]
    levels = [level for at_s, _, _, level in run.used if begin_s <= at_s < end_s]
    moves = sum(one != other for one, other in pairwise(levels))
    print(
        f"  slots in use {statistics.fmean(slots / plan.slots for slots, _ in used):.3f}, each for "
        f"{held:.2f} s (planned {run.service_s:.2f}); "
        f"ladder {min(levels)} to {max(levels)}, {moves} moves; {wasted(run)}"
    )
    if plan.event:
        report_loss(plan, run)


def wasted(run: Run) -> str:
    """Return the share of tokens that nobody had, and how often free was moved aside."""
    total = lost = moved = 0
    for record in run.records.values():
        for attempt in record.get("attempts", ()):
            tokens = attempt.get("output_tokens", 0)
            total += tokens
            moved += attempt.get("detail", "").startswith("moved aside")
            is_used = attempt["outcome"] == "success" or record.get("hops", 0)
            lost += 0 if is_used else tokens
    return f"wasted tokens {lost / max(1, total):.2%}; moved aside {moved}"


def report_loss(plan: Plan, run: Run) -> None:
    """Print what became of enterprise while half of the capacity was gone, and the recovery."""
    lost_s, back_s = plan.lost_s
    ours = [one for one in run.calls if one.tier == "enterprise" and lost_s - 15 <= one.at_s]
    errors = [one for one in ours if not one.is_whole]
    early = [one.first_s - one.at_s for one in ours if lost_s <= one.at_s < lost_s + 3]
    later = [one.first_s - one.at_s for one in ours if lost_s + 3 <= one.at_s < back_s]
    hops = sum(one.get("hops", 0) for one in run.records.values())
    print(
        f"  enterprise: {len(errors)} errors of {len(ours)}; ttft in the first 3 s at most "
        f"{max(early, default=0.0):.2f}, later p99 {quantile(later, 0.99):.2f}; {hops} went on "
        f"elsewhere after a break"
    )
    after = [(at_s - back_s, slots / plan.slots) for at_s, slots, _, _ in run.used]
    full = next((at_s for at_s, ratio in after if at_s > 0 and ratio >= 0.95), None)
    left = plan.slots / 2
    settled = [slots / left for at_s, slots, _, _ in run.used if lost_s + 5 <= at_s < back_s]
    print(
        f"  while it was gone, slots in use of those left {statistics.fmean(settled):.3f}; "
        f"0.95 of all in use {'never' if full is None else f'{full:.1f} s'} after the return"
    )


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loads", default="2,5,10")
    parser.add_argument("--events", default="halved,killed")
    parser.add_argument("--secs", type=float, default=60.0)
    parser.add_argument("--warm", type=float, default=20.0)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    raise_file_limit()
    loads = [float(one) for one in given.loads.split(",") if one]
    plans = [Plan(one, given.secs, given.warm, given.scale, given.seed) for one in loads]
    plans += [
        Plan(2.0, given.secs, given.warm, given.scale, given.seed, event)
        for event in given.events.split(",")
        if event
    ]
    for plan in plans:
        with tempfile.TemporaryDirectory() as folder:
            report(plan, execute(plan, Path(folder)))


if __name__ == "__main__":
    main()
