"""From a plan to the snapshot that the gateway reads; its version grows over restarts."""

from penstock.cli.plan import Plan
from penstock.cli.state import State
from penstock.config import load
from penstock.core.errors import ConfigError, StoreError
from penstock.snapshot import build, file, keys
from penstock.snapshot.model import Snapshot
from penstock.wire import clock


def publish(state: State, plan: Plan) -> Snapshot:
    """Build and write the snapshot; raises ConfigError or StoreError, and then changes nothing."""
    problems = list(load.file_problems(plan.config))
    if problems:
        raise ConfigError(problems)
    snapshot = build.build(
        plan.config,
        keys.read(state.keys),
        version=next_version(state),
        now_unix_s=clock.now_unix_s(),
        is_emulated=plan.is_emulated,
    )
    file.write(state.snapshot, snapshot)
    return snapshot


def next_version(state: State) -> int:
    """Return a version above the last one; after a damaged snapshot, the time will be above it."""
    if not state.snapshot.exists():
        return 1
    try:
        return file.read(state.snapshot).version + 1
    except StoreError:
        return int(clock.now_unix_s())
