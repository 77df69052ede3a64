"""A user's own configuration in a drill: theirs, but for whom it reaches and whom it tells.

    kept       routes, what becomes of breaks, timeouts, breakers, retries, admission, quotas and
               slots of upstreams, objectives, components, the watch, tenants with their tiers
    upstreams  of Anthropic, OpenAI and Google, also at Azure and AWS -> the emulated one, each
               with a key of its own; own engines and all others -> an emulator that does not fail
               (``whose.py``)
    models     that are not in the emulators' catalogue -> one of the same size and company; of
               engines one that no provider serves here, if there is one
    left out   keys, certificates, databases, log-ins, receivers of alerts, traces, probes of
               addresses, providers' pages: a drill tells nobody and touches nothing
    callers    ask for the user's routes: those of the size that their traffic asks for

Whatever is not as the file says is told in ``notes``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from penstock.apps.drill import reach
from penstock.apps.drill.set_up import DRAIN_S, Emulated
from penstock.apps.drill.whose import OWN, SURFACES, is_apart, parted
from penstock.config.chatting import Chat
from penstock.config.model import (
    Config,
    DialectName,
    Gateway,
    Route,
    Target,
    Upstream,
)
from penstock.config.watching import Probe, ProbeKind
from penstock.sim.drills import words
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.surfaces import CLAUDE, EMULATED, GEMINI, GPT
from penstock.sim.drills.traffic import BALANCED, FAST, FRONTIER, MODELS
from penstock.sim.drills.truth import Apart

# Words in a model's name, in this order -> how large it is.
SIZES: Final[Mapping[str, str]] = {
    "haiku": FAST, "mini": FAST, "nano": FAST, "lite": FAST, "small": FAST,
    "opus": FRONTIER, "pro": FRONTIER, "large": FRONTIER,
}  # fmt: skip
LIMITS: Final = ("requests_per_min", "tokens_per_min")
MINUTE_S: Final = 60.0
UNBOUNDED: Final = Upstream(
    name="", dialect=DialectName.OPENAI_CHAT, base_url=""
).concurrency_max  # whoever has as many has not said how many
PARTS: Final = re.compile(r"[^a-z0-9]+")
BY_DIALECT: Final[Mapping[DialectName, str]] = {  # whose an upstream is whose host says nothing
    DialectName.ANTHROPIC_MESSAGES: CLAUDE,
    DialectName.GEMINI_GENERATE: GEMINI,
    DialectName.OPENAI_CHAT: GPT,
    DialectName.OPENAI_RESPONSES: GPT,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What callers may ask for, and whom they would be bound to without a gateway."""

    model: str  # what stands in "model"
    size: str  # frontier, balanced or fast
    provider: str  # claude, gpt, gemini; or who does not fail: a house, ``OWN``, ``OTHER``
    catalogue: str  # whose models it has
    bound_model: str


