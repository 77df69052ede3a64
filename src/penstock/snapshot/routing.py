"""The snapshot in use: keys, routes, and the state learned about every upstream and model.

A new snapshot replaces keys and routes whole; states are found again by upstream and model, so
that a reload forgets neither an open breaker nor a slot in use. A route whose targets name no model
passes the caller's on; the routes made for such models are cached, and bounded.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from penstock.config.model import Config, Timeouts, Upstream
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Target as TargetEntry
from penstock.config.tenancy import Tenant
from penstock.core.errors import StoreError
from penstock.dialects.registry import DIALECTS
from penstock.exchange.route import Route
from penstock.exchange.target import Target, TargetState, UpstreamState, breaker_policy
from penstock.snapshot import contracts, soundness
from penstock.snapshot.model import Key, Snapshot

SHA256: Final = re.compile("[0-9a-f]{64}")
# That callers may name through prefix routes before the oldest is forgotten.
MODELS_MAX: Final = 512


def check(snapshot: Snapshot) -> None:
    """Raise StoreError if a snapshot does not hang together, before anything of it is used."""
    names = {upstream.name for upstream in snapshot.config.upstreams}
    for upstream in snapshot.config.upstreams:
        if upstream.dialect.value not in DIALECTS:
            raise StoreError(f"{upstream.name!r} speaks {upstream.dialect.value}, which we do not")
    for route in snapshot.config.routes:
        if lost := [target.upstream for target in route.targets if target.upstream not in names]:
            raise StoreError(f"the route {route.name!r} names {lost[0]!r}, which is no upstream")
    for key in snapshot.keys:
        if SHA256.fullmatch(key.sha256) is None:
            raise StoreError(f"the key {key.id!r} has no SHA-256")
    for problem in soundness.wrongs(snapshot):
        raise StoreError(str(problem))


def place_of(entry: Upstream) -> tuple[object, ...]:
    """Return what makes an upstream another one: what was learned of it says nothing then."""
    return (entry.dialect, entry.base_url, entry.api_key_env, entry.api_key_file)


def prefixes_of(config: Config) -> list[tuple[str, RouteEntry]]:
    """Return the routes whose names are prefixes, the longest first."""
    prefixes = [entry for entry in config.routes if entry.name.endswith("*")]
    prefixes.sort(key=lambda entry: len(entry.name), reverse=True)
    return [(entry.name[:-1], entry) for entry in prefixes]


class Routing:
    """The current snapshot, ready for use. Owned by one event loop; not thread-safe."""

    def __init__(self) -> None:
        self.config = Config()
        self.version = 0
        self.generation = 0  # another with every snapshot: what was looked up has one
        self.is_emulated = False
        self.contracts: dict[str, float] = {}  # used share of what may be promised, by dimension
        self.upstreams: dict[str, UpstreamState] = {}
        self.states: OrderedDict[tuple[str, str], TargetState] = OrderedDict()
        self._retired: dict[str, UpstreamState] = {}  # by the last snapshot
        self._keys: dict[bytes, Key] = {}
        self._tenants: dict[str, Tenant] = {}
        self._exact: dict[str, Route] = {}
        self._prefixes: list[tuple[str, RouteEntry]] = []
        self._made: OrderedDict[str, Route] = OrderedDict()
        self._lasting: set[tuple[str, str]] = set()  # pairs that the configuration names

    def apply(self, snapshot: Snapshot, now_s: float) -> None:
        """Use a snapshot from now on; exchanges under way keep what they began with."""
        config = snapshot.config
        self.config = config
        self.version = snapshot.version
        self.generation += 1
        self.is_emulated = snapshot.is_emulated
        self.contracts = contracts.used_ratios(snapshot)
        self._keys = {bytes.fromhex(key.sha256): key for key in snapshot.keys}
        plain = {key.tenant: Tenant(id=key.tenant) for key in snapshot.keys}
        self._tenants = plain | {tenant.id: tenant for tenant in snapshot.tenants}
        upstreams: dict[str, UpstreamState] = {}
        for entry in config.upstreams:
            old = self.upstreams.get(entry.name)
            if old is not None and place_of(old.entry) == place_of(entry):
                old.use(entry)
                upstreams[entry.name] = old
            else:
                upstreams[entry.name] = UpstreamState(entry, DIALECTS[entry.dialect.value])
        self._retired = {n: self.upstreams[n] for n in self.upstreams.keys() - upstreams.keys()}
        same = {name for name, one in upstreams.items() if self.upstreams.get(name) is one}
        for pair in [pair for pair in self.states if pair[0] not in same]:
            del self.states[pair]
        self.upstreams = upstreams
        policy = breaker_policy(config.breaker)
        for state in self.states.values():
            state.breaker.use(policy)
        self._made.clear()
        self._lasting.clear()
        self._exact = {
            entry.name: self._route(entry, entry.name, now_s)
            for entry in config.routes
            if not entry.name.endswith("*")
        }
        self._prefixes = prefixes_of(config)

    def key_of(self, secret: bytes) -> Key | None:
        """Return whose key this is, found by its hash."""
        return self._keys.get(hashlib.sha256(secret).digest())

    def tenant_of(self, key: Key) -> Tenant:
        """Return whose key this is; one that is not declared is a standard tenant."""
        return self._tenants[key.tenant]

    def route(self, model: str, key: Key, now_s: float) -> Route | None:
        """Return the route for what the caller put into ``model``, if the key may use it."""
        route = self._exact.get(model) or self.named(model, now_s)
        if route is None or (key.routes and route.name not in key.routes):
            return None
        return route

    def named(self, model: str, now_s: float) -> Route | None:
        """Return the route for what a caller put into ``model``, whoever it is."""
        route = self._exact.get(model) or self._made.get(model)
        if route is None:
            for prefix, entry in self._prefixes:
                if model.startswith(prefix):
                    route = self._made[model] = self._route(entry, model, now_s)
                    if len(self._made) > MODELS_MAX:
                        self._made.popitem(last=False)
                    break
        return route

    def target(self, upstream: str, model: str, now_s: float) -> Target | None:
        """Return a target that is in no route (any more); None if its upstream is not known.

        An upstream that the last snapshot took out is still known: some have attempts there.
        """
        found = self.upstreams.get(upstream) or self._retired.get(upstream)
        if found is None:
            return None
        entry = TargetEntry(upstream=upstream, model=model)
        return Target(entry, found, self._state(upstream, model, now_s), model)

    def names(self, key: Key) -> list[str]:
        """Return the names of the routes that a key may use, in the configuration's order."""
        names = [entry.name for entry in self.config.routes]
        return [name for name in names if not key.routes or name in key.routes]

    def targets(self) -> Iterable[tuple[tuple[str, str], TargetState]]:
        """Return the state of every upstream and model."""
        return self.states.items()

    def _route(self, entry: RouteEntry, model: str, now_s: float) -> Route:
        targets: list[Target] = []
        for target in entry.targets:
            upstream = self.upstreams[target.upstream]
            name = target.model or model
            if target.model or not entry.name.endswith("*"):
                self._lasting.add((upstream.name, name))
            state = self._state(upstream.name, name, now_s)
            targets.append(Target(target, upstream, state, name))
        overrides = {
            name: value
            for name, value in msgspec.structs.asdict(entry.timeouts).items()
            if value is not None
        }
        timeouts: Timeouts = msgspec.structs.replace(self.config.timeouts, **overrides)
        return Route(entry, targets, timeouts, self.config.retry.attempts_max, model)

    def _state(self, upstream: str, model: str, now_s: float) -> TargetState:
        pair = (upstream, model)
        state = self.states.get(pair)
        if state is None:
            state = self.states[pair] = TargetState(self.config.breaker, now_s)
            if len(self.states) > 2 * MODELS_MAX:
                self._forget_idle()
        return state

    def _forget_idle(self) -> None:
        """Drop the oldest state of a model that only callers named, and that nobody uses."""
        for pair, state in self.states.items():
            if not state.in_flight and pair not in self._lasting:
                del self.states[pair]
                return
