"""A live drill on disk: what control tells the gateway's workers, and what each says of it.

    run/live_drill.json     the drill that is on; control alone writes it. Taking it away is the
                            stop, for all workers: that needs no room on the disk, and no control
    run/gateway[-K].live    what a worker says: which drill, whether it is on, how many it struck

A worker looks four times a second. It trusts nothing in the file: what is not allowed, too wide,
too long, or from another time is refused, and said (``doubt``).
"""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.core.fault import ANY, Fault, FaultKind
from penstock.core.live_faults import ACTIONS, FAULTS_MAX, LAST_S_MAX, LiveFault
from penstock.core.tier import NAMED, Tier

FORMAT: Final = 1
KIND: Final = "live_drill"  # in the audit log
SKEW_S: Final = 5.0  # between writing and reading on one machine; more is a clock that was set
RADIUS_MAX: Final = 1.0
DELAY_S: Final = 5.0  # of hang, slow_ttft and stall, if nothing is said
AIMS: Final = tuple(word for word, tier in NAMED.items() if tier is not Tier.CONTROL)
PLAIN_AIMS: Final = ("standard", "free", "batch")  # no contract is struck unless it is named

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Delay = Annotated[float, msgspec.Meta(gt=0.0, le=LAST_S_MAX)]


class FaultAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What fails, and for whom. Names are globs, the tenant's is not; ``*`` is all of them."""

    kind: FaultKind
    share_ratio: Share = 1.0  # of the attempts that it may strike
    tenant: Name = ANY
    tiers: tuple[str, ...] = PLAIN_AIMS
    route: Name = ANY
    upstream: Name = ANY
    model: Name = ANY
    delay_s: Delay = DELAY_S  # of hang, slow_ttft and stall
    after_events: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 3  # of stall and stream_cut
    retry_after_s: Annotated[float, msgspec.Meta(ge=0.0, le=3600.0)] | None = None  # of errors


class FaultEntry(FaultAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault, with its end."""

    starts_unix_s: float = 0.0  # in the past: at once
    ends_unix_s: float


class LiveDrill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill that is on."""

    format: int = FORMAT
    id: str
    by: str  # who began it
    reason: str = ""
    outage: str = ""  # of which it is the rehearsal, by the id of its drill; empty: of none
    began_unix_s: float
    blast_radius_ratio: Share  # of all exchanges: no more are struck
    faults: tuple[FaultEntry, ...]

    @property
    def ends_unix_s(self) -> float:
        """When the last of its faults ends."""
        return max((one.ends_unix_s for one in self.faults), default=0.0)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker says of the last drill that it has seen."""

    worker: str
    drill: str
    state: str  # on, over, stopped, refused
    why: str = ""  # it was stopped, or refused
    at_unix_s: float  # of the last word
    changed_unix_s: float  # since when the state is as it is
    seen: int = 0  # exchanges begun while it was on
    struck: int = 0
    spared: int = 0  # for the blast radius
    kinds: dict[str, int] = {}


ON: Final = "on"
OVER: Final = "over"
STOPPED: Final = "stopped"
REFUSED: Final = "refused"
TAKEN_AWAY: Final = "somebody has stopped it"  # why, as the workers say that have only seen that


def reason(workers: Sequence[Told]) -> str:
    """Return why a drill was stopped or refused: the word of whoever knows best; empty if none."""
    whys = [one.why for one in workers if one.why]
    return next((why for why in whys if why != TAKEN_AWAY), whys[0] if whys else "")


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a drill ended, by what its workers say of it together."""

    drill: str = ""  # of the audit log's line, if it stands there
    state: str  # over, stopped, refused
    why: str = ""
    at_unix_s: float  # when the last of them had ended it
    seen: int = 0
    struck: int = 0
    spared: int = 0
    kinds: dict[str, int] = {}
    silent: list[str] = []  # workers that were last heard of while it was on, and no more


def end_of(drill: str, workers: Sequence[Told]) -> End:
    """Return how a drill ended; ``workers``: what each says of it, at least one."""
    kinds: Counter[str] = Counter()
    for one in workers:
        kinds.update(one.kinds)
    states = {one.state for one in workers}
    silent = [one.worker for one in workers if one.state == ON]
    state = next((one for one in (STOPPED, OVER, REFUSED) if one in states), STOPPED)
    return End(
        drill=drill,
        state=state,
        why=reason(workers) or (f"{', '.join(silent)} fell silent" if state == STOPPED else ""),
        at_unix_s=max(one.at_unix_s if one.state == ON else one.changed_unix_s for one in workers),
        seen=sum(one.seen for one in workers),
        struck=sum(one.struck for one in workers),
        spared=sum(one.spared for one in workers),
        kinds=dict(kinds),
        silent=silent,
    )


def encoded(end: End) -> str:
    """Return it as the audit log has it: beside the drill's name, and as short as can be."""
    return msgspec.json.encode(msgspec.structs.replace(end, drill="")).decode()


def path_of(state_dir: Path) -> Path:
    """Return where the drill lies that is on."""
    return state_dir / "run" / "live_drill.json"


def told_path(state_dir: Path, worker: str) -> Path:
    """Return where a worker says how it stands with it."""
    return state_dir / "run" / f"{worker}.live"


def write(state_dir: Path, drill: LiveDrill) -> None:
    """Begin a drill; raises StoreError."""
    private_file.write_json(path_of(state_dir), drill)


def read(state_dir: Path) -> LiveDrill | None:
    """Return the drill that lies there; None if none does. Raises StoreError if it is no drill."""
    path = path_of(state_dir)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(private_file.read(path), type=LiveDrill)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path} is no drill: {error}") from error


