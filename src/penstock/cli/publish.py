"""From a plan to the snapshot that the gateway reads; its version grows over restarts."""

from penstock.cli.plan import Plan
from penstock.cli.state import State
from penstock.config import load
from penstock.config.model import Config
from penstock.core.errors import ConfigError, StoreError
from penstock.snapshot import build, file, keys, prices, soundness
from penstock.snapshot.model import Snapshot
from penstock.wire import clock


def publish(state: State, plan: Plan, *, is_start: bool = False) -> Snapshot:
    """Build and write the snapshot; raises ConfigError or StoreError, and then changes nothing.

    At the start contracts that must hold are looked at too.
    """
    problems = list(load.file_problems(plan.config))
    if problems:
        raise ConfigError(problems)
    snapshot = drawn_up(state, plan.config, next_version(state), is_emulated=plan.is_emulated)
    problems = soundness.wrongs(snapshot) + (soundness.broken(snapshot) if is_start else [])
    if problems:
        raise ConfigError(problems)
    file.write(state.snapshot, snapshot)
    return snapshot


def drawn_up(state: State, config: Config, version: int, *, is_emulated: bool) -> Snapshot:
    """Return a snapshot of a configuration and what the state directory holds; StoreError."""
    book = keys.read_book(state.keys)
    return build.build(
        config,
        book.keys,
        version=version,
        now_unix_s=clock.now_unix_s(),
        tenancy=build.Tenancy(book.tenants, prices.read(state.prices)),
        is_emulated=is_emulated,
    )


def next_version(state: State) -> int:
    """Return a version above the last one; after a damaged snapshot, the time will be above it."""
    if not state.snapshot.exists():
        return 1
    try:
        return file.read(state.snapshot).version + 1
    except StoreError:
        return int(clock.now_unix_s())
