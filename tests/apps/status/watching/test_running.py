"""Which probes there are by themselves, what they cost at most, and how a run of them ends."""

import asyncio
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.apps.status.installation import Clock, emulated, installed

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching.probing import asking, result
from penstock.apps.status.watching.probing.budget import DEAR, USUAL, Budget
from penstock.apps.status.watching.probing.finding import (
    FOUND_USD_DAY,
    SECONDS_A_DAY,
    Task,
    tasks_of,
)
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.apps.status.watching.probing.running import Prober
from penstock.config import private_file
from penstock.config.chatting import Chat, Oidc
from penstock.config.model import Config
from penstock.config.watching import Component, ProbeKind, Surface, Watching
from penstock.config.watching import Probe as Configured
from penstock.core.price import cost_microusd
from penstock.watch.evidence import Probe, ProbeResult


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.probes: list[Probe] = []

    def on_probe(self, probe: Probe) -> None:
        self.probes.append(probe)


def parts_of(folder: Path, *, is_emulated: bool, **changes: Any) -> Parts:
    config = msgspec.structs.replace(emulated(), **changes)
    parts = installed(folder, Clock(), config)
    parts.is_emulated = is_emulated
    return parts


def names(parts: Parts) -> dict[str, list[str]]:
    by_id = {one.id: one.watched.name for one in parts.plan}
    return {task.probe.name: [by_id[one] for one in task.components] for task in tasks_of(parts)}


def test_what_is_found_by_itself(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, is_emulated=True)
    found = names(parts)
    assert found["route auto"] == ["auto", "API", "Streaming"]
    assert found["model emulated-claude claude-haiku-4-5"] == ["claude-haiku-4-5"]
    assert found["page Status page"] == ["Status page"]
    spoken = {name for listed in found.values() for name in listed}
    everything = {one.watched.name for one in parts.plan}
    silent = {"Web chat", "Console", "Log-in"}  # neither chat nor control is known to run
    assert everything - spoken == silent
    private_file.write_json(
        tmp_path / "run" / "up.json", {"urls": {"control": "http://127.0.0.1:8402"}}
    )
    assert names(parts)["page Log-in"] == ["Log-in"]
    assert not any(task.is_paid for task in tasks_of(parts))


@pytest.mark.parametrize("guests", [False, True])
def test_the_chat_is_visited_and_each_way_in_is_looked_at_by_itself(
    tmp_path: Path,
    *,
    guests: bool,
) -> None:
    entry = Chat(guests=guests, oidc=Oidc(issuer="https://id.example") if guests else Oidc())
    for is_emulated in (True, False):
        folder = tmp_path / str(is_emulated)
        folder.mkdir()
        parts = parts_of(folder, is_emulated=is_emulated, chat=entry)
        urls = {"control": "http://127.0.0.1:8402", "chat": "http://127.0.0.1:8404"}
        private_file.write_json(parts.state_dir / "run" / "up.json", {"urls": urls})
        found = names(parts)
        chat = {name: spoken for name, spoken in found.items() if name.startswith("chat ")}
        apart = {"chat oidc": ["Log-in"], "chat guests": ["Log-in"]} if guests else {}
        assert chat == apart | {
            "chat chat": ["Web chat"], "chat sessions": ["Web chat"],
            "chat login": ["Log-in"], "chat password": ["Log-in"],
        }  # fmt: skip
        assert "page Log-in" not in found, "the console's is the console's"
        assert found["page Console"] == ["Console"]
        paid = {task.probe.name for task in tasks_of(parts) if task.is_paid}
        assert ("chat chat" in paid) is not is_emulated
        assert "chat login" not in paid


def test_components_that_name_neither_routes_nor_models_are_probed_too(tmp_path: Path) -> None:
    claude = ("emulated-claude",)
    listed = (
        Component(name="The API", surface=Surface.API),
        Component(name="Claude", upstreams=claude, provider="anthropic"),
        Component(name="Haiku", upstreams=claude, models=("claude-haiku-*",)),
        Component(name="Nobody's", upstreams=claude, models=("other-*",)),
    )
    found = names(parts_of(tmp_path, is_emulated=True, components=listed))
    assert found == {
        "route auto": ["The API"],
        "route fast": ["The API"],
        "model emulated-claude claude-sonnet-5-5": ["Claude"],
        "model emulated-claude claude-haiku-4-5": ["Haiku"],
    }


def test_what_is_configured_stands_instead(tmp_path: Path) -> None:
    own = Configured(name="mine", kind=ProbeKind.API, route="auto")
    parts = parts_of(tmp_path, is_emulated=True, probes=(own,))
    found = names(parts)
    assert sorted(found["mine"]) == ["API", "Streaming", "auto"]
    assert "route auto" not in found
    assert "route fast" in found
    parts.config = msgspec.structs.replace(parts.config, watch=Watching(finds_probes=False))
    assert list(names(parts)) == ["mine"]


