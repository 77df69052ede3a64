"""What is wrong with a configuration, all at once: each with its place and its remedy.

Pure: looks at no file and at no variable (``load.file_problems`` does). Ranges come from the unit
at the end of a setting's name, so that a new setting is checked without a line here.

    name ends in        must be
    _s                  above 0, at most a day; 0 is allowed for queue_s: do not wait
    _ratio              0 to 1
    port                1 to 65535
    _max, _bytes, _min  above 0; 0 is allowed for context_tokens_max: not known
"""

import difflib
import itertools
import math
import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

import msgspec

from penstock.config import check_chatting, check_control, check_operations, check_watching
from penstock.config.model import (
    Config,
    Ladder,
    Policy,
    Route,
    Struct,
    Timeouts,
    Upstream,
)
from penstock.core.errors import Problem
from penstock.core.outcome import RULES, FailureKind, Next
from penstock.core.sla_plan import PLANS
from penstock.dialects.capability import EFFORTS, Engine
from penstock.dialects.continuation import fault_of

DAY_S = 86_400.0
PORT_MAX = 65_535
MAY_BE_ZERO: Final = frozenset({"queue_s", "reserve", "context_tokens_max", "weight"})
WORKERS_MAX: Final = 64  # far more than one limiter can serve
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

# By the end of a setting's name: least (not allowed itself, except for shares), greatest, remedy.
# The first that fits counts.
LIMITS: Final[tuple[tuple[tuple[str, ...], tuple[float, float, str]], ...]] = (
    (("port",), (1, PORT_MAX, "a port is 1 to 65535")),
    (("workers",), (1, WORKERS_MAX, f"there may be 1 to {WORKERS_MAX} workers")),
    (("_ratio",), (0, 1, "a share is 0 to 1")),
    (("_per_s", "weight"), (0, math.inf, "must be above 0")),
    (("_s",), (0, DAY_S, "a time is above 0 and at most 86400 seconds")),
    (("_max", "_bytes", "_min", "probes_to_close", "reserve"), (0, math.inf, "must be above 0")),
)

# What a name may hold: it stands in headers, metrics and the spool.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
ROUTE_NAME: Final = re.compile(r"(\*|[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}\*?)")
BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")

# Headers that the gateway owns: the framing of a message, credentials, and our own.
OWN_HEADERS: Final = frozenset(
    {
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding",
        "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "accept-encoding",
        "proxy-authorization", "proxy-connection", "anthropic-version",
    }
)  # fmt: skip
SECRET_HEADERS: Final = frozenset(
    {"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"}
)


def problems(config: Config) -> Iterator[Problem]:
    """Yield every contradiction: where it is, what is wrong, what would be right."""
    yield from _ranges(config, "")
    yield from _gateway(config)
    yield from _times(config.timeouts, "timeouts")
    if config.breaker.cooldown_s > config.breaker.cooldown_max_s:
        yield Problem(
            "breaker.cooldown_s", "is longer than cooldown_max_s", "make it at most as long"
        )
    yield from _duplicates("upstreams", [upstream.name for upstream in config.upstreams])
    yield from _duplicates("routes", [route.name for route in config.routes])
    for at, upstream in enumerate(config.upstreams):
        yield from _upstream(upstream, f"upstreams[{at}]")
    yield from _ladder(config.admission.ladder, "admission.ladder")
    known = list(dict.fromkeys(upstream.name for upstream in config.upstreams))
    for at, route in enumerate(config.routes):
        yield from _route(route, f"routes[{at}]", known, config.timeouts)
        yield from _degraded(route, f"routes[{at}]")
    yield from check_control.problems(config)
    yield from check_operations.problems(config)
    yield from check_watching.problems(config)
    yield from check_chatting.problems(config)
    if config.upstreams and not config.routes:
        yield Problem("routes", "there are none, so nothing can be asked for", "add [[routes]]")
    if not config.upstreams and not config.emulate.is_enabled:
        remedy = "add [[upstreams]], or set emulate.is_enabled = true"
        yield Problem("upstreams", "there are none, so nothing can answer", remedy)