class Own:
    """A user's configuration, as a drill plays it."""

    def __init__(self, config: Config, provider: str = "") -> None:
        self._config = config
        self._notes: dict[str, None] = {}
        self._whose, notes = parted(config.upstreams, provider)
        self._notes.update(dict.fromkeys(notes))
        self._known = {
            one.model
            for route in config.routes
            for one in route.targets
            if not is_apart(self._whose[one.upstream])
        }
        self._theirs: dict[str, set[str]] = {}  # stand-in -> the names that it plays
        self._targets = {one.name: self._mapped(one) for one in config.routes}
        self.asked = tuple(self._asked())
        for one in config.upstreams:
            self._notes[self._told(one)] = None
        self._notes.update(dict.fromkeys((*left_out(config), *reach.notes(config))))
        if OWN in self._whose.values():
            self._notes["answers of your own engines cost nothing here"] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as the file says."""
        return tuple(self._notes)

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._whose)

    @property
    def has_engines(self) -> bool:
        """Whether somebody is asked who is none of the emulated providers."""
        return any(is_apart(one) for one in self._whose.values())

    @property
    def providers(self) -> dict[str, str]:
        """Whose each upstream is."""
        return dict(self._whose)

    @property
    def models(self) -> dict[str, dict[str, str]]:
        """What callers can ask for -> whose -> which model it is there; engines' have no price."""
        found: dict[str, dict[str, str]] = {}
        for route in self._config.routes:
            asked = self._ask(route)
            if asked is None:
                continue
            mine = found.setdefault(asked.model, {})
            for one in self._targets[route.name]:
                whose = self._whose[one.upstream]
                mine.setdefault(whose, "" if whose == OWN else one.model or asked.model)
        return found

    @property
    def names(self) -> dict[str, str]:
        """What plays a model of theirs -> its own name, where it plays no other."""
        return {
            stand_in: next(iter(theirs))
            for stand_in, theirs in self._theirs.items()
            if len(theirs) == 1
        }

    @property
    def apart(self) -> Apart:
        """Which models do not fail with the provider whose they are."""
        served: dict[bool, set[str]] = {False: set(), True: set()}
        for targets in self._targets.values():
            for one in targets:
                served[is_apart(self._whose[one.upstream])].add(one.model)
        return Apart(
            frozenset(served[True] - served[False]), frozenset(served[True] & served[False])
        )

    def of(self, size: str) -> tuple[Asked, ...]:
        """Return what callers may ask for who want a model of this size."""
        return tuple(one for one in self.asked if one.size == size) or self.asked

    def emulated(self, where: Emulated) -> Config:
        """Return it with every upstream at an emulator."""
        config = self._config
        return Config(
            gateway=Gateway(
                workers=config.gateway.workers,
                exchanges_max=config.gateway.exchanges_max,
                limits=config.gateway.limits,
                keep=config.gateway.keep,
                drain_s=DRAIN_S,
            ),
            timeouts=config.timeouts,
            breaker=config.breaker,
            retry=config.retry,
            admission=config.admission,
            upstreams=tuple(self._upstream(one, where) for one in config.upstreams),
            routes=tuple(
                msgspec.structs.replace(one, targets=self._targets[one.name])
                for one in config.routes
            ),
            objectives=config.objectives,
            watch=config.watch,
            components=config.components,
            probes=tuple(_probes(config.probes)),
            chat=Chat(
                is_enabled=config.chat.is_enabled,
                name=config.chat.name,
                models=config.chat.models,
                auto=config.chat.auto,
                system_prompt=config.chat.system_prompt,
                answer_tokens_max=config.chat.answer_tokens_max,
            ),
        )

    def quotas(self) -> dict[str, dict[str, int]]:
        """Return what an account of each emulated provider may use: the largest that is declared.

        Where one account has none declared, there is no limit: whose is smaller keeps to it.
        """
        return {
            provider: limits
            for provider in EMULATED
            if (limits := dict(_over(max, self._accounts(provider))))
        }

    def rooms(self) -> tuple[Room, ...]:
        """Return what each takes that is asked: all accounts together. None: no quota is declared.

        Where no quota and no other bound is declared the room has no end.
        """
        if not any(_limits(one) for one in self._config.upstreams):
            return ()
        return tuple(
            _room(whose, [one for one in self._config.upstreams if self._whose[one.name] == whose])
            for whose in dict.fromkeys(self._whose.values())
        )

    def _accounts(self, whose: str) -> list[dict[str, int]]:
        return [_limits(one) for one in self._config.upstreams if self._whose[one.name] == whose]

    def _upstream(self, one: Upstream, where: Emulated) -> Upstream:
        whose = self._whose[one.name]
        emulator = where.engines if is_apart(whose) else where.providers
        surface, more = SURFACES[_played(whose, one), one.dialect]
        return msgspec.structs.replace(
            one,
            base_url=emulator.urls[surface] + more,
            api_key_env="",
            api_key_file=where.key_files[one.name],
            api_version="",
            headers={},
            metrics_url="",
            tls_ca_file="",
            engine=None,
            passes_priority=False,
            tier_headers=None,
        )

    def _mapped(self, route: Route) -> tuple[Target, ...]:
        return tuple(
            msgspec.structs.replace(one, model=self._model(one)) if one.model else one
            for one in route.targets
        )

    def _model(self, target: Target) -> str:
        upstream = next(one for one in self._config.upstreams if one.name == target.upstream)
        provider = _played(self._whose[upstream.name], upstream)
        if target.model in EMULATED[provider]:
            return target.model
        stand_in = MODELS[_size(target.model)][provider]
        if is_apart(self._whose[upstream.name]):
            stand_in = next((one for one in EMULATED[provider] if one not in self._known), stand_in)
        self._theirs.setdefault(stand_in, set()).add(target.model)
        told = f'"{target.model}" of "{target.upstream}" is played by "{stand_in}"'
        self._notes[f"the model {told}"] = None
        return stand_in

    def _asked(self) -> Iterator[Asked]:
        """Yield what callers can ask for: plain names, and a model of each pattern."""
        for route in self._config.routes:
            asked = self._ask(route)
            if asked is None:
                told = f'nobody asks for "{route.name}": no emulated model is like it'
                self._notes[told] = None
            else:
                yield asked

    def _ask(self, route: Route) -> Asked | None:
        """Return what a caller of a route asks for; None if no emulated model is like it."""
        first = self._targets[route.name][0]
        whose = self._whose[first.upstream]
        upstream = next(one for one in self._config.upstreams if one.name == first.upstream)
        provider = _played(whose, upstream)
        name = route.name
        if name.endswith("*"):
            name = next((one for one in EMULATED[provider] if fnmatchcase(one, route.name)), "")
        model = first.model or name
        if not name or model not in EMULATED[provider]:
            return None
        theirs = route.targets[0].model
        size = _size(theirs) if theirs and theirs != model else _size_of(model, provider)
        return Asked(name, size, whose, provider, model)

    def _told(self, one: Upstream) -> str:
        whose = self._whose[one.name]
        told = f'the upstream "{one.name}" is played by'
        if is_apart(whose):
            return f"{told} an emulator that does not fail: it is no part of this outage"
        return f"{told} an emulated {words.provider(whose)}"


