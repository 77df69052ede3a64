"""Which probes there are: those of the configuration, and those found by themselves.

    configured   [[probes]]; without ``components`` a probe speaks for what it asks: a route and the
                 surfaces API and streaming, or the models of an upstream
    found        for each component that no configured one speaks for, unless ``finds_probes`` is
                 false:
                     each route       asked through the gateway; speaks for API and streaming too,
                                      which is why one without a component of its own is asked
                     each model       asked at the first of its upstreams, past the gateway; where
                                      a component names no model: the first that a route names
                     console          the page with the form, where control runs: no log-in is made,
                                      for there is nobody whose password we would know; log-in
                                      too, where no chat runs
                     web chat         where it runs: a visit to the last token, by an account that
                                      the chat has made for it; and that sessions hold
                     log-in           where the chat runs: a fresh one; and what the chat says of
                                      each way in, told apart
                     status page      fetched where people see it

What costs money is asked as seldom as FOUND_USD_DAY allows, for all found ones together: with seven
of them, at a fortieth of a cent a question, each about every ten minutes. Emulated providers and
engines of our own cost nothing, and are asked every FREE_S.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penstock.apps.status.components import Planned
from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import telemetry
from penstock.apps.status.watching.probing.network import is_local
from penstock.config.chatting import PROBE_FILE, PROBE_USER
from penstock.config.model import Config, Upstream
from penstock.config.watching import Probe, ProbeKind, Surface
from penstock.watch.component import Layer
from penstock.watch.confirming import EARNS

FOUND_USD_DAY: Final = 0.25  # of all found probes together
FREE_S: Final = 15.0
PAID_S_MIN: Final = 60.0
PAGE_S: Final = 30.0
SECONDS_A_DAY: Final = 86_400.0
OURS: Final = (Surface.API.value, Surface.STREAMING.value)  # what each route is part of
LOG_IN: Final = "/login?next=/api/v1/me"  # which needs the session that a log-in gives
FORM: Final = 'type="password"'  # what the page of a log-in holds


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One probe, and the components that it speaks for."""

    probe: Probe
    components: tuple[str, ...]  # ids
    is_found: bool = False
    is_paid: bool = False

    def interval_s(self, cost_microusd: int, found_paid: int) -> float:
        """Return how long to wait from one to the next."""
        if not self.is_found or not self.is_paid:
            return self.probe.interval_s
        share_microusd = FOUND_USD_DAY * 1_000_000 / max(1, found_paid)
        share_microusd *= EARNS / (EARNS + 1.0)  # the rest is for what confirms
        return max(PAID_S_MIN, SECONDS_A_DAY * cost_microusd / share_microusd)


def tasks_of(parts: Parts) -> tuple[Task, ...]:
    """Return all probes."""
    config, plan = parts.config, parts.plan
    configured = [
        Task(probe=one, components=spoken_for(one, plan), is_paid=_is_paid(one, parts))
        for one in config.probes
    ]
    if not config.watch.finds_probes:
        return tuple(configured)
    covered = {id_ for task in configured for id_ in task.components}
    found = [
        task
        for task in _found(parts)
        if task.components and not covered.issuperset(task.components[:1])
    ]
    return (*configured, *found)


def spoken_for(probe: Probe, plan: Sequence[Planned]) -> tuple[str, ...]:
    """Return the ids of the components that a configured probe speaks for."""
    if probe.components:
        return tuple(one.id for one in plan if one.watched.name in probe.components)
    if probe.route:
        return tuple(one.id for one in plan if _is_of_route(one, probe.route))
    if probe.upstream:
        return tuple(one.id for one in plan if _is_of_model(one, probe.upstream, probe.model))
    surfaces = {ProbeKind.LOGIN: Surface.LOGIN.value, ProbeKind.CHAT: Surface.WEB.value}
    return tuple(one.id for one in plan if one.watched.surface == surfaces.get(probe.kind))


def _is_of_route(one: Planned, route: str) -> bool:
    if one.watched.layer is Layer.SURFACE:
        return one.watched.surface in OURS and route in one.routes
    return one.watched.layer is Layer.ROUTE and route in one.routes


def _is_of_model(one: Planned, upstream: str, model: str) -> bool:
    if one.watched.layer is not Layer.MODEL or upstream not in one.upstreams:
        return False
    return not model or not one.models or model in one.models


def _found(parts: Parts) -> Iterator[Task]:
    yield from _routes(parts)
    yield from _models(parts)
    yield from _pages(parts)
    yield from _chat(parts)


def _routes(parts: Parts) -> Iterator[Task]:
    config, plan = parts.config, parts.plan
    for route in config.routes:
        if route.name.endswith("*"):
            continue
        own = [
            one.id for one in plan if one.watched.layer is Layer.ROUTE and route.name in one.routes
        ]
        probe = Probe(
            name=f"route {route.name}", kind=ProbeKind.API, route=route.name, interval_s=FREE_S
        )
        every = spoken_for(probe, plan)
        components = tuple(dict.fromkeys((*own, *every)))
        yield Task(
            probe=probe, components=components, is_found=True, is_paid=_is_paid(probe, parts)
        )


