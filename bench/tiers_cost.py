"""What tiers cost an exchange: the gate by itself, and the path of a request with and without it.

The reference is ``Slots``, a stand-in for the gate as it was before tiers: it takes a slot and the
breaker's permit of the first upstream that has both, and does nothing else. It neither queues nor
refuses, so it is a little cheaper than what it stands for, and tiers look dearer. Where penstock is
compiled it is, too (``built.py``).

    the gate     ask, grant, give back, close: a demand that is granted at once
    the path     a whole exchange and an event of a stream, as ``path_cost.py`` has them

Rounds are interleaved. Both the least and the median are printed: the least is what it costs while
nobody else is at work on the machine.

    python bench/tiers_cost.py
    python bench/tiers_cost.py --gateways

The second does it with whole processes: two gateways with the same configuration, one with the
stand-in, are under the load of ``c/load.c`` at once on one core (``side_by_side.py``). Two that are
alike may differ by some microseconds for as long as they live, so they are started several times.
"""

import argparse
import asyncio
import gc
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop
from built import Slots
from host import BENCH, Cores, free_port
from live_set import Gateway, route, secret_of, tenants_of, upstream
from path_cost import Bare
from peer import Endpoint
from side_by_side import Rig, Side, Took, differences, end_on_sigterm, show, take
from traffic import Load, build_programs, start_mock

from penstock.config.model import (
    Admission,
    Breaker,
    DialectName,
    Ladder,
    Policy,
    Timeouts,
    Upstream,
)
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Target as TargetEntry
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.outcome import SUCCESS
from penstock.core.price import Used
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.exchange.consumers import Consumers
from penstock.exchange.demand import Grant
from penstock.exchange.gate import LocalGate
from penstock.exchange.ports import Gate
from penstock.exchange.route import Route
from penstock.exchange.target import Target, TargetState, UpstreamState
from penstock.exchange.tenancy import Tenancy

ROUNDS: Final = 60
BATCH: Final = 400
EXCHANGE_US: Final = 5.0  # the budget of an exchange
EVENT_US: Final = 0.5  # and of an event of a stream
USERS: Final = 1_000_000  # more than there are exchanges: each is somebody else's
AT_S: Final = 1000.0
SLOTS_ONLY: Final = "slots only"


