"""Reading a LiteLLM ``config.yaml``: what of it means the same here, and what does not.

    model_list        each entry a target of the route that is named as its ``model_name``; entries
                      with the same provider, address and key share an upstream, unless one has
                      limits of its own (rpm, tpm): LiteLLM counts them by entry
    weight, order     weights, or the order of the targets
    fallbacks         the targets of the other routes, after the route's own, each route once
    routing_strategy  simple-shuffle: by weight; all others: by load
    timeouts          timeout: total_s of the route; stream_timeout: first_token_s, which is nearest
    aliases           model_group_alias: routes with the same targets
    costs             a price for each model that has one
    keys              os.environ/NAME by its name; a key that stands in the file goes to a file

Whatever has no counterpart is in the notices by its place, with what to do instead. No key's value
is ever in a notice.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import msgspec

from penstock.config.litellm_known import (
    INSTEAD,
    LIBRARY_READ,
    PROVIDERS,
    READ,
    ROUTER_READ,
    Provider,
)
from penstock.config.model import (
    Config,
    Gateway,
    Policy,
    Quota,
    Retry,
    Route,
    Target,
    TimeoutOverrides,
    Timeouts,
    Upstream,
)
from penstock.config.tenancy import Price

ENTRIES_MAX: Final = 2_000  # no gateway has more; a wrong file may
ENVIRONMENT: Final = "os.environ/"
PER_PRICE: Final = Decimal(10) ** 12  # dollars a token, in micro-dollars a million tokens


NO_COUNTERPART: Final = "has no counterpart"


class Notice(msgspec.Struct, frozen=True):
    """Something that did not carry over as it was; ``is_left_out``: not at all."""

    place: str
    message: str
    remedy: str = ""
    is_left_out: bool = True


class Imported(msgspec.Struct):
    """What a file means here. ``secrets`` are keys that stood in it, by the upstream's name."""

    config: Config = Config()
    prices: list[Price] = []
    notices: list[Notice] = []
    secrets: dict[str, str] = {}
    entries: int = 0
    carried: int = 0


class _Entry(msgspec.Struct):
    """An entry of model_list that carries over."""

    route: str
    target: Target
    order: float
    timeouts: TimeoutOverrides


class _Reading:
    """One file being read."""

    def __init__(self) -> None:
        self.found = Imported()
        self.upstreams: dict[tuple[object, ...], Upstream] = {}
        self.entries: list[_Entry] = []
        self.prices: dict[str, Price] = {}

    def notice(
        self, place: str, message: str, remedy: str = "", *, is_left_out: bool = True
    ) -> None:
        self.found.notices.append(Notice(place, message, remedy, is_left_out))


def read(raw: Any) -> Imported:
    """Return what a parsed ``config.yaml`` means; raises ValueError if it is none at all."""
    table = _table(raw)
    if "model_list" not in table:
        raise ValueError("model_list: this is no LiteLLM configuration, it has no list of models")
    entries = _list(table["model_list"])
    if len(entries) > ENTRIES_MAX:
        raise ValueError(f"model_list: has {len(entries)} entries; at most {ENTRIES_MAX} are read")
    reading = _Reading()
    for at, entry in enumerate(entries):
        _read_entry(reading, f"model_list[{at}]", _table(entry))
    router, library = _table(table.get("router_settings")), _table(table.get("litellm_settings"))
    routes = _routes(reading, router, library)
    reading.found.entries = len(entries)
    reading.found.carried = len(reading.entries)
    reading.found.prices = list(reading.prices.values())
    reading.found.config = Config(
        gateway=Gateway(),
        upstreams=tuple(reading.upstreams.values()),
        routes=tuple(routes),
        retry=_retry(router, library),
        timeouts=_timeouts(router, library),
    )
    _leave_out(reading, table, router, library)
    return reading.found


def _read_entry(reading: _Reading, place: str, entry: Mapping[str, Any]) -> None:
    route = str(entry.get("model_name") or "")
    params = _table(entry.get("litellm_params"))
    word, model = _provider_and_model(params)
    provider = PROVIDERS.get(word)
    if provider is None:
        reading.notice(
            f"{place}.litellm_params.model",
            f"{word or model!r} is no provider that is known",
            "an upstream of its own, if it speaks one of our dialects",
        )
        return
    if not route or not model:
        reading.notice(place, "has no model_name or no model", "name both")
        return
    if "*" in model and route not in (model, "*"):
        reading.notice(
            f"{place}.model_name",
            "a wildcard that rewrites names is left out",
            "a route for each model, or the prefix that the provider uses",
        )
        return
    upstream = _upstream(reading, place, provider, params, model)
    if upstream is None:
        return
    weight = _number(params.get("weight"))
    reading.entries.append(
        _Entry(
            route,
            Target(
                upstream=upstream.name,
                model="" if "*" in model else model,
                weight=1.0 if weight is None else weight,
            ),
            _number(params.get("order")) or 0.0,
            TimeoutOverrides(
                total_s=_number(params.get("timeout")),
                first_token_s=_number(params.get("stream_timeout")),
            ),
        )
    )
    _read_price(reading, model, params, _table(entry.get("model_info")))
    for name in sorted(params.keys() - READ):
        reading.notice(f"{place}.litellm_params.{name}", NO_COUNTERPART, INSTEAD.get(name, ""))


