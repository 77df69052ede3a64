"""From what a user asks for to what is played.

set-up    the one that a drill brings along; or the user's: their configuration, and the
          tenants of the last snapshot of their state directory. Both are read, nothing else
traffic   of the drill's file, else the default mix
folder    an empty one: what an earlier drill left has its keys and its ledger
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.apps.drill import sizing
from penstock.apps.drill.brought import Brought
from penstock.apps.drill.driving import traces
from penstock.apps.drill.driving.traces import Traces
from penstock.apps.drill.own import Own
from penstock.apps.drill.own_set_up import OwnSetUp
from penstock.apps.drill.playing import Play
from penstock.apps.drill.set_up import SetUp
from penstock.config import load
from penstock.config.tenancy import Tenant
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.shapes import ARMS
from penstock.sim.drills.surfaces import struck_provider
from penstock.sim.drills.timetable import AFTER_S, BEFORE_S, timetable
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, Traffic
from penstock.snapshot import file


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user asks for."""

    folder: Path
    program: Sequence[str]
    environment: Mapping[str, str]
    config: Path | None = None
    state_dir: Path | None = None  # whose tenants are meant, with ``config``
    arms: Sequence[str] = ARMS
    before_s: float = BEFORE_S
    after_s: float = AFTER_S
    first_changes: int = 0
    seed: int = 1


def asked_for(drills: Drills, drill: Drill, options: Options) -> Play:
    """Return what is played; raises ConfigError with all that is wrong."""
    if options.folder.exists() and any(options.folder.iterdir()):
        told = "there is something in it"
        raise ConfigError([Problem(str(options.folder), told, "name an empty folder")])
    traffic = drill.traffic or DEFAULT_TRAFFIC
    known = traces.load()
    made = _set_up(options, drill, traffic, known)
    return Play(
        drills=drills,
        drill=drill,
        timetable=timetable(
            drills, drill, options.before_s, options.after_s, options.first_changes
        ),
        folder=options.folder,
        program=options.program,
        environment=options.environment,
        traffic=traffic,
        set_up=made,
        traces=known,
        arms=tuple(options.arms),
        seed=options.seed,
    )


def _set_up(options: Options, drill: Drill, traffic: Sequence[Traffic], known: Traces) -> SetUp:
    if options.config is None:
        return Brought(
            traffic,
            struck_provider(drill.provider),
            lambda one: sizing.mean_tokens(one, known.lengths),
        )
    own = Own(load.load(options.config), drill.provider)
    if not own.asked:
        told = "nothing in it can be asked for in a drill"
        raise ConfigError([Problem(str(options.config), told, "name a route")])
    return OwnSetUp(traffic, own, _tenants(options.state_dir), str(options.config))


def _tenants(state_dir: Path | None) -> tuple[Tenant, ...]:
    """Return the tenants of the last snapshot; none, if there is none that can be read."""
    path = state_dir / "snapshot" if state_dir else None
    if path is None or not path.exists():
        return ()
    try:
        return file.read(path).tenants
    except StoreError:
        return ()
