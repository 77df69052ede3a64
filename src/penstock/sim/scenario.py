"""Scenarios: what comes, what it meets and what happens, as a TOML file.

    [[upstreams]]   a modelled server behind the gate, and what the gate is told of it
    [[traffic]]     a class: tenant, tier, arrivals, lengths, clients, how much of the capacity
    [[events]]      something that happens to an upstream or to a class, at an instant
    [sweep]         the values of X that are tried; one run each
    [admission]     the gateway's own settings, as in penstock.toml

``load_ratio`` is the class's load over the capacity of all upstreams; ``fills_to`` is X: the class
brings the load of all classes up to X times the capacity. A file is read strictly: an unknown name
or a value that cannot be is an error that names its place, and all are told at once.
"""

import enum
import tomllib
from collections.abc import Iterator
from typing import Any, Final, TypeVar, cast

import msgspec

from penstock.config.model import Admission
from penstock.config.tenancy import Contract, Limits, TierName
from penstock.core.errors import ConfigError, Problem
from penstock.sim.clients import HABITS


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a scenario have in common."""


class Kind(enum.Enum):
    """What is modelled (``sim.upstreams``)."""

    SLOTS = "slots"
    BATCH = "batch"


class ArrivalKind(enum.Enum):
    """How arrivals are spread (``sim.arrivals``)."""

    POISSON = "poisson"
    GAMMA = "gamma"
    AZURE_CODE = "azure_code"


class LengthKind(enum.Enum):
    """Where lengths come from."""

    AZURE_CONV = "azure_conv"
    AZURE_CODE = "azure_code"
    AGENTIC = "agentic"
    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class EventKind(enum.Enum):
    """What can happen."""

    RATE = "rate"  # of a class: times ``value``
    CAPACITY = "capacity"  # of an upstream: ``value`` of what it was built with
    OUTAGE = "outage"  # an upstream is not there
    HANG = "hang"  # it takes connections and says nothing
    REFUSE = "refuse"  # it refuses this share with 529
    QUOTA = "quota"  # its quota is ``value`` of what it was
    METRICS_LOST = "metrics_lost"  # an engine no longer tells its load
    RESTART = "restart"  # the gateway forgets what it has learned


class Upstream(Struct, frozen=True, kw_only=True):
    """One modelled server."""

    name: str
    kind: Kind = Kind.SLOTS
    slots: int = 64  # true ones; of an engine: sequences at most
    declared_slots: int = 0  # concurrency_max at the gate; 0: the true ones
    is_adaptive: bool = False
    overload_status: int = 503  # beyond its true capacity: 503 or 529
    ttft_s: float = 0.2
    input_per_s: float = 20_000.0
    token_s: float = 0.02
    kv_tokens: int = 400_000  # of an engine
    requests_per_min: int = 0  # quota; 0: none
    tokens_per_min: int = 0
    is_quota_declared: bool = True  # to the gate
    has_metrics: bool = False  # to the gate


class Traffic(Struct, frozen=True, kw_only=True):
    """One class of requests."""

    name: str
    tenant: str = ""  # empty: the class's name
    tier: TierName = TierName.FREE
    load_ratio: float = 0.0
    fills_to: float = 0.0  # X; 0: not
    sweeps: bool = False  # ``fills_to`` is the sweep's value
    arrivals: ArrivalKind = ArrivalKind.POISSON
    scv: float = 1.0  # of the gaps, with gamma
    lengths: LengthKind = LengthKind.AZURE_CONV
    input_tokens: int = 1000  # with fixed and exponential
    output_tokens: int = 200
    clients: str = "patient"
    users: int = 0  # 0: the key is the user
    turns: int = 1  # of a session
    think_s: float = 10.0  # mean pause between two turns
    weight: float = 1.0
    contract: Contract | None = None
    limits: Limits = Limits()
    ttft_goal_s: float = 0.0  # what counts as good; 0: 2 s of enterprise, 10 s of others


class Event(Struct, frozen=True, kw_only=True):
    """Something that happens ``at_s`` after the start, and is over at ``until_s`` (0: never)."""

    what: EventKind
    at_s: float
    until_s: float = 0.0
    upstream: str = ""
    traffic: str = ""
    value: float = 0.0


class Scenario(Struct, frozen=True, kw_only=True):
    """One file."""

    name: str
    title: str
    about: str
    duration_s: float = 600.0
    warmup_s: float = 60.0
    drain_s: float = 60.0
    seeds: int = 5
    policies: tuple[str, ...] = ("penstock", "fifo")
    queue_s: float | None = None  # the route's bound on waiting; none: each tier's own
    total_s: float = 600.0  # of an exchange
    policy: str = "order"  # of the route, among its targets
    sweep: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()  # instants at which a phase ends, besides events
    admission: Admission = Admission()
    upstreams: tuple[Upstream, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    events: tuple[Event, ...] = ()


_T = TypeVar("_T", bound=Struct)

LISTS: Final[dict[str, type[Struct]]] = {
    "upstreams": Upstream,
    "traffic": Traffic,
    "events": Event,
}


def parse(text: str, place: str) -> Scenario:
    """Return the scenario of a file; raises ConfigError with all problems."""
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(place, str(error), "write valid TOML")]) from error
    problems: list[Problem] = []
    whole: dict[str, Any] = dict(table)
    for name, kind in LISTS.items():
        entries = cast("list[object]", table.get(name, []))
        found = [
            _convert(one, kind, f"{place}: {name}[{at}]", problems)
            for at, one in enumerate(entries)
        ]
        whole[name] = tuple(one for one in found if one is not None)
    scenario = _convert(whole, Scenario, place, problems)
    if scenario is not None and not problems:
        problems.extend(check(scenario, place))
    if scenario is None or problems:
        raise ConfigError(problems)
    return scenario


def _convert(raw: object, kind: type[_T], place: str, problems: list[Problem]) -> _T | None:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        problems.append(Problem(place, str(error), "see penstock.sim.scenario for what there is"))
        return None


def check(scenario: Scenario, place: str) -> Iterator[Problem]:
    """Yield what cannot be."""
    upstreams = {one.name for one in scenario.upstreams}
    classes = {one.name for one in scenario.traffic}
    if not upstreams or not classes:
        yield Problem(place, "nothing to simulate", "give [[upstreams]] and [[traffic]]")
    if len(upstreams) < len(scenario.upstreams) or len(classes) < len(scenario.traffic):
        yield Problem(place, "a name is given twice", "rename one")
    if scenario.warmup_s >= scenario.duration_s:
        yield Problem(place, "warmup_s is not below duration_s", "measure longer")
    for one in scenario.traffic:
        yield from _check_traffic(one, scenario, f"{place}: traffic {one.name!r}")
    for at, event in enumerate(scenario.events):
        yield from _check_event(event, upstreams, classes, f"{place}: events[{at}]")


def _check_traffic(one: Traffic, scenario: Scenario, place: str) -> Iterator[Problem]:
    ways = (one.load_ratio > 0) + (one.fills_to > 0) + one.sweeps
    if ways != 1:
        yield Problem(place, "its load is not clear", "one of load_ratio, fills_to, sweeps")
    if one.sweeps and not scenario.sweep:
        yield Problem(place, "there is nothing to sweep", 'add "sweep = [...]"')
    if one.clients not in HABITS:
        yield Problem(place, f"no clients {one.clients!r}", f"one of {', '.join(HABITS)}")
    if one.scv <= 0 or one.turns < 1:
        yield Problem(place, "scv or turns is too small", "scv above 0, turns from 1")


def _check_event(
    event: Event, upstreams: set[str], classes: set[str], place: str
) -> Iterator[Problem]:
    if event.until_s and event.until_s <= event.at_s:
        yield Problem(place, "it is over before it begins", "until_s above at_s, or none")
    if event.what is EventKind.RESTART:
        return
    is_rate = event.what is EventKind.RATE
    name, known = (event.traffic, classes) if is_rate else (event.upstream, upstreams)
    if name not in known:
        yield Problem(place, f"there is no {name!r}", f"one of {', '.join(sorted(known))}")
