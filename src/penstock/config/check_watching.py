"""What is wrong with ``[status]``, ``[watch]``, components, probes and providers' pages.

    status      a host; URLs that are some; proxies by address or network; a history of a quarter
    watch       a look at the counters at least once a minute, or nothing is found within one
    component   a name of its own; routes and upstreams that there are; one way to be measured
    probe       a name of its own; what its kind needs, and nothing that says nothing to it; slow
                before it is too late
    page        a name of its own; asked politely

Pure, as ``check`` is.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from penstock.config import addresses, naming
from penstock.config.model import Config, DialectName
from penstock.config.watching import Component, Probe, ProbeKind, ProviderPage, Status
from penstock.core.errors import Problem

COMPONENTS_MAX: Final = 200  # of which a page can still be read
PROBES_MAX: Final = 200
PAGES_MAX: Final = 50
NAME_CHARS_MAX: Final = 80
HISTORY_DAYS_MIN: Final = 91  # of bars, and today
POLL_S_MAX: Final = 60.0
INTERVAL_S_MIN: Final = 5.0  # of a probe: more is load, and finds nothing sooner
PAGE_INTERVAL_S_MIN: Final = 15.0  # it is somebody else's server
# What each kind of probe is told, beside what all are.
FIELDS: Final = {
    ProbeKind.API: frozenset({"upstream", "route", "dialect", "model"}),
    ProbeKind.HTTP: frozenset({"url", "expects"}),
    ProbeKind.LOGIN: frozenset({"url", "user", "password_env", "password_file"}),
    ProbeKind.CHAT: frozenset({"url", "user", "password_env", "password_file"}),
    ProbeKind.HEALTH: frozenset({"url", "expects"}),
    ProbeKind.NAME: frozenset({"url"}),
}
TOLD: Final = sorted(frozenset[str]().union(*FIELDS.values()))


def problems(config: Config) -> Iterator[Problem]:
    """Yield every contradiction: where it is, what is wrong, what would be right."""
    yield from _status(config.status)
    if config.watch.poll_s > POLL_S_MAX:
        remedy = f"at most {POLL_S_MAX:g}: or nothing is found within a minute"
        yield Problem("watch.poll_s", f"is {config.watch.poll_s:g}", remedy)
    yield from _listed("components", config.components, COMPONENTS_MAX)
    yield from _listed("probes", config.probes, PROBES_MAX)
    yield from _listed("provider_pages", config.provider_pages, PAGES_MAX)
    for at, component in enumerate(config.components):
        yield from _component(component, config, f"components[{at}]")
    for at, probe in enumerate(config.probes):
        yield from _probe(probe, config, f"probes[{at}]")
    for at, page in enumerate(config.provider_pages):
        yield from _page(page, f"provider_pages[{at}]")


def warnings(config: Config) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    status = config.status
    if status.host not in addresses.LOOPBACK and not status.public_url:
        remedy = "set it to where people see the page"
        yield Problem("status.public_url", "is empty, so links lead to its own address", remedy)
    yield from addresses.trusting("status", status.trusted_proxies, "where a report comes from")
    if status.control_url and not status.control_token_file:
        remedy = "add it, or credits and budgets say 'not available yet'"
        yield Problem("status.control_token_file", "is empty, and control asks for one", remedy)
    probed = {name for probe in config.probes for name in probe.components}
    for at, one in enumerate(config.components):
        if not (one.routes or one.upstreams or one.surface or one.name in probed):
            remedy = "add routes or upstreams, or a probe that names it"
            yield Problem(f"components[{at}]", "is measured by nothing but reports", remedy)
    for at, probe in enumerate(config.probes):
        yield from _doubts(probe, f"probes[{at}]")


def _doubts(probe: Probe, place: str) -> Iterator[Problem]:
    url = addresses.split(probe.url)
    is_in_clear = (
        url is not None and url.scheme == "http" and url.hostname not in addresses.LOOPBACK
    )
    if probe.kind is ProbeKind.LOGIN and is_in_clear:
        yield Problem(f"{place}.url", "its password travels in clear", "use https")
    if probe.timeout_s > probe.interval_s:
        message = "is longer than interval_s: while one hangs, the next does not begin"
        yield Problem(f"{place}.timeout_s", message, "make it shorter")


def _status(status: Status) -> Iterator[Problem]:
    yield from _places(status)
    if not status.name.strip() or len(status.name) > NAME_CHARS_MAX:
        remedy = f"1 to {NAME_CHARS_MAX} characters"
        yield Problem("status.name", "is not a name for a page", remedy)
    if status.push_command and not status.push_command[0]:
        yield Problem("status.push_command[0]", "is empty", "name the program, or leave it out")
    if status.reports_days < 1:
        yield Problem("status.reports_days", f"is {status.reports_days}", "at least 1")
    if status.history_days < HISTORY_DAYS_MIN:
        remedy = f"at least {HISTORY_DAYS_MIN}: the page shows 90 days"
        yield Problem("status.history_days", f"is {status.history_days}", remedy)


def _places(status: Status) -> Iterator[Problem]:
    yield from addresses.listening("status", status.host)
    yield from addresses.hosts("status", status.hosts, "status.example.org:8403")
    for name in ("public_url", "admin_url", "control_url"):
        yield from addresses.url(f"status.{name}", str(getattr(status, name)), addresses.WEB)
    yield from addresses.proxies("status", status.trusted_proxies)


def _listed(
    place: str, listed: Sequence[Component | Probe | ProviderPage], most: int
) -> Iterator[Problem]:
    if len(listed) > most:
        yield Problem(place, f"are {len(listed)}", f"there may be {most}")
    first: dict[str, int] = {}
    for at, one in enumerate(listed):
        if not one.name.strip() or len(one.name) > NAME_CHARS_MAX:
            remedy = f"1 to {NAME_CHARS_MAX} characters"
            yield Problem(f"{place}[{at}].name", f"{one.name!r} is not a name", remedy)
        elif one.name in first:
            other = f"{place}[{first[one.name]}]"
            yield Problem(f"{place}[{at}].name", f"{one.name!r} is {other} too", "rename one")
        first.setdefault(one.name, at)


def _component(one: Component, config: Config, place: str) -> Iterator[Problem]:
    yield from naming.all_known(f"{place}.routes", "route", one.routes, _routes(config))
    yield from naming.all_known(f"{place}.upstreams", "upstream", one.upstreams, _upstreams(config))
    if one.models and not one.upstreams:
        remedy = "add upstreams, whose models these are"
        yield Problem(f"{place}.models", "are of no upstream", remedy)
    if one.routes and one.upstreams:
        message = "stand beside routes, and it can be measured by one of them only"
        yield Problem(f"{place}.upstreams", message, "make two components of it")
    if one.is_shared and (one.surface or one.routes or one.upstreams):
        message = "is what others rest on, and has a surface, routes or upstreams of its own"
        yield Problem(f"{place}.is_shared", message, "remove one of them")
    if one.provider and not one.upstreams:
        yield Problem(f"{place}.provider", "is whose models, and there are none", "add upstreams")


def _probe(probe: Probe, config: Config, place: str) -> Iterator[Problem]:
    for name in TOLD:
        if getattr(probe, name) and name not in FIELDS[probe.kind]:
            message = f"says nothing to a probe of kind {probe.kind.value}"
            yield Problem(f"{place}.{name}", message, "remove it")
    yield from _by_kind(probe.kind)(probe, config, place)
    names = [one.name for one in config.components]
    if config.components:  # else they are found at the start
        yield from naming.all_known(f"{place}.components", "component", probe.components, names)
    if probe.interval_s < INTERVAL_S_MIN:
        remedy = f"at least {INTERVAL_S_MIN:g}"
        yield Problem(f"{place}.interval_s", f"is {probe.interval_s:g}", remedy)
    if probe.slow_s >= probe.timeout_s:
        remedy = "make it shorter: what is later has failed, and nothing is ever slow"
        yield Problem(f"{place}.slow_s", "is not before timeout_s", remedy)


Check = Callable[[Probe, Config, str], Iterator[Problem]]


def _by_kind(kind: ProbeKind) -> Check:
    if kind is ProbeKind.API:
        return _api
    if kind is ProbeKind.LOGIN:
        return _login
    return _chat if kind is ProbeKind.CHAT else _place


def _api(probe: Probe, config: Config, place: str) -> Iterator[Problem]:
    if bool(probe.route) == bool(probe.upstream):
        remedy = "route = through the gateway, upstream = past it"
        yield Problem(place, "needs either a route or an upstream, one of them", remedy)
    yield from naming.all_known(f"{place}.route", "route", _one(probe.route), _routes(config))
    known = _upstreams(config)
    yield from naming.all_known(f"{place}.upstream", "upstream", _one(probe.upstream), known)
    dialects = [one.value for one in DialectName]
    yield from naming.all_known(f"{place}.dialect", "dialect", _one(probe.dialect), dialects)
    if probe.dialect and probe.upstream:
        yield Problem(f"{place}.dialect", "is the upstream's own", "remove it")
    if probe.model and probe.route:
        yield Problem(f"{place}.model", "is for the route to choose", "remove it")
    if probe.route.endswith("*"):
        yield Problem(f"{place}.route", "is a prefix, which nobody can ask for", "name a route")
    yield from _budget(probe, place)


def _budget(probe: Probe, place: str) -> Iterator[Problem]:
    if not probe.budget_usd_day > 0:
        remedy = "above 0: spent, it is asked no more that day"
        yield Problem(f"{place}.budget_usd_day", f"is {probe.budget_usd_day:g}", remedy)


def _login(probe: Probe, config: Config, place: str) -> Iterator[Problem]:
    del config
    yield from _needed_url(probe, place, addresses.WEB)
    if not probe.user:
        yield Problem(f"{place}.user", "is missing", "name an account made for this probe alone")
    if bool(probe.password_env) == bool(probe.password_file):
        remedy = "add password_env or password_file, one of them"
        yield Problem(f"{place}.password_env", "a log-in needs a password by reference", remedy)


def _chat(probe: Probe, config: Config, place: str) -> Iterator[Problem]:
    yield from _login(probe, config, place)
    yield from _budget(probe, place)


def _place(probe: Probe, config: Config, place: str) -> Iterator[Problem]:
    del config
    is_web = probe.kind is not ProbeKind.NAME
    schemes = addresses.WEB if is_web else (*addresses.WEB, "tcp")
    yield from _needed_url(probe, place, schemes)
    if probe.kind is ProbeKind.HEALTH and not probe.expects:
        yield Problem(f"{place}.expects", "is missing", "name the state that is meant")
    if not probe.components:
        remedy = "add components = [...], by their names on the page"
        yield Problem(f"{place}.components", "are none, so it speaks for nothing", remedy)


def _page(page: ProviderPage, place: str) -> Iterator[Problem]:
    yield from addresses.url(f"{place}.url", page.url or "(empty)", addresses.WEB)
    if not page.provider:
        yield Problem(f"{place}.provider", "is empty", "name whose models it speaks of")
    if page.interval_s < PAGE_INTERVAL_S_MIN:
        remedy = f"at least {PAGE_INTERVAL_S_MIN:g}: it is somebody else's server"
        yield Problem(f"{place}.interval_s", f"is {page.interval_s:g}", remedy)


def _needed_url(probe: Probe, place: str, schemes: Sequence[str]) -> Iterator[Problem]:
    if not probe.url:
        yield Problem(f"{place}.url", "is missing", "add what is to be asked")
    yield from addresses.url(f"{place}.url", probe.url, schemes)


def _one(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _routes(config: Config) -> list[str]:
    return [one.name for one in config.routes]


def _upstreams(config: Config) -> list[str]:
    return [one.name for one in config.upstreams]