def _models(parts: Parts) -> Iterator[Task]:
    for one in parts.plan:
        if one.watched.layer is not Layer.MODEL or not one.upstreams:
            continue
        upstream, model = _asked(one, parts.config)
        if not model:
            continue
        probe = Probe(
            name=f"model {upstream} {model}",
            kind=ProbeKind.API,
            upstream=upstream,
            model=model,
            interval_s=FREE_S,
        )
        yield Task(probe=probe, components=(one.id,), is_found=True, is_paid=_is_paid(probe, parts))


def _asked(one: Planned, config: Config) -> tuple[str, str]:
    """Return an upstream and a model of a component: one that it names, or that a route names."""
    named = next((name for name in one.models if not name.endswith("*")), "")
    if named:
        return one.upstreams[0], named
    for route in config.routes:
        for target in route.targets:
            model = target.model or ("" if route.name.endswith("*") else route.name)
            if model and target.upstream in one.upstreams and _is_among(model, one.models):
                return target.upstream, model
    return "", ""


def _is_among(model: str, patterns: Sequence[str]) -> bool:
    """Tell whether a model is meant: none named means all."""
    return not patterns or any(model.startswith(one.removesuffix("*")) for one in patterns)


def _chat(parts: Parts) -> Iterator[Task]:
    """Yield what is asked of the chat, where it runs: existing sessions, each way in, a visit."""
    url = telemetry.service_url(parts, "chat")
    if not url:
        return
    chat = parts.config.chat
    ways = {Surface.WEB: ["sessions"], Surface.LOGIN: ["password"]}
    ways[Surface.LOGIN] += ["oidc"] if chat.oidc.issuer else []
    ways[Surface.LOGIN] += ["guests"] if chat.guests else []
    kinds = {Surface.WEB: ProbeKind.CHAT, Surface.LOGIN: ProbeKind.LOGIN}
    for one in parts.plan:
        for surface, kind in kinds.items():
            if one.watched.surface != surface.value:
                continue
            probe = Probe(
                name=f"chat {kind.value}",
                kind=kind,
                url=f"{url}{LOG_IN}",
                user=PROBE_USER,
                password_file=str(parts.state_dir / PROBE_FILE),
                interval_s=PAGE_S,
            )
            is_paid = _is_paid(probe, parts)
            yield Task(probe=probe, components=(one.id,), is_found=True, is_paid=is_paid)
            for way in ways[surface]:
                state = Probe(
                    name=f"chat {way}",
                    kind=ProbeKind.HEALTH,
                    url=f"{url}/health",
                    expects=way,
                    interval_s=FREE_S,
                )
                yield Task(probe=state, components=(one.id,), is_found=True)


def _pages(parts: Parts) -> Iterator[Task]:
    for one in parts.plan:
        url, expects = _page_of(one, parts)
        if url:
            probe = Probe(
                name=f"page {one.watched.name}",
                kind=ProbeKind.HTTP,
                url=url,
                expects=expects,
                interval_s=PAGE_S,
            )
            yield Task(probe=probe, components=(one.id,), is_found=True)


def _page_of(one: Planned, parts: Parts) -> tuple[str, str]:
    """Return where a component can be fetched, and what it holds; empty: nowhere."""
    if one.key == "shared status page":
        return f"{parts.url}/", ""
    control = telemetry.service_url(parts, "control")
    if one.watched.surface == Surface.LOGIN.value and telemetry.service_url(parts, "chat"):
        return "", ""
    if not control or one.watched.surface not in {Surface.CONSOLE.value, Surface.LOGIN.value}:
        return "", ""
    return f"{control}/login", FORM


def upstream_of(config: Config, name: str) -> Upstream | None:
    """Return an upstream by its name."""
    return next((one for one in config.upstreams if one.name == name), None)


def _is_paid(probe: Probe, parts: Parts) -> bool:
    if probe.kind not in {ProbeKind.API, ProbeKind.CHAT}:
        return False
    config = parts.config
    names = [probe.upstream] if probe.upstream else _behind(config, asked_route(probe, config))
    asked = [one for name in names if (one := upstream_of(parts.config, name)) is not None]
    return any(costs(one, is_emulated=parts.is_emulated) for one in asked)


def asked_route(probe: Probe, config: Config) -> str:
    """Return the route that a probe asks: a visit asks the chat's own choice."""
    if probe.kind is not ProbeKind.CHAT:
        return probe.route
    plain = (one.name for one in config.routes if not one.name.endswith("*"))
    return config.chat.auto or next(iter(config.chat.models), "") or next(plain, "")


def _behind(config: Config, name: str) -> Iterable[str]:
    return [target.upstream for one in config.routes if one.name == name for target in one.targets]


def costs(upstream: Upstream, *, is_emulated: bool) -> bool:
    """Tell whether an upstream takes money: neither an engine of ours nor the emulator does."""
    if upstream.engine is not None:
        return False
    return not (is_emulated and is_local(urlsplit(upstream.base_url).hostname or ""))