def _provider_and_model(params: Mapping[str, Any]) -> tuple[str, str]:
    """Return LiteLLM's word for the provider, and the provider's word for the model."""
    whole = str(params.get("model") or "")
    said = str(params.get("custom_llm_provider") or "")
    word, slash, model = whole.partition("/")
    if slash and (word in PROVIDERS or not said):
        return word, model
    if said:
        return said, whole
    if whole.startswith("claude"):
        return "anthropic", whole
    if whole.startswith("gemini"):
        return "gemini", whole
    return "openai", whole  # LiteLLM takes a bare name for one of OpenAI's


def _upstream(
    reading: _Reading, place: str, provider: Provider, params: Mapping[str, Any], model: str
) -> Upstream | None:
    """Return the upstream of an entry, the one that is there if it is the same."""
    address = str(params.get("api_base") or params.get("base_url") or "")
    if address.startswith(ENVIRONMENT):
        reading.notice(
            f"{place}.litellm_params.api_base",
            "an address from the environment",
            "write the address itself into base_url",
        )
        return None
    base_url = _address(provider, address)
    if not base_url:
        reading.notice(f"{place}.litellm_params.api_base", "is missing", "name the address")
        return None
    key = str(params.get("api_key") or "")
    rpm, tpm = _whole(params.get("rpm")), _whole(params.get("tpm"))
    slots = _whole(params.get("max_parallel_requests"))
    own = (model, rpm, tpm, slots) if rpm or tpm or slots else ()
    known = reading.upstreams.get((provider.name, base_url, key, *own))
    if known is not None:
        return known
    name = _fresh_name(reading, f"{provider.name}-{model}" if own else provider.name)
    made = Upstream(
        name=name,
        dialect=provider.dialect,
        base_url=base_url,
        api_key_env=_key_variable(provider, key),
        api_key_file=f"keys/{name}.key" if key and not key.startswith(ENVIRONMENT) else "",
        concurrency_max=slots or 1000,
        quota=Quota(requests_per_min=rpm, tokens_per_min=tpm),
    )
    if made.api_key_file:
        reading.found.secrets[name] = key
        reading.notice(
            f"{place}.litellm_params.api_key",
            "stood in the file",
            f"it goes to {made.api_key_file} (mode 0600)",
            is_left_out=False,
        )
    if provider.name == "azure":
        reading.notice(
            f"{place}.litellm_params",
            "Azure is asked at its v1 address",
            "the deployment's name is the model",
            is_left_out=False,
        )
    reading.upstreams[(provider.name, base_url, key, *own)] = made
    return made


def _address(provider: Provider, given: str) -> str:
    base = (given or provider.base_url).rstrip("/")
    if provider.suffix and base and not base.endswith(provider.suffix):
        base += provider.suffix
    return base


def _key_variable(provider: Provider, key: str) -> str:
    if key.startswith(ENVIRONMENT):
        return key.removeprefix(ENVIRONMENT)
    return "" if key else provider.key_env


