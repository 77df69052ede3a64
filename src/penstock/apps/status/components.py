"""Components: from the configuration, or found by themselves; and their rows.

found      surfaces: web chat where it runs, API, streaming, console where control runs, log-in
           where either does; then each route; then each model of each provider; then what is
           shared: the status page
configured [[components]] stand instead of all of these
id         made from the page's id and the component's own key: the same after a lost database
gone       a component that is no longer planned keeps row and history, and is not shown
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from penstock.apps.status import tables
from penstock.config import watching
from penstock.config.model import Config, DialectName, Target, Upstream
from penstock.watch.component import Component, Layer, State

ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
ID_LENGTH: Final = 12
COMPONENTS_MAX: Final = 200  # of which a page can still be read
DATED: Final = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
PROVIDERS: Final = {
    DialectName.ANTHROPIC_MESSAGES: "anthropic",
    DialectName.OPENAI_CHAT: "openai",
    DialectName.OPENAI_RESPONSES: "openai",
    DialectName.GEMINI_GENERATE: "google",
}
SURFACES: Final = {
    watching.Surface.WEB: "Web chat",
    watching.Surface.LOGIN: "Log-in",
    watching.Surface.API: "API",
    watching.Surface.STREAMING: "Streaming",
    watching.Surface.CONSOLE: "Console",
    watching.Surface.CODING: "Coding client",
    watching.Surface.BATCH: "Batch",
}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One component, with what it is measured by."""

    watched: Component
    key: str  # what its id is made from
    group: str = ""
    description: str = ""
    only_show_if_degraded: bool = False
    routes: tuple[str, ...] = ()  # whose exchanges
    upstreams: tuple[str, ...] = ()  # whose attempts
    models: tuple[str, ...] = ()  # of these upstreams only; * at the end matches a family

    @property
    def id(self) -> str:
        """Its id."""
        return self.watched.id


def planned(config: Config, page_id: str) -> tuple[Planned, ...]:
    """Return the components of a configuration, in the order of the page."""
    found = [_configured(config, one, page_id) for one in config.components]
    return tuple((found or list(_found(config, page_id)))[:COMPONENTS_MAX])


def id_of(page_id: str, key: str) -> str:
    """Return an opaque id: 12 lower-case letters and digits."""
    number = int.from_bytes(hashlib.sha256(f"{page_id}\0{key}".encode()).digest(), "big")
    digits: list[str] = []
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(digits)


def family_of(model: str) -> str:
    """Return a model's name without the day of its release and the path that it is sold under."""
    return DATED.sub("", model.rpartition("/")[2])


def provider_of(upstream: Upstream) -> str:
    """Return who stands behind an upstream: an engine of ours, or the vendor of its dialect."""
    return upstream.name if upstream.engine is not None else PROVIDERS[upstream.dialect]


def apply(connection: Connection, page_id: str, plan: Sequence[Planned], now_unix_s: float) -> None:
    """Bring the rows in line with what is planned."""
    table = tables.components
    there = {row.id: row for row in connection.execute(select(table))}
    wanted = list(_rows(page_id, plan))
    for row in wanted:
        before = there.get(row["id"])
        if before is None:
            fresh = {"state": State.UNKNOWN.value if not row["is_group"] else ""}
            times = dict.fromkeys(("created_unix_s", "updated_unix_s", "start_unix_s"), now_unix_s)
            connection.execute(insert(table).values(**row, **fresh, **times))
        elif any(getattr(before, name) != value for name, value in row.items()):
            connection.execute(update(table).where(table.c.id == row["id"]).values(**row))
    for gone in there.keys() - {row["id"] for row in wanted}:
        connection.execute(update(table).where(table.c.id == gone).values(is_gone=1))


def _rows(page_id: str, plan: Sequence[Planned]) -> Iterator[dict[str, str | int]]:
    groups = dict.fromkeys(one.group for one in plan if one.group)
    position = 0
    for group in ["", *groups]:
        if group:
            position += 1
            yield _row(id_of(page_id, f"group {group}"), group, position, is_group=1)
        for one in plan:
            if one.group == group:
                position += 1
                watched = one.watched
                yield _row(one.id, watched.name, position) | {
                    "description": one.description,
                    "group_id": id_of(page_id, f"group {group}") if group else "",
                    "layer": watched.layer.value,
                    "surface": watched.surface,
                    "provider": watched.provider,
                    "family": watched.family,
                    "only_show_if_degraded": int(one.only_show_if_degraded),
                }


def _row(id_: str, name: str, position: int, *, is_group: int = 0) -> dict[str, str | int]:
    return {"id": id_, "name": name, "position": position, "is_group": is_group, "is_gone": 0}