def take_away(state_dir: Path) -> bool:
    """Stop the drill of all workers; returns whether there was one. Raises StoreError."""
    path = path_of(state_dir)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{path} cannot be taken away: {error.strerror}") from error
    return True


def tell(state_dir: Path, told: Told) -> None:
    """Say how a worker stands; raises StoreError."""
    private_file.write_json(told_path(state_dir, told.worker), told)


def told_by(state_dir: Path, worker: str) -> Told | None:
    """Return what one worker has said last; None if that cannot be read."""
    try:
        return msgspec.json.decode(private_file.read(told_path(state_dir, worker)), type=Told)
    except (StoreError, msgspec.MsgspecError):
        return None


def told(state_dir: Path) -> list[Told]:
    """Return what the workers say, by name; what cannot be read is left out."""
    return list(_told(state_dir))


def _told(state_dir: Path) -> Iterator[Told]:
    for path in sorted((state_dir / "run").glob("gateway*.live")):
        with contextlib.suppress(StoreError, msgspec.MsgspecError):
            yield msgspec.json.decode(private_file.read(path), type=Told)


def doubt(drill: LiveDrill, now_unix_s: float) -> str:
    """Return why a drill may not be; empty if it may."""
    if drill.format != FORMAT:
        return f"it has format {drill.format}; this version knows {FORMAT}"
    if not 0 < len(drill.faults) <= FAULTS_MAX:
        return f"it has {len(drill.faults)} faults; 1 to {FAULTS_MAX} are possible"
    if drill.began_unix_s > now_unix_s + SKEW_S:
        return "it begins in the future: has the clock been set?"
    for at, one in enumerate(drill.faults):
        if found := _doubt_of(one, drill.began_unix_s, now_unix_s):
            return f"faults[{at}]: {found}"
    return ""


def _doubt_of(one: FaultEntry, began_unix_s: float, now_unix_s: float) -> str:
    latest_s = min(began_unix_s, now_unix_s) + LAST_S_MAX
    unknown = [word for word in one.tiers if word not in AIMS]
    found = ""
    if one.kind not in ACTIONS:
        found = f"{one.kind.value} is no fault of a live drill"
    elif unknown or not one.tiers:
        found = f"tiers must be some of {', '.join(AIMS)}"
    elif not one.ends_unix_s <= latest_s + 1.0:  # also what is no number
        found = f"it would last longer than {LAST_S_MAX:g} s"
    return found


def faults_of(drill: LiveDrill, now_s: float, now_unix_s: float) -> list[LiveFault]:
    """Return what the gateway strikes by; ends become monotonic, so that no clock moves them."""
    return [
        LiveFault(
            fault=Fault(
                kind=one.kind,
                delay_s=one.delay_s,
                after_events=one.after_events,
                retry_after_s=one.retry_after_s,
            ),
            starts_at_s=now_s + one.starts_unix_s - now_unix_s,
            ends_at_s=now_s + one.ends_unix_s - now_unix_s,
            share_ratio=one.share_ratio,
            tenant=one.tenant,
            tiers=frozenset(NAMED[word] for word in one.tiers),
            route=one.route,
            upstream=one.upstream,
            model=one.model,
        )
        for one in drill.faults
    ]
