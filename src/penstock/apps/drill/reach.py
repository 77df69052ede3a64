"""A configuration led through a drill's doors: whoever comes, and whatever probes, meets them.

names     the doors are ``hosts`` of chat and console, and the way back from a log-in leads there;
          addresses that they and the status page are told of are believed, as behind a proxy
probes    what the status page asks of itself goes through the doors: web chat, log-in, what the
          chat says of each way in, console; each route and each model, as often as what it costs
          nothing is asked: a drill is short. Configured probes of models and routes stay; others
          are left out, since they ask what is not part of the drill
log-in    of people by an identity provider: an emulated one, in place of their own
page      of the drill's provider, emulated, in place of those that are configured

Nothing else is changed. ``notes`` says what was left out. Pure.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from penstock.config.chatting import PROBE_FILE, PROBE_USER, Oidc
from penstock.config.model import Config
from penstock.config.watching import PageKind, Probe, ProbeKind, ProviderPage, Surface

LOOPBACK: Final = ("127.0.0.1",)
EVERY_S: Final = 15.0  # four a minute find a whole outage within one
VISIT_S: Final = 10.0  # of a person's whole visit, or log-in
PAGE_EVERY_S: Final = 5.0  # of a page, or a state: a half that fails is to be found in a window
WITHIN_S: Final = 10.0
SLOW_S: Final = 5.0
POSTS_S: Final = 15.0  # as often as a provider's page may be read
PROBES_MAX: Final = 24  # of routes and models: 100 questions a minute are traffic of their own
LOG_IN: Final = "/login?next=/api/v1/me"  # which needs the session that a log-in gives
CLIENT: Final = "penstock"  # that the emulated identity provider knows; public, so no secret
FORM: Final = 'type="password"'
PREFIX: Final = "drill: "
NAMES: Final = {Surface.WEB: "Web chat", Surface.LOGIN: "Log-in", Surface.CONSOLE: "Console"}


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Where a drill's own servers are."""

    chat_url: str
    console_url: str
    issuer: str = ""  # of an emulated identity provider; empty: the chat's own stays
    page_url: str = ""
    page_provider: str = ""  # whose page it is, as components call it; empty: there is none


def led(config: Config, reach: Reach, state_dir: Path) -> Config:
    """Return the configuration with all that comes led through the doors."""
    replace = msgspec.structs.replace
    return replace(
        config,
        chat=replace(
            config.chat,
            hosts=(reach.chat_url,),
            trusted_proxies=LOOPBACK,
            oidc=Oidc(issuer=reach.issuer, client_id=CLIENT) if reach.issuer else config.chat.oidc,
        ),
        control=replace(config.control, hosts=(reach.console_url,)),
        status=replace(
            config.status, hosts=(), public_url="", trusted_proxies=LOOPBACK, takes_reports=True
        ),
        probes=tuple(_probes(config, reach, state_dir)),
        provider_pages=tuple(_pages(reach)),
    )


def notes(config: Config) -> Iterator[str]:
    """Yield what is left out of a configuration."""
    gone = [one.name for one in config.probes if one.kind is not ProbeKind.API]
    if gone:
        yield f"these probes were not made, since they ask what was no part: {', '.join(gone)}"
    if config.provider_pages:
        yield "no provider's own status page was read: an emulated one spoke in its place"


def _pages(reach: Reach) -> Iterator[ProviderPage]:
    if reach.page_url and reach.page_provider:
        yield ProviderPage(
            name=f"{reach.page_provider} (emulated)",
            provider=reach.page_provider,
            kind=PageKind.STATUSPAGE,
            url=reach.page_url,
            interval_s=POSTS_S,
        )


def _probes(config: Config, reach: Reach, state_dir: Path) -> Iterator[Probe]:
    kept = [one for one in config.probes if one.kind is ProbeKind.API]
    yield from kept
    yield from _at_doors(config, reach, state_dir)
    asked = {one.route or (one.upstream, one.model) for one in kept}
    made = [one for one in _asking(config) if (one.route or (one.upstream, one.model)) not in asked]
    yield from made[:PROBES_MAX]


def _asking(config: Config) -> Iterator[Probe]:
    """Yield a probe of each model that a route names, and of each route."""
    models = {
        (target.upstream, target.model or route.name)
        for route in config.routes
        for target in route.targets
        if target.model or not route.name.endswith("*")
    }
    for upstream, model in sorted(models):
        name = f"{PREFIX}{upstream} {model}"
        yield _probe(name, ProbeKind.API, upstream=upstream, model=model)
    for route in config.routes:
        if not route.name.endswith("*"):
            yield _probe(f"{PREFIX}route {route.name}", ProbeKind.API, route=route.name)


def _at_doors(config: Config, reach: Reach, state_dir: Path) -> Iterator[Probe]:
    web, login, console = (_named(config, one) for one in NAMES)
    if config.chat.is_enabled:
        way = {
            "url": f"{reach.chat_url}{LOG_IN}",
            "user": PROBE_USER,
            "password_file": str(state_dir / PROBE_FILE),
        }
        health = f"{reach.chat_url}/health"
        yield from _spoken(web, "a visit to the chat", ProbeKind.CHAT, **way)
        yield from _spoken(login, "a log-in", ProbeKind.LOGIN, **way)
        yield from _spoken(web, "sessions", ProbeKind.HEALTH, url=health, expects="sessions")
        ways = ["password", *(["oidc"] if reach.issuer or config.chat.oidc.issuer else [])]
        for one in ways:
            yield from _spoken(login, f"by {one}", ProbeKind.HEALTH, url=health, expects=one)
    if config.control.is_enabled:
        form = {"url": f"{reach.console_url}/login", "expects": FORM}
        yield from _spoken(console, "the console", ProbeKind.HTTP, **form)


def _spoken(names: tuple[str, ...], what: str, kind: ProbeKind, **given: str) -> Iterator[Probe]:
    """Yield a probe that speaks for some components, if there are any."""
    if names:
        every_s = PAGE_EVERY_S if kind in (ProbeKind.HTTP, ProbeKind.HEALTH) else VISIT_S
        made = _probe(f"{PREFIX}{what}", kind, **given)
        yield msgspec.structs.replace(made, components=names, interval_s=every_s)


def _probe(name: str, kind: ProbeKind, **given: str) -> Probe:
    made = Probe(name=name, kind=kind, interval_s=EVERY_S, timeout_s=WITHIN_S, slow_s=SLOW_S)
    return msgspec.structs.replace(made, **given)


def _named(config: Config, surface: Surface) -> tuple[str, ...]:
    """Return the names of the components that are a surface."""
    if not config.components:
        return (NAMES[surface],)
    return tuple(one.name for one in config.components if one.surface is surface)