def _found(config: Config, page_id: str) -> Iterator[Planned]:
    """Yield components for what is served."""
    models = list(_models(config, page_id))
    resting = tuple(one.id for one in models)
    exact = tuple(route for route in config.routes if not route.name.endswith("*"))
    routes = tuple(route.name for route in config.routes)
    if config.chat.is_enabled:
        yield _surface(page_id, watching.Surface.WEB, resting)
    for surface in (watching.Surface.API, watching.Surface.STREAMING):
        yield _surface(page_id, surface, resting, routes)
    if config.control.is_enabled:
        yield _surface(page_id, watching.Surface.CONSOLE)
    if config.control.is_enabled or config.chat.is_enabled:
        yield _surface(page_id, watching.Surface.LOGIN)
    for route in exact:
        key = f"route {route.name}"
        behind = tuple(dict.fromkeys(_model_id(config, page_id, one) for one in route.targets))
        watched = Component(
            id=id_of(page_id, key), name=route.name, layer=Layer.ROUTE, rests_on=behind
        )
        yield Planned(watched=watched, key=key, group="Routes", routes=(route.name,))
    yield from models
    key = "shared status page"
    watched = Component(id=id_of(page_id, key), name="Status page", layer=Layer.SHARED)
    yield Planned(watched=watched, key=key, description="This page and what it rests on")


def _surface(
    page_id: str,
    surface: watching.Surface,
    resting: tuple[str, ...] = (),
    routes: tuple[str, ...] = (),
) -> Planned:
    key = f"surface {surface.value}"
    watched = Component(
        id=id_of(page_id, key),
        name=SURFACES[surface],
        layer=Layer.SURFACE,
        surface=surface.value,
        rests_on=resting,
    )
    return Planned(watched=watched, key=key, routes=routes)


def _models(config: Config, page_id: str) -> Iterator[Planned]:
    """Yield one component for each model of each provider that a route names."""
    by_key: dict[str, Planned] = {}
    for route in config.routes:
        for target in route.targets:
            upstream = _upstream(config, target)
            if upstream is None or not _model_of(target, route.name):
                continue
            model = _model_of(target, route.name)
            provider, family = provider_of(upstream), family_of(model)
            key = f"model {provider} {family}"
            before = by_key.get(key)
            watched = Component(
                id=id_of(page_id, key),
                name=family,
                layer=Layer.MODEL,
                provider=provider,
                family=family,
            )
            by_key[key] = Planned(
                watched=watched,
                key=key,
                group=provider.capitalize() if provider != "openai" else "OpenAI",
                upstreams=_with(before.upstreams if before else (), upstream.name),
                models=_with(before.models if before else (), model),
            )
    yield from by_key.values()


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


def _model_id(config: Config, page_id: str, target: Target) -> str:
    upstream = _upstream(config, target)
    provider = provider_of(upstream) if upstream else ""
    return id_of(page_id, f"model {provider} {family_of(target.model)}")


def _model_of(target: Target, route: str) -> str:
    """Return the model that a target asks for; empty where callers name it through a prefix."""
    return target.model or ("" if route.endswith("*") else route)


def _upstream(config: Config, target: Target) -> Upstream | None:
    return next((one for one in config.upstreams if one.name == target.upstream), None)


def _configured(config: Config, one: watching.Component, page_id: str) -> Planned:
    key = f"component {one.group} {one.name}"
    upstreams = [up for up in config.upstreams if up.name in one.upstreams]
    provider = one.provider or (provider_of(upstreams[0]) if upstreams else "")
    if one.is_shared:
        layer = Layer.SHARED
    elif one.surface is not None:
        layer = Layer.SURFACE
    else:
        layer = Layer.ROUTE if one.routes else Layer.MODEL
    watched = Component(
        id=id_of(page_id, key),
        name=one.name,
        layer=layer,
        surface=one.surface.value if one.surface else "",
        provider=provider if layer is Layer.MODEL else "",
        family=family_of(one.models[0]) if one.models and layer is Layer.MODEL else "",
        rests_on=tuple(_behind(config, one, page_id)),
    )
    return Planned(
        watched=watched,
        key=key,
        group=one.group,
        description=one.description,
        only_show_if_degraded=one.only_show_if_degraded,
        routes=one.routes or _all_routes(config, one),
        upstreams=one.upstreams,
        models=one.models,
    )


def _all_routes(config: Config, one: watching.Component) -> tuple[str, ...]:
    """Return the routes of a surface that names none: API and streaming are all of them."""
    if one.surface not in (watching.Surface.API, watching.Surface.STREAMING):
        return ()
    return tuple(route.name for route in config.routes)


def _behind(config: Config, one: watching.Component, page_id: str) -> Iterable[str]:
    """Yield the ids of the models that its routes lead to; of a surface also what is shared."""
    names = one.routes or _all_routes(config, one)
    asked = {
        target.upstream for route in config.routes if route.name in names
        for target in route.targets
    }  # fmt: skip
    for other in config.components:
        is_below = other.is_shared and one.surface is not None
        if other is not one and (is_below or asked & set(other.upstreams)):
            yield id_of(page_id, f"component {other.group} {other.name}")