def _fresh_name(reading: _Reading, wanted: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-.")[:100] or "upstream"
    taken = {one.name for one in reading.upstreams.values()}
    number = 1
    name = stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _routes(
    reading: _Reading, router: Mapping[str, Any], library: Mapping[str, Any]
) -> Iterator[Route]:
    """Yield the routes with their fallbacks, then the aliases."""
    own: dict[str, list[_Entry]] = {}
    for entry in sorted(reading.entries, key=lambda one: one.order):
        own.setdefault(entry.route, []).append(entry)
    fallbacks = _fallbacks(reading, router, library)
    strategy = str(router.get("routing_strategy") or "simple-shuffle")
    made: dict[str, Route] = {}
    for name, entries in own.items():
        after = [one for other in fallbacks.get(name, ()) for one in own.get(other, [])]
        made[name] = _route(name, entries, [one.target for one in after], strategy)
        yield made[name]
    aliases = _table(router.get("model_group_alias"))
    for alias, meant in aliases.items():
        name = str(_table(meant).get("model") or "") if isinstance(meant, Mapping) else str(meant)
        if name in made and alias not in made:
            yield msgspec.structs.replace(made[name], name=alias)
        else:
            place = f"router_settings.model_group_alias.{alias}"
            reading.notice(place, f"means {name!r}, which is no model here", "name one of them")


def _route(name: str, entries: list[_Entry], after: list[Target], strategy: str) -> Route:
    targets = [entry.target for entry in entries]
    is_ordered = len({entry.order for entry in entries}) > 1 or len(targets) == 1
    if is_ordered:
        policy = Policy.ORDER
    else:
        policy = Policy.WEIGHT if strategy == "simple-shuffle" else Policy.LOAD
    seen = {(one.upstream, one.model) for one in targets}
    # A weight of 0 is asked only when nothing else is free.
    weight = 0.0 if policy is Policy.WEIGHT else 1.0
    for one in after:
        if (one.upstream, one.model) not in seen:
            seen.add((one.upstream, one.model))
            targets.append(msgspec.structs.replace(one, weight=weight))
    if policy is Policy.LOAD and len(targets) > len(entries):
        policy = Policy.WEIGHT  # else fallbacks would share the load
        targets[len(entries) :] = [
            msgspec.structs.replace(one, weight=0.0) for one in targets[len(entries) :]
        ]
    totals = [one.timeouts.total_s for one in entries if one.timeouts.total_s]
    firsts = [one.timeouts.first_token_s for one in entries if one.timeouts.first_token_s]
    return Route(
        name=name,
        targets=tuple(targets),
        policy=policy,
        timeouts=TimeoutOverrides(
            total_s=max(totals, default=None), first_token_s=max(firsts, default=None)
        ),
    )


def _fallbacks(
    reading: _Reading, router: Mapping[str, Any], library: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return the routes that stand in for a route, in order."""
    known = {entry.route for entry in reading.entries}
    found: dict[str, list[str]] = {}
    everyone: list[str] = []
    for section, settings in (("litellm_settings", library), ("router_settings", router)):
        for place, name, others in _said(section, settings):
            strangers = [one for one in (name, *others) if one not in known and one != "*"]
            for one in strangers:
                reading.notice(place, f"{one!r} is no model that carried over")
            is_for_all = name == "*" and name not in known
            more = everyone if is_for_all else found.setdefault(name, [])
            more += [other for other in others if other in known]
    for name in known:
        found.setdefault(name, []).extend(other for other in everyone if other != name)
    return found


def _said(section: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield where, for which route, and by which others."""
    for at, one in enumerate(_list(settings.get("fallbacks"))):
        for name, others in _table(one).items():
            named = [other for other in _list(others) if isinstance(other, str)]
            yield f"{section}.fallbacks[{at}].{name}", name, named
    everyone = [str(one) for one in _list(settings.get("default_fallbacks"))]
    if everyone:
        yield f"{section}.default_fallbacks", "*", everyone


def _retry(router: Mapping[str, Any], library: Mapping[str, Any]) -> Retry:
    repeats = _whole(router.get("num_retries")) or _whole(library.get("num_retries"))
    return Retry(attempts_max=max(Retry().attempts_max, repeats + 1)) if repeats else Retry()


def _timeouts(router: Mapping[str, Any], library: Mapping[str, Any]) -> Timeouts:
    total_s = _number(router.get("timeout")) or _number(library.get("request_timeout"))
    first_s = _number(router.get("stream_timeout"))
    usual = Timeouts()
    return msgspec.structs.replace(
        usual, total_s=total_s or usual.total_s, first_token_s=first_s or usual.first_token_s
    )


def _read_price(
    reading: _Reading, model: str, params: Mapping[str, Any], info: Mapping[str, Any]
) -> None:
    def cost(name: str) -> int | None:
        raw = params.get(name, info.get(name))
        if raw is None:
            return None
        try:
            return int((Decimal(str(raw)) * PER_PRICE).to_integral_value())
        except InvalidOperation:
            return None

    paid, got = cost("input_cost_per_token"), cost("output_cost_per_token")
    if paid is None and got is None:
        return
    reading.prices[model] = Price(
        model=model,
        input_microusd=paid or 0,
        output_microusd=got or 0,
        cached_microusd=cost("cache_read_input_token_cost"),
        cache_write_microusd=cost("cache_creation_input_token_cost"),
    )


def _leave_out(
    reading: _Reading,
    table: Mapping[str, Any],
    router: Mapping[str, Any],
    library: Mapping[str, Any],
) -> None:
    """Name what is in the file and has no counterpart."""
    strategy = router.get("routing_strategy")
    if strategy not in (None, "simple-shuffle"):
        reading.notice(
            "router_settings.routing_strategy",
            f"{strategy} became 'load', or 'weight' where a route has fallbacks",
            is_left_out=False,
        )
    known = {
        "router_settings": (router, ROUTER_READ),
        "litellm_settings": (library, LIBRARY_READ),
        "general_settings": (_table(table.get("general_settings")), frozenset[str]()),
    }
    for section, (settings, are_read) in known.items():
        for name in sorted(settings.keys() - are_read):
            reading.notice(f"{section}.{name}", NO_COUNTERPART, INSTEAD.get(name, ""))
    if table.get("environment_variables"):
        reading.notice("environment_variables", "are not set by us", "set them before the start")
    for name in sorted(table.keys() - known.keys() - {"model_list", "environment_variables"}):
        reading.notice(name, NO_COUNTERPART, INSTEAD.get(name, ""))


def _table(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        return {}
    return {str(name): one for name, one in cast("Mapping[Any, Any]", raw).items()}


def _list(raw: Any) -> list[Any]:
    return cast("list[Any]", raw) if isinstance(raw, list) else []


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        found = float(raw)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None


def _whole(raw: Any) -> int | None:
    found = _number(raw)
    return int(found) if found else None