def test_probes_that_cost_money_cost_cents_a_day(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, is_emulated=False)  # the same addresses, as if they were real
    tasks = [task for task in tasks_of(parts) if task.is_paid]
    assert len(tasks) == 7
    cost = cost_microusd(DEAR, USUAL)
    a_day = sum(SECONDS_A_DAY / task.interval_s(cost, len(tasks)) * cost for task in tasks) / 1e6
    assert a_day <= FOUND_USD_DAY * 1.001
    assert all(task.interval_s(0, len(tasks)) == 60.0 for task in tasks)


def prober(parts: Parts, heard: Heard, spent: Budget | None = None) -> Prober:
    means = Means(now_s=lambda: 0.0, chance=random.Random(1).random, tls=result.context())

    async def never(seconds: float) -> None:
        raise AssertionError(seconds)

    return Prober(parts, heard, means, spent or Budget(), never)


def ended(parts: Parts, task: Task, spent: Budget | None = None) -> Outcome:
    return asyncio.run(prober(parts, Heard(), spent).outcome(task))


TASK = Task(probe=Configured(name="p", kind=ProbeKind.API, route="auto"), components=("c",))


def test_a_spent_budget_is_unknown_and_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(*_: object) -> Outcome:
        raise AssertionError("nobody is to be asked")

    monkeypatch.setattr(asking, "make", asked)
    parts = parts_of(tmp_path, is_emulated=False)
    spent = Budget()
    spent.add("p", 999_000, parts.now_unix_s())
    outcome = ended(parts, msgspec.structs.replace(TASK, is_paid=True), spent)
    assert (outcome.result, outcome.how) == (ProbeResult.UNKNOWN, "budget")


def test_a_fault_of_ours_accuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Outcome:
        raise ZeroDivisionError

    monkeypatch.setattr(asking, "make", broken)
    outcome = ended(parts_of(tmp_path, is_emulated=True), TASK)
    assert (outcome.result, outcome.how) == (ProbeResult.UNKNOWN, "fault")


def test_one_that_ignores_its_time_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hanging(*_: object) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(asking, "make", hanging)
    monkeypatch.setattr("penstock.apps.status.watching.probing.running.GRACE_S", 0.01)
    probe = msgspec.structs.replace(TASK.probe, timeout_s=0.01)
    outcome = ended(
        parts_of(tmp_path, is_emulated=True), msgspec.structs.replace(TASK, probe=probe)
    )
    assert (outcome.result, outcome.how) == (ProbeResult.FAILED, "timeout")


@pytest.mark.parametrize(("host", "how"), [("127.0.0.1", "connect"), ("away.example", "network")])
def test_who_cannot_be_reached_is_accused_only_if_others_can(
    host: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> Outcome:
        return result.failed("connect", host)

    async def nobody(*_: object) -> bool:
        return False

    def others(config: Config) -> list[tuple[str, int]]:
        del config
        return [("other.example", 443)]

    monkeypatch.setattr(asking, "make", refused)
    monkeypatch.setattr(asking, "places_of", others)
    monkeypatch.setattr("penstock.apps.status.watching.probing.network.can_connect", nobody)
    outcome = ended(parts_of(tmp_path, is_emulated=True), TASK)
    is_ours = how == "network"
    assert outcome.how == how
    assert outcome.result is (ProbeResult.UNKNOWN if is_ours else ProbeResult.FAILED)


def test_a_run_tells_each_component_and_follows_a_changed_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of(tmp_path, is_emulated=True)
    heard, now_s, told = Heard(), 0.0, set[str]()

    async def made(task: Task, *_: object) -> Outcome:
        told.add(task.probe.name)
        return Outcome(result=ProbeResult.GOOD, ttft_s=0.1, total_s=0.2, cost_microusd=3)

    class EnoughError(Exception):
        pass

    async def pause(seconds: float) -> None:
        nonlocal now_s
        for _ in range(3):
            await asyncio.sleep(0)
        now_s += max(0.01, seconds)
        if now_s > 10.0 and parts.config.routes:
            parts.config = Config()
        if now_s > 60.0:
            raise EnoughError

    monkeypatch.setattr(asking, "make", made)
    means = Means(now_s=lambda: now_s, chance=random.Random(1).random, tls=result.context())
    budget = Budget()
    runner = Prober(parts, heard, means, budget, pause)
    with pytest.raises(ExceptionGroup):
        asyncio.run(runner.run())
    assert told == {task.probe.name for task in tasks_of(parts)} | {
        "route auto", "route fast", *(name for name in told if name.startswith("model ")),
    }  # fmt: skip
    auto = next(one.id for one in parts.plan if one.watched.name == "auto")
    of_auto = [one for one in heard.probes if one.component == auto]
    assert len(of_auto) == 1  # every 15 s, and the route was gone after ten
    assert budget.spent.microusd["route auto"] == 3


def test_whoever_does_not_listen_yet_is_not_accused_while_up_starts_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def made(*_: object) -> Outcome:
        return result.failed("connect")

    monkeypatch.setattr(asking, "make", made)
    parts = parts_of(tmp_path, is_emulated=True)
    parts.has_up = True
    assert ended(parts, TASK).result is ProbeResult.UNKNOWN
    private_file.write_json(tmp_path / "run" / "up.json", {"urls": {}})
    assert ended(parts, TASK).result is ProbeResult.FAILED
