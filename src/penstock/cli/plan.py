"""What ``penstock up`` is going to serve, and how it knows.

a file is given, or ./penstock.toml is there   -> what the file says
keys or local engines are found                -> those
nothing is found, or --emulate                 -> the emulated Claude, GPT and Gemini
"""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from penstock.cli.state import State
from penstock.config import discover, load
from penstock.config.model import Config, Upstream
from penstock.core.errors import ConfigError
from penstock.snapshot import plan as plan_file
from penstock.snapshot.plan import PlanFile


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve; ``origin`` says to people where it comes from."""

    config: Config
    origin: str
    wants_emulator: bool = False
    is_emulated: bool = False
    was_nothing_found: bool = False


async def make(path: Path | None, *, must_emulate: bool = False) -> Plan:
    """Return the plan, without the emulator's addresses; raises ConfigError."""
    if must_emulate:
        return Plan(
            Config(), "emulated providers: --emulate", wants_emulator=True, is_emulated=True
        )
    if path is not None:
        config = load.load(path)
        return Plan(
            config,
            str(path),
            wants_emulator=config.emulate.is_enabled,
            is_emulated=config.emulate.is_enabled and not config.upstreams,
        )
    found = discover.providers(load.environment()) + await discover.engines()
    if found:
        return Plan(discover.config(found), ", ".join(one.origin for one in found))
    return Plan(
        Config(),
        "emulated providers: nothing else was found",
        wants_emulator=True,
        is_emulated=True,
        was_nothing_found=True,
    )


def with_emulator(plan: Plan, url: str, urls: dict[str, str], key_file: Path) -> Plan:
    """Return the plan with the emulator's addresses in it.

    A file that names no upstream gets the emulated ones. One that does may point some of them at
    the emulator's configured port; they follow it to the port that it really has.
    """
    if not plan.config.upstreams:
        found = discover.emulated(urls, str(key_file))
        return replace(plan, config=discover.config(found, plan.config), is_emulated=True)
    named = f"http://127.0.0.1:{plan.config.emulate.port}"
    upstreams = tuple(_moved(one, named, url) for one in plan.config.upstreams)
    return replace(
        plan,
        config=msgspec.structs.replace(plan.config, upstreams=upstreams),
        is_emulated=any(one.base_url.startswith(url) for one in upstreams),
    )


def check_files(plan: Plan) -> None:
    """Raise ConfigError if keys or certificates that the plan names are not there."""
    problems = list(load.file_problems(plan.config))
    if problems:
        raise ConfigError(problems)


def write(home: State, plan: Plan, run: str) -> None:
    """Leave the plan for control, as of this run of ``up``; raises StoreError."""
    told = PlanFile(config=plan.config, origin=plan.origin, is_emulated=plan.is_emulated, run=run)
    plan_file.write(home.plan, told)


def _moved(upstream: Upstream, named: str, url: str) -> Upstream:
    if upstream.base_url != named and not upstream.base_url.startswith(f"{named}/"):
        return upstream
    moved = url + upstream.base_url.removeprefix(named)
    return msgspec.structs.replace(upstream, base_url=moved)