class Asker:
    """A demand that is granted at once."""

    __slots__ = ("claim", "grant", "is_waiting", "route", "targets", "wait_until_s")

    may_be_moved = False

    def __init__(self, route: Route, claim: Claim) -> None:
        self.route = route
        self.targets: list[Target] = route.targets
        self.claim = claim
        self.wait_until_s = AT_S + 1e6
        self.is_waiting = False
        self.grant: Grant | None = None

    def output_tokens_now(self) -> int:
        """Say nothing."""
        return 0

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Keep it."""
        del now_s
        self.grant = grant

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        """Fail: nothing here is to be refused."""
        del now_s
        raise error

    def on_moved_aside(self, now_s: float) -> None:
        """Fail: nobody is to be moved."""
        raise AssertionError(now_s)


def route_of() -> Route:
    """Return a route of one upstream with slots enough."""
    entry = Upstream(
        name="u", dialect=DialectName.OPENAI_CHAT, base_url="http://u/v1", concurrency_max=64
    )
    state = UpstreamState(entry, OpenAIChat())
    target = Target(TargetEntry(upstream="u", model="m"), state, TargetState(Breaker(), AT_S), "m")
    route = RouteEntry(name="m", targets=(), policy=Policy.ORDER)
    return Route(route, [target], Timeouts(), attempts_max=3)


def gate_of(*, limited: bool = False, level: int = 0) -> LocalGate:
    """Return a gate with tenants of every tier, and a ladder at some level."""
    tenants = [
        Tenant(id="enterprise", tier=TierName.ENTERPRISE, contract=Contract(tokens_per_min=10**9)),
        Tenant(id="standard"),
        Tenant(id="free", tier=TierName.FREE),
    ]
    plenty = Limits(requests_per_min=10**9, tokens_per_min=10**9)
    tenancy = Tenancy()
    tenancy.use(tenants, {"key": plenty} if limited else {}, (), AT_S, 1e9)
    admission = Admission(ladder=Ladder(is_enabled=bool(level)))
    consumers = Consumers(admission, b"salt", 1e9, lambda: 0.5, AT_S)
    if level:
        consumers.restore({"level": level, "share": FULL_SHARE, "tickets": {}}, AT_S)
    return LocalGate(lambda: 0.5, admission, tenancy, consumers)


FULL_SHARE: Final = {
    "growth": 1.0, "holders_per_s": 1.0, "kept_ratio": 1.0, "new_ratio": 1.0,
    "newcomers_per_s": 1.0, "served_per_s": 1.0,
}  # fmt: skip


def exchanges(gate: Gate, tier: Tier, users: int = 0) -> Callable[[], None]:
    """Return many exchanges of a tier at a gate, a millisecond apart, of so many users in turn."""
    route, spent, used = route_of(), Spent(0.2, 200, 150), Used(200, 150)
    now_s = AT_S
    number = 0

    def batch() -> None:
        nonlocal now_s, number
        for _ in range(BATCH):
            now_s += 0.001
            claim = Claim(tier.word, "key", tier, 200, now_s)
            if users:
                number += 1
                claim.user = f"user-{number % users}"
            asker = Asker(route, claim)
            gate.may_degrade(claim)
            gate.ask(asker, now_s)
            grant = asker.grant
            assert grant is not None
            grant.spent = spent
            gate.give_back(grant, SUCCESS, now_s)
            claim.used = used
            gate.close(asker, now_s)

    return batch


def interleaved(cases: dict[str, Callable[[], None]], count: int) -> dict[str, list[float]]:
    """Return the microseconds of one call in every round of every case."""
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, batch in cases.items():
            began_s = time.process_time()
            batch()
            took[name].append((time.process_time() - began_s) * 1e6 / count)
    return took


def tell(took: dict[str, list[float]], reference: str, budget_us: float) -> None:
    """Print medians, and the differences to the reference, round by round."""
    for name, rounds in took.items():
        line = f"  {name:28}{min(rounds):8.2f}{statistics.median(rounds):8.2f}"
        if name != reference:
            more = [one - other for one, other in zip(rounds, took[reference], strict=True)]
            low, middle, high = statistics.quantiles(more, n=4)
            verdict = "" if middle <= budget_us else f"   over {budget_us:g}"
            least = min(rounds) - min(took[reference])
            line += f"{least:+9.2f}{middle:+8.2f}   ({low:+.2f} to {high:+.2f}){verdict}"
        print(line)


def repeated(once: Callable[[], None]) -> Callable[[], None]:
    """Return many calls as one."""

    def batch() -> None:
        for _ in range(BATCH):
            once()

    return batch


async def paths(folder: Path) -> Iterable[tuple[str, dict[str, list[float]], float]]:
    """Measure the path of a request with either gate."""
    found: list[tuple[str, dict[str, list[float]], float]] = []
    async with asyncio.TaskGroup() as tasks:

        def bare(name: str, gate: Gate | None) -> Bare:
            (folder / name).mkdir()
            return Bare(tasks, folder / name, gate)

        cases = {
            SLOTS_ONLY: repeated(bare("slots", Slots()).unary()),
            "tiers": repeated(bare("tiers", None).unary()),
        }
        found.append(("a whole exchange", interleaved(cases, BATCH), EXCHANGE_US))
        cases = {
            SLOTS_ONLY: repeated(bare("slots-events", Slots()).event()),
            "tiers": repeated(bare("tiers-events", None).event()),
        }
        found.append(("an event of a stream", interleaved(cases, BATCH), EVENT_US))
    return found


@contextmanager
def beside(folder: Path) -> Generator[tuple[dict[str, Gateway], Rig]]:
    """Start two gateways over one mock, on one core."""
    build_programs()
    cores = Cores.choose("")
    mock = start_mock(free_port(), cores, folder)
    entry = upstream("gpt-one", f"http://127.0.0.1:{mock.port}", 20_000)
    entry["base_url"] = f"http://127.0.0.1:{mock.port}/v1"
    table = {"upstreams": [entry], "routes": [route("gpt-one")]}
    programs = {"tiers": (), SLOTS_ONLY: (str(BENCH / "slots_gateway.py"),)}
    started: dict[str, Gateway] = {}
    try:
        for name, program in programs.items():
            below = folder / name.replace(" ", "-")
            below.mkdir()
            gateway = Gateway(below, table, tenants_of(1, 10**9, {}), {}, program)
            started[name] = gateway
            pin = ["taskset", "-acp", cores.proxy, str(gateway.pid)]
            subprocess.run(pin, check=True, stdout=subprocess.DEVNULL)
        yield started, Rig(mock, cores, folder)
    finally:
        for gateway in started.values():
            gateway.stop()
        mock.stop()


def gateways(starts: int, rounds: int) -> None:
    """Print by how much a whole gateway is dearer than one without tiers."""
    exchange = Load("closed", 8, 0.8, warm_s=0.2)
    cases = {
        "a whole exchange, standard": ("standard", exchange),
        "a whole exchange, enterprise": ("enterprise-0", exchange),
        "a whole exchange, free": ("free", exchange),
        "an event of a stream": (
            "standard",
            Load("stream", 50, 0.8, warm_s=0.2, events=150, beat=40),
        ),
    }
    found: dict[str, list[Took]] = {title: [] for title in cases}
    user = "x-penstock-user: user-@@@@@@@@"  # each request is somebody else's
    for number in range(starts):
        with tempfile.TemporaryDirectory() as folder, beside(Path(folder)) as (pair, rig):
            for title, (tenant, load) in cases.items():
                headers = (f"authorization: Bearer {secret_of(tenant)}", user)
                sides = [
                    Side(name, one.pid, Endpoint(one.port, model="chat", headers=headers), below)
                    for name, one in pair.items()
                    for below in [rig.folder / name.replace(" ", "-")]
                ]
                took = take(sides, load, rounds, rig)
                found[title].append(took)
                told = statistics.median(differences(took))
                print(f"start {number + 1}: {title}: {told:+.2f} us", flush=True)
    for title, starts_took in found.items():
        show(title, starts_took)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateways", action="store_true", help="whole processes")
    parser.add_argument("--starts", type=int, default=5, help="of whole processes")
    parser.add_argument("--rounds", type=int, default=8, help="after each start")
    given = parser.parse_args()
    if given.gateways:
        end_on_sigterm()
        gateways(given.starts, given.rounds)
        return
    gc.collect()
    gc.freeze()
    print(f"microseconds of CPU, {ROUNDS} interleaved rounds: the least, the median; the same of")
    print("what it is more than slots only, with the quartiles")
    print("the gate")
    cases = {
        SLOTS_ONLY: exchanges(Slots(), Tier.STANDARD),
        "standard": exchanges(gate_of(), Tier.STANDARD),
        "standard, a key with limits": exchanges(gate_of(limited=True), Tier.STANDARD),
        "enterprise, in contract": exchanges(gate_of(), Tier.ENTERPRISE),
        "free": exchanges(gate_of(), Tier.FREE),
        "slots only, other users": exchanges(Slots(), Tier.FREE, USERS),
        "free, other users": exchanges(gate_of(), Tier.FREE, USERS),
        "free, ladder at 5, a ticket": exchanges(gate_of(level=5), Tier.FREE),
    }
    tell(interleaved(cases, BATCH), SLOTS_ONLY, EXCHANGE_US)
    with tempfile.TemporaryDirectory() as folder:
        for title, took, budget_us in uvloop.run(paths(Path(folder))):
            print(title)
            tell(took, SLOTS_ONLY, budget_us)


if __name__ == "__main__":
    main()