def warnings(config: Config) -> Iterator[Problem]:
    """Yield what is allowed but may not be meant."""
    yield from check_control.warnings(config)
    yield from check_operations.warnings(config)
    yield from check_watching.warnings(config)
    yield from check_chatting.warnings(config)
    gateway = config.gateway
    if gateway.host not in LOOPBACK and not gateway.tls_cert_file:
        remedy = "set tls_cert_file and tls_key_file, or end TLS in front of it"
        yield Problem("gateway.host", "callers' keys travel in clear", remedy)
    if gateway.admin_host not in LOOPBACK:
        yield Problem("gateway.admin_host", "the admin port has no log-in", "keep it on 127.0.0.1")
    for at, upstream in enumerate(config.upstreams):
        yield from _in_clear(upstream, f"upstreams[{at}]")
    used = {target.upstream for route in config.routes for target in route.targets}
    for at, upstream in enumerate(config.upstreams):
        if config.routes and upstream.name not in used:
            yield Problem(f"upstreams[{at}]", "is in no route", "add it to one, or remove it")
    for at, route in enumerate(config.routes):
        if len(route.targets) == 1:
            remedy = "add a second target, at another upstream"
            yield Problem(f"routes[{at}]", f"{route.name!r} cannot fail over", remedy)


def _in_clear(upstream: Upstream, place: str) -> Iterator[Problem]:
    url = _split(upstream.base_url)
    if url is None or url.hostname in LOOPBACK:
        return
    if url.scheme == "http":
        yield Problem(f"{place}.base_url", "the key travels in clear", "use https")
    if not upstream.api_key_env and not upstream.api_key_file:
        yield Problem(place, "is asked without a key", "add api_key_env or api_key_file")


def _ranges(struct: Struct, place: str) -> Iterator[Problem]:
    """Walk all settings and hold each number against the range that its name implies."""
    for name in struct.__struct_fields__:
        at = f"{place}.{name}" if place else name
        value: object = getattr(struct, name)
        for inner, place_of_it in _inner(value, at):
            yield from _ranges(inner, place_of_it)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield from _range(name, float(value), at)


def _inner(value: object, place: str) -> Iterator[tuple[Struct, str]]:
    """Yield the tables that a setting is or holds, with their places."""
    entries: list[tuple[object, str]] = []
    if isinstance(value, Struct):
        entries = [(value, place)]
    elif isinstance(value, tuple):
        listed = cast("tuple[object, ...]", value)
        entries = [(entry, f"{place}[{index}]") for index, entry in enumerate(listed)]
    elif isinstance(value, dict):
        tables = cast("dict[str, object]", value)
        entries = [(entry, named(place, name)) for name, entry in tables.items()]
    for entry, at in entries:
        if isinstance(entry, Struct):
            yield entry, at


def named(place: str, name: str) -> str:
    """Return the place of a table that has a name of its own, as TOML writes it."""
    return f"{place}.{name}" if BARE.fullmatch(name) else f'{place}."{name}"'


def _range(name: str, value: float, place: str) -> Iterator[Problem]:
    if not math.isfinite(value):
        yield Problem(place, f"is {value}", "give a number; nothing here is without a limit")
        return
    low, high, words = _limits(name)
    if name in MAY_BE_ZERO and value == 0:
        return
    if value < low or value > high or (low == 0 and value == 0 and not name.endswith("_ratio")):
        yield Problem(place, f"is {value:g}", words)


def _limits(name: str) -> tuple[float, float, str]:
    """Return the least and the greatest value that a name allows, and both in words."""
    for endings, limits in LIMITS:
        if name.endswith(endings):
            return limits
    return -math.inf, math.inf, ""


