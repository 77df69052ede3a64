"""Probes made, again and again: each when it is due, at most AT_ONCE, each within its time.

ends      an outcome for each component that it speaks for, at the moment at which it ended
hangs     a probe that does not end GRACE_S after its own timeout is cancelled: failed
is ours   a fault of our own code makes it unknown, and is logged
no way    whoever could not be reached is accused only if somebody else can be (``network``), and
          not while ``up`` is still starting the others
money     a probe whose budget of the day is spent says unknown until the next day
bad       it is made again at once, a few times: a blip is over then, a fault is not
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import telemetry
from penstock.apps.status.watching.probing import asking, budget, finding, result
from penstock.apps.status.watching.probing.budget import Budget
from penstock.apps.status.watching.probing.finding import Task
from penstock.apps.status.watching.probing.network import Network
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.apps.status.watching.probing.schedule import Schedule
from penstock.config.model import Config
from penstock.core.errors import PenstockError
from penstock.core.price import PriceList
from penstock.telemetry import log
from penstock.watch.evidence import Probe, ProbeResult

AT_ONCE: Final = 8  # a small machine, and a provider that counts connections
GRACE_S: Final = 5.0
LOOK_S: Final = 1.0  # for a changed configuration
FIND_S: Final = 10.0  # processes that have moved, prices that have changed


class Ears(Protocol):
    """Who is told."""

    def on_probe(self, probe: Probe) -> None:
        """A probe has ended."""
        ...


class Prober:
    """Makes the probes. Owned by one event loop."""

    def __init__(
        self,
        parts: Parts,
        ears: Ears,
        means: Means,
        budget_of_day: Budget,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._ears = ears
        self._means = means
        self._pause = pause
        self._budget = budget_of_day
        self._schedule = Schedule(means.chance)
        self._network = Network(means.now_s)
        self._tasks: dict[str, Task] = {}
        self._prices = PriceList(())
        self._config: Config | None = None
        self._found_at_s = 0.0
        self._found_paid = 0

    async def run(self) -> None:
        """Go on for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._look()
                now_s = self._means.now_s()
                for name in self._schedule.due(now_s, AT_ONCE):
                    task = self._tasks[name]
                    interval_s = task.interval_s(self._cost(task), self._found_paid)
                    self._schedule.begun(name, interval_s, now_s)
                    group.create_task(self._one(task))
                await self._pause(self._schedule.next_s(self._means.now_s(), LOOK_S))

    def _look(self) -> None:
        """See whether there are others now."""
        now_s, config = self._means.now_s(), self._parts.config
        if config is self._config and now_s - self._found_at_s < FIND_S:
            return
        self._config, self._found_at_s = config, now_s
        self._prices = asking.prices_of(self._parts)
        tasks = finding.tasks_of(self._parts)
        self._tasks = {task.probe.name: task for task in tasks}
        self._found_paid = sum(task.is_found and task.is_paid for task in tasks)
        self._schedule.use(self._tasks, now_s)

    def _cost(self, task: Task) -> int:
        if not task.is_paid:
            return 0
        rates = asking.budget_rates(task.probe, self._parts.config, self._prices)
        return budget.estimate(rates)

    async def _one(self, task: Task) -> None:
        began_s = self._means.now_s()
        try:
            outcome = await self.outcome(task)
        finally:
            self._schedule.done(task.probe.name)
        ended_s = self._means.now_s()
        self._schedule.told(task.probe.name, outcome.result, ended_s)
        at_unix_s = self._parts.now_unix_s()
        self._budget.add(task.probe.name, outcome.cost_microusd, at_unix_s)
        for component in task.components:
            self._ears.on_probe(
                Probe(
                    component=component,
                    at_unix_s=at_unix_s,
                    result=outcome.result,
                    probe=task.probe.name,
                    how=outcome.how,
                    ttft_s=outcome.ttft_s,
                    total_s=outcome.total_s,
                    took_s=ended_s - began_s,
                )
            )

    async def outcome(self, task: Task) -> Outcome:
        """Make a probe, within its time and budget."""
        probe, now_unix_s = task.probe, self._parts.now_unix_s()
        cost = self._cost(task)
        if cost and self._budget.is_spent(probe.name, cost, probe.budget_usd_day, now_unix_s):
            return result.unknown("budget")
        made = asking.make(task, self._parts, self._prices, self._means)
        try:
            async with asyncio.timeout(probe.timeout_s + GRACE_S):
                (found,) = await asyncio.gather(made, return_exceptions=True)
        except TimeoutError:
            return result.failed("timeout")
        if isinstance(found, asyncio.CancelledError):
            raise found
        if isinstance(found, BaseException):  # a fault of ours accuses nobody
            reason = found.message if isinstance(found, PenstockError) else repr(found)
            log.warn("probe_failed", probe=probe.name, reason=reason)
            return result.unknown("fault")
        return await self._judged(found)

    async def _judged(self, found: Outcome) -> Outcome:
        if found.result is not ProbeResult.FAILED or found.how not in result.NOT_CONNECTED:
            return found
        if telemetry.is_starting(self._parts):
            return msgspec.structs.replace(found, result=ProbeResult.UNKNOWN, how="starting")
        places = asking.places_of(self._parts.config)
        if not await self._network.is_cut_off(found.host, places):
            return found
        return msgspec.structs.replace(found, result=ProbeResult.UNKNOWN, how="network")
