"""Status, components, probes, pages: contradictions are found at their places, the rest passes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config import check
from penstock.config.model import Config, DialectName, Emulate, Route, Target, Upstream
from penstock.config.watching import (
    Component,
    PageKind,
    Probe,
    ProbeKind,
    ProviderPage,
    Status,
    Surface,
    Watching,
)

A = Upstream(name="a", dialect=DialectName.OPENAI_CHAT, base_url="https://a.example/v1")
R = Route(name="auto", targets=(Target(upstream="a"),))
ANY = Route(name="gpt-*", targets=(Target(upstream="a"),))
CONFIG = Config(upstreams=(A,), routes=(R, ANY))
MODEL = Component(name="GPT", upstreams=("a",), models=("gpt-*",), provider="openai")
WEB = Component(name="Web chat", surface=Surface.WEB)
SHARED = Component(name="CDN", is_shared=True)
API = Probe(name="api", kind=ProbeKind.API, route="auto", dialect="openai_chat")
PAST = Probe(name="past", kind=ProbeKind.API, upstream="a", model="gpt-5.6")
HTTP = Probe(name="page", kind=ProbeKind.HTTP, url="https://x.example/", components=("CDN",))
NAME = Probe(name="name", kind=ProbeKind.NAME, url="tcp://x.example:53", components=("CDN",))
LOGIN = Probe(
    name="login",
    kind=ProbeKind.LOGIN,
    url="https://x.example/login",
    user="probe@example.org",
    password_env="PROBE",
    components=("Web chat",),
)
CHAT = msgspec.structs.replace(LOGIN, name="chat", kind=ProbeKind.CHAT)
HEALTH = msgspec.structs.replace(HTTP, name="health", kind=ProbeKind.HEALTH, expects="sessions")
PAGE = ProviderPage(
    name="Claude", provider="anthropic", kind=PageKind.STATUSPAGE, url="https://status.example"
)


def changed(struct: Any, **values: Any) -> Any:
    return msgspec.structs.replace(struct, **values)


def config(**values: Any) -> Config:
    return changed(CONFIG, components=(MODEL, WEB, SHARED), **values)


def probing(one: Probe, **values: Any) -> Config:
    return config(probes=(changed(one, **values),))


def component(one: Component, **values: Any) -> Config:
    return changed(CONFIG, components=(changed(one, **values),))


def status(**values: Any) -> Config:
    return changed(CONFIG, status=Status(**values))


def page(**values: Any) -> Config:
    return config(provider_pages=(changed(PAGE, **values),))


def places(given_config: Config) -> list[str]:
    return [problem.place for problem in check.problems(given_config)]


GOOD = [
    config(probes=(API, PAST, HTTP, NAME, LOGIN, CHAT, HEALTH), provider_pages=(PAGE,)),
    status(hosts=("status.example.org", "http://s.example:8403"), host="::1"),
    status(trusted_proxies=("10.0.0.5", "10.0.0.0/24", "fd00::/8"), history_days=91),
    status(public_url="https://status.example.org/", push_command=("rsync", "-a")),
    probing(LOGIN, password_env="", password_file="/run/secret"),
    # Without components, routes and upstreams, all are made at the start.
    Config(emulate=Emulate(is_enabled=True), probes=(API, PAST, HTTP)),
]


@pytest.mark.parametrize("given_config", GOOD)
def test_what_is_meant_has_no_problems(given_config: Config) -> None:
    assert places(given_config) == []


MANY = tuple(changed(WEB, name=f"{at}") for at in range(201))
P0, C0, G0 = "probes[0]", "components[0]", "provider_pages[0]"
BAD: list[tuple[Config, str]] = [
    (status(host="http://x"), "status.host"),
    (status(hosts=("a/b",)), "status.hosts[0]"),
    (status(public_url="status.example.org"), "status.public_url"),
    (status(admin_url="ftp://x"), "status.admin_url"),
    (status(control_url="https://u:p@x"), "status.control_url"),
    (status(trusted_proxies=("proxy",)), "status.trusted_proxies[0]"),
    (status(name=" "), "status.name"),
    (status(push_command=("",)), "status.push_command[0]"),
    (status(reports_days=0), "status.reports_days"),
    (status(history_days=90), "status.history_days"),
    (status(port=0), "status.port"),
    (changed(CONFIG, watch=Watching(poll_s=61.0)), "watch.poll_s"),
    (changed(CONFIG, watch=Watching(poll_s=0.0)), "watch.poll_s"),
    (component(MODEL, name=""), f"{C0}.name"),
    (component(MODEL, upstreams=("b",)), f"{C0}.upstreams"),
    (component(MODEL, routes=("auto",)), f"{C0}.upstreams"),
    (component(WEB, routes=("other",)), f"{C0}.routes"),
    (component(WEB, models=("gpt",)), f"{C0}.models"),
    (component(WEB, provider="openai"), f"{C0}.provider"),
    (component(SHARED, surface=Surface.API), f"{C0}.is_shared"),
    (changed(CONFIG, components=(WEB, WEB)), "components[1].name"),
    (changed(CONFIG, components=MANY), "components"),
    (probing(API, name=""), f"{P0}.name"),
    (probing(API, route=""), P0),
    (probing(API, upstream="a", dialect=""), P0),
    (probing(API, route="other"), f"{P0}.route"),
    (probing(API, route="gpt-*"), f"{P0}.route"),
    (probing(API, dialect="latin"), f"{P0}.dialect"),
    (probing(API, model="m"), f"{P0}.model"),
    (probing(PAST, upstream="b"), f"{P0}.upstream"),
    (probing(PAST, dialect="openai_chat"), f"{P0}.dialect"),
    (probing(API, budget_usd_day=0.0), f"{P0}.budget_usd_day"),
    (probing(API, url="https://x"), f"{P0}.url"),
    (probing(API, expects="x"), f"{P0}.expects"),
    (probing(API, components=("GPT-5",)), f"{P0}.components"),
    (probing(API, interval_s=1.0), f"{P0}.interval_s"),
    (probing(API, slow_s=12.0), f"{P0}.slow_s"),
    (probing(HTTP, url=""), f"{P0}.url"),
    (probing(HTTP, url="x.example"), f"{P0}.url"),
    (probing(HTTP, url="tcp://x.example:1"), f"{P0}.url"),
    (probing(HTTP, url="https://x.example:99999"), f"{P0}.url"),
    (probing(HTTP, components=()), f"{P0}.components"),
    (probing(HTTP, user="u"), f"{P0}.user"),
    (probing(NAME, expects="x"), f"{P0}.expects"),
    (probing(LOGIN, user=""), f"{P0}.user"),
    (probing(LOGIN, password_env=""), f"{P0}.password_env"),
    (probing(LOGIN, password_file="/x"), f"{P0}.password_env"),
    (probing(CHAT, user=""), f"{P0}.user"),
    (probing(CHAT, budget_usd_day=0.0), f"{P0}.budget_usd_day"),
    (probing(HEALTH, expects=""), f"{P0}.expects"),
    (config(probes=(API, API)), "probes[1].name"),
    (page(url=""), f"{G0}.url"),
    (page(url="x"), f"{G0}.url"),
    (page(provider=""), f"{G0}.provider"),
    (page(interval_s=5.0), f"{G0}.interval_s"),
    (config(provider_pages=(PAGE, PAGE)), "provider_pages[1].name"),
]  # fmt: skip


@pytest.mark.parametrize(("given_config", "place"), BAD)
def test_each_contradiction_is_found_at_its_place(given_config: Config, place: str) -> None:
    assert places(given_config) == [place]
    assert all(problem.remedy for problem in check.problems(given_config))


DOUBTFUL: list[tuple[Config, str]] = [
    (status(host="status.internal"), "status.public_url"),
    (status(trusted_proxies=("0.0.0.0/0",)), "status.trusted_proxies[0]"),
    (status(control_url="https://c.example"), "status.control_token_file"),
    (component(Component(name="lost")), C0),
    (probing(LOGIN, url="http://x.example/login"), f"{P0}.url"),
    (probing(API, timeout_s=16.0), f"{P0}.timeout_s"),
]


@pytest.mark.parametrize(("given_config", "place"), DOUBTFUL)
def test_what_may_not_be_meant_is_a_warning(given_config: Config, place: str) -> None:
    assert places(given_config) == []
    assert place in [problem.place for problem in check.warnings(given_config)]


@given(st.builds(Probe, name=st.text(max_size=3), kind=st.sampled_from(ProbeKind), url=st.text()))
def test_no_probe_is_too_strange_to_be_checked(probe: Probe) -> None:
    places(config(probes=(probe,)))
    list(check.warnings(config(probes=(probe,))))