def _gateway(config: Config) -> Iterator[Problem]:
    gateway = config.gateway
    ports = {
        "gateway.port": (gateway.host, gateway.port),
        "gateway.admin_port": (gateway.admin_host, gateway.admin_port),
    }
    if config.emulate.is_enabled:
        ports["emulate.port"] = ("127.0.0.1", config.emulate.port)
    taken: dict[int, str] = {}
    for place, (host, port) in ports.items():
        if port in taken:
            yield Problem(place, f"{port} is {taken[port]} too", "give each a port of its own")
        taken.setdefault(port, place)
        if not host:
            yield Problem(place.replace("port", "host"), "is empty", "name an address")
    if bool(gateway.tls_cert_file) != bool(gateway.tls_key_file):
        missing = "tls_key_file" if gateway.tls_cert_file else "tls_cert_file"
        yield Problem(f"gateway.{missing}", "is missing", "TLS needs the certificate and its key")
    if gateway.keep.exchange_bytes_max > gateway.keep.bytes_max:
        remedy = "make it at most as large"
        yield Problem("gateway.keep.exchange_bytes_max", "is larger than bytes_max", remedy)


def _times(times: Timeouts, place: str) -> Iterator[Problem]:
    """Check the one pair that leaves no time for an answer; ``total_s`` caps all the others."""
    if times.connect_s >= times.total_s:
        message = f"{times.connect_s:g} leaves no time: total_s is {times.total_s:g}"
        yield Problem(f"{place}.connect_s", message, "make it shorter, or total_s longer")