def left_out(config: Config) -> Iterator[str]:
    """Yield what of a configuration has no part in a drill."""
    ups = config.upstreams
    gone = {
        "certificates": config.gateway.tls_cert_file,
        "the ledger's database (a file stands in)": config.control.database_url,
        "receivers of alerts": config.alerts.receivers,
        "traces": config.traces.endpoint,
        "your identity provider (an emulated one stands in)": config.chat.oidc.issuer,
        "metrics of engines": any(one.metrics_url for one in ups),
        "the order in engines by tier": any(one.passes_priority or one.tier_headers for one in ups),
        "headers and pinned versions": any(one.headers or one.api_version for one in ups),
    }
    if told := [name for name, there in gone.items() if there]:
        yield f"left out: {words.listed(told)}"
    yield "keys and secrets were neither needed nor read"


def _limits(upstream: Upstream) -> dict[str, int]:
    quota = upstream.quota
    found = {"requests_per_min": quota.requests_per_min, "tokens_per_min": quota.tokens_per_min}
    return {name: limit for name, limit in found.items() if limit is not None}


def _over(
    how: Callable[[Iterable[int]], int], accounts: Sequence[Mapping[str, int]]
) -> Iterator[tuple[str, int]]:
    """Yield each limit that all accounts have: the largest, or their sum."""
    for name in LIMITS:
        known = [one[name] for one in accounts if name in one]
        if accounts and len(known) == len(accounts):
            yield name, how(known)


def _room(whose: str, upstreams: Sequence[Upstream]) -> Room:
    found = dict(_over(sum, [_limits(one) for one in upstreams]))
    tokens, calls = found.get("tokens_per_min"), found.get("requests_per_min")
    is_bounded = all(one.concurrency_max != UNBOUNDED for one in upstreams)
    return Room(
        provider=whose,
        slots=float(sum(one.concurrency_max for one in upstreams)) if is_bounded else None,
        tokens_per_s=tokens / MINUTE_S if tokens else None,
        calls_per_s=calls / MINUTE_S if calls else None,
    )


def _played(whose: str, upstream: Upstream) -> str:
    """Return whose catalogue an upstream has in the drill."""
    return BY_DIALECT[upstream.dialect] if is_apart(whose) else whose


def _size(model: str) -> str:
    parts = set(PARTS.split(model.lower()))
    return next((size for word, size in SIZES.items() if word in parts), BALANCED)


def _size_of(model: str, provider: str) -> str:
    """Return the size of an emulated model: as the catalogue of routes has it, else by its name."""
    return next(
        (size for size, models in MODELS.items() if models[provider] == model), _size(model)
    )


def _probes(probes: Sequence[Probe]) -> Iterator[Probe]:
    """Yield those that go to routes and upstreams; others would reach what is really there."""
    for one in probes:
        if one.kind is ProbeKind.API:
            yield one
