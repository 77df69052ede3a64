"""From a probe of the configuration to the one that is made: whom it asks, and with what.

What our own side lacks (a key that cannot be read, a route that is gone) makes a probe unknown: it
says nothing of whom it would have asked.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import telemetry
from penstock.apps.status.watching.probing import (
    api,
    budget,
    canary,
    chat,
    health,
    http,
    login,
    name,
    result,
)
from penstock.apps.status.watching.probing.api import Way
from penstock.apps.status.watching.probing.finding import Task, asked_route, upstream_of
from penstock.apps.status.watching.probing.network import Place
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.config import load, private_file
from penstock.config.declared import declared
from penstock.config.model import Config, Upstream
from penstock.config.watching import Probe, ProbeKind
from penstock.core.errors import PenstockError, StoreError
from penstock.core.price import PriceList, Rates
from penstock.dialects import capability
from penstock.dialects.registry import DIALECTS
from penstock.exchange.tenancy import rates_of as rates_of_price
from penstock.notify import outbound
from penstock.snapshot import file, keys

DIALECT: Final = "openai_chat"  # in which a route is asked, where nothing else is said
# What an SDK of each dialect has behind the gateway's address.
BELOW: Final = {"openai_chat": "/v1", "openai_responses": "/v1", "gemini_generate": "/v1beta"}
VERSIONS: Final = {"anthropic_messages": "2023-06-01"}


async def make(task: Task, parts: Parts, prices: PriceList, means: Means) -> Outcome:
    """Make a probe once."""
    try:
        if not task.probe.may_be_private and await _is_private(task.probe.url):
            return result.unknown("private")
        return await _made(task, parts, prices, means)
    except StoreError:
        return result.unknown("no_key")
    except LookupError:
        return result.unknown("gone")


async def _made(task: Task, parts: Parts, prices: PriceList, means: Means) -> Outcome:
    probe = task.probe
    times = (probe.timeout_s, probe.slow_s)
    match probe.kind:
        case ProbeKind.API:
            way = _way(probe, parts, prices, is_paid=task.is_paid)
            question = canary.question(means.chance)
            return await api.probe(way, question, times, means, is_canary=probe.is_canary)
        case ProbeKind.LOGIN:
            return await login.probe(probe.url, _who(probe), times, means)
        case ProbeKind.HTTP | ProbeKind.HEALTH | ProbeKind.NAME:
            return await _page(probe, means)
        case ProbeKind.CHAT:
            return await _visit(task, parts, prices, means)


async def _page(probe: Probe, means: Means) -> Outcome:
    """Look at a page, or at what one tells."""
    times = (probe.timeout_s, probe.slow_s)
    match probe.kind:
        case ProbeKind.HEALTH:
            return await health.probe(probe.url, probe.expects, times, means)
        case ProbeKind.NAME:
            return await name.probe(probe.url, times, means)
        case _:
            return await http.probe(probe.url, probe.expects, times, means)


async def _visit(task: Task, parts: Parts, prices: PriceList, means: Means) -> Outcome:
    """Visit the chat; what an answer has cost there is reckoned, not told."""
    probe = task.probe
    times = (probe.timeout_s, probe.slow_s)
    question = canary.question(means.chance)
    found = await chat.probe(probe.url, _who(probe), question, times, means)
    rates = budget_rates(probe, parts.config, prices) if task.is_paid else ()
    return msgspec.structs.replace(found, cost_microusd=budget.estimate(rates))


async def _is_private(url: str) -> bool:
    """Tell whether an address is not to be called: not one that the whole world has."""
    if not url:
        return False
    parts = urlsplit(url)
    try:
        addresses = await outbound.resolved(parts.hostname or "", name.port_of(parts))
    except (OSError, PenstockError):
        return False  # the probe itself will say so
    return not all(outbound.is_allowed(address) for address in addresses)


def _way(probe: Probe, parts: Parts, prices: PriceList, *, is_paid: bool) -> Way:
    """Return whom an API probe asks; raises StoreError or LookupError."""
    upstream = upstream_of(parts.config, probe.upstream)
    if upstream is None and probe.upstream:
        raise LookupError(probe.upstream)
    if upstream is not None:
        return _past(upstream, probe, parts.config, prices, is_paid=is_paid)
    dialect = DIALECTS[probe.dialect or DIALECT]
    rates = budget_rates(probe, parts.config, prices) if is_paid else [Rates()]
    return Way(
        url=telemetry.gateway_url(parts) + BELOW.get(dialect.name, ""),
        dialect=dialect,
        model=probe.route,
        key=private_file.read(keys.kept_path(parts.state_dir, keys.STATUS)).strip(),
        capability=capability.of(dialect.name, _first_model(parts.config, probe.route)),
        api_version=VERSIONS.get(dialect.name, ""),
        is_gateway=True,
        tls_ca_file=parts.config.gateway.tls_cert_file,
        is_pinned=True,
        rates=max(rates, default=budget.DEAR),
    )


def _past(
    upstream: Upstream, probe: Probe, config: Config, prices: PriceList, *, is_paid: bool
) -> Way:
    dialect = DIALECTS[upstream.dialect.value]
    model = model_of(probe, config)
    return Way(
        url=upstream.base_url,
        dialect=dialect,
        model=model,
        key=load.secret(upstream),
        capability=declared(upstream, model),
        headers=upstream.headers,
        tls_ca_file=upstream.tls_ca_file,
        api_version=upstream.api_version or VERSIONS.get(dialect.name, ""),
        rates=budget.rates_of(prices, model) if is_paid else Rates(),
    )


def model_of(probe: Probe, config: Config) -> str:
    """Return the model that an upstream is asked for; raises LookupError if none is known."""
    if probe.model:
        return probe.model
    for route in config.routes:
        for target in route.targets:
            model = target.model or ("" if route.name.endswith("*") else route.name)
            if target.upstream == probe.upstream and model:
                return model
    raise LookupError(probe.upstream)


def _first_model(config: Config, name: str) -> str:
    route = next((one for one in config.routes if one.name == name), None)
    return (route.targets[0].model or name) if route is not None and route.targets else name


def budget_rates(probe: Probe, config: Config, prices: PriceList) -> Sequence[Rates]:
    """Return what those cost who may answer a probe."""
    if probe.upstream:
        try:
            return [budget.rates_of(prices, model_of(probe, config))]
        except LookupError:
            return [budget.DEAR]
    return [
        budget.rates_of(prices, target.model or route.name)
        for route in config.routes
        if route.name == asked_route(probe, config)
        for target in route.targets
    ]


def _who(probe: Probe) -> tuple[str, str]:
    password = load.referenced(probe.password_env, probe.password_file, "a probe's password")
    return probe.user, password


def prices_of(parts: Parts) -> PriceList:
    """Return what models cost, as the gateway reckons; empty if there is no snapshot yet."""
    try:
        found = file.read(parts.state_dir / "snapshot").prices
    except StoreError:
        found = ()
    return PriceList((one.model, rates_of_price(one)) for one in found)


def places_of(config: Config) -> list[Place]:
    """Return whom the network is tried with."""
    urls = [
        *(one.base_url for one in config.upstreams),
        *(one.url for one in config.probes if one.url),
        *(one.url for one in config.provider_pages),
    ]
    parts = [urlsplit(url) for url in urls]
    return list(dict.fromkeys((one.hostname, name.port_of(one)) for one in parts if one.hostname))