def _duplicates(place: str, names: list[str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in first:
            other = f"{place}[{first[name]}]"
            yield Problem(f"{place}[{at}].name", f"{name!r} is {other} too", "rename one")
        first.setdefault(name, at)


def _upstream(upstream: Upstream, place: str) -> Iterator[Problem]:
    if not NAME.fullmatch(upstream.name):
        remedy = "letters, digits and . _ : / -, starting with a letter or digit"
        yield Problem(f"{place}.name", f"{upstream.name!r} is not a name", remedy)
    yield from _url(upstream.base_url, f"{place}.base_url")
    if upstream.metrics_url:
        yield from _url(upstream.metrics_url, f"{place}.metrics_url")
    if upstream.api_key_env and upstream.api_key_file:
        yield Problem(f"{place}.api_key_file", "api_key_env is set too", "keep one of them")
    for name, value in upstream.headers.items():
        yield from _header(name, value, f"{place}.headers.{name}")
    if upstream.engine is not None and not upstream.dialect.value.startswith("openai"):
        message = f"says nothing of {upstream.dialect.value}: it is about OpenAI's dialect"
        yield Problem(f"{place}.engine", message, "remove it")
    if upstream.passes_priority and upstream.engine not in (Engine.VLLM, Engine.SGLANG):
        message = "only vLLM and SGLang know the field, and each orders it the other way round"
        yield Problem(f"{place}.passes_priority", message, 'set engine to "vllm" or "sglang"')
    yield from _sla(upstream, f"{place}.sla")
    yield from _models(upstream, f"{place}.models")


def _sla(upstream: Upstream, place: str) -> Iterator[Problem]:
    if upstream.sla and upstream.sla not in PLANS:
        remedy = f"one of {', '.join(PLANS)}; or leave it out"
        yield Problem(place, f"there is no plan {upstream.sla!r}", remedy)


def _models(upstream: Upstream, place: str) -> Iterator[Problem]:
    for name, model in upstream.models.items():
        at = named(place, name)
        if not ROUTE_NAME.fullmatch(name):
            remedy = "letters, digits and . _ : / @ -; a * only at the end"
            yield Problem(at, f"{name!r} is not a model's name", remedy)
        for index, effort in enumerate(model.efforts or ()):
            if effort not in EFFORTS:
                remedy = f"one of {', '.join(EFFORTS)}"
                yield Problem(f"{at}.efforts[{index}]", f"{effort!r} is no effort", remedy)


def _split(url: str) -> SplitResult | None:
    """Take a URL apart; None if it is none."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if has_host and parts.scheme in {"http", "https"} else None


def _url(url: str, place: str) -> Iterator[Problem]:
    parts = _split(url)
    if parts is None or not url.isascii() or not url.isprintable() or " " in url:
        remedy = "write http:// or https://, a host, and a path if there is one"
        yield Problem(place, "is not a URL of a server", remedy)  # unquoted: may hold a password
        return
    if parts.username is not None or parts.password is not None:
        yield Problem(place, "holds a user or a password", "use api_key_env or api_key_file")
    if parts.query or parts.fragment:
        yield Problem(place, "has a query or a fragment", "end it with the path")


def _header(name: str, value: str, place: str) -> Iterator[Problem]:
    lower = name.lower()
    if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
        yield Problem(place, "is not a header", "a name without spaces, a value on one line")
    elif lower in SECRET_HEADERS:
        yield Problem(place, "would hold a secret", "use api_key_env or api_key_file")
    elif lower in OWN_HEADERS or lower.startswith(("x-penstock-", "x-emulate-")):
        yield Problem(place, "is set by the gateway", "remove it")


def _route(route: Route, place: str, known: list[str], times: Timeouts) -> Iterator[Problem]:
    if not ROUTE_NAME.fullmatch(route.name):
        remedy = "letters, digits and . _ : / @ -; a * only at the end"
        yield Problem(f"{place}.name", f"{route.name!r} is not a model's name", remedy)
    if not route.targets:
        yield Problem(f"{place}.targets", "there are none", "add [[routes.targets]]")
    for at, target in enumerate(route.targets):
        if target.upstream not in known:
            close = difflib.get_close_matches(target.upstream, known, n=1)
            listed = f"there are: {', '.join(known)}" if known else "there are none yet"
            remedy = f"did you mean {close[0]!r}?" if close else listed
            message = f"no upstream is named {target.upstream!r}"
            yield Problem(f"{place}.targets[{at}].upstream", message, remedy)
    if route.policy is Policy.WEIGHT and not any(target.weight > 0 for target in route.targets):
        yield Problem(f"{place}.targets", "all weights are 0", "give one a weight above 0")
    yield from _failover_on(route, place)
    yield from _continuation(route, place)
    given = {
        name: value
        for name in route.timeouts.__struct_fields__
        if (value := getattr(route.timeouts, name)) is not None
    }
    if given:
        yield from _times(msgspec.structs.replace(times, **given), f"{place}.timeouts")


def _ladder(ladder: Ladder, place: str) -> Iterator[Problem]:
    entries = ladder.entries
    is_rising = all(low < high for low, high in itertools.pairwise(entries))
    if not is_rising or not entries[0] > 0.0 or not entries[-1] <= 1.0:
        remedy = "five shares that rise, above 0 and at most 1"
        yield Problem(f"{place}.entries", f"are {list(entries)}", remedy)
    for at, cap in enumerate(ladder.output_tokens_caps):
        if cap < 0:
            remedy = "tokens, or 0 for no cap"
            yield Problem(f"{place}.output_tokens_caps[{at}]", f"is {cap}", remedy)


def _degraded(route: Route, place: str) -> Iterator[Problem]:
    if route.targets and all(target.is_degraded for target in route.targets):
        message = "are all degraded, so without load there is nobody to ask"
        yield Problem(f"{place}.targets", message, "set is_degraded = false on one")


def _continuation(route: Route, place: str) -> Iterator[Problem]:
    given = route.continuation
    why = fault_of(given.prompt) if given.prompt else ""
    if why:
        yield Problem(f"{place}.continuation.prompt", why, "leave it empty for our own words")
    if given.held_bytes_max < 1:
        remedy = "at least 1; holds_calls = false holds nothing"
        yield Problem(f"{place}.continuation.held_bytes_max", "is too small", remedy)
    if route.unary_hold_bytes_max < 1:
        remedy = "at least 1: an answer that breaks while it is held is asked for elsewhere"
        yield Problem(f"{place}.unary_hold_bytes_max", "is too small", remedy)


def _failover_on(route: Route, place: str) -> Iterator[Problem]:
    useful = [kind.value for kind in FailureKind if RULES[kind].then is not Next.NOWHERE]
    for at, name in enumerate(route.failover_on):
        if name not in useful:
            close = difflib.get_close_matches(name, useful, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(useful)}"
            message = f"{name!r} is no kind of failure that another upstream may help"
            yield Problem(f"{place}.failover_on[{at}]", message, remedy)
