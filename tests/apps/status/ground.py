"""A page with a few components, its database, and a clock that tests set."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from tests.migrated import begun

from penstock.apps.status import components, tables
from penstock.apps.status.components import Planned
from penstock.apps.status.parts import PageId, Parts
from penstock.apps.status.store import open_status
from penstock.config.model import Config
from penstock.ledger.store import Store
from penstock.watch.component import Component, Layer, State

START_S = 1_772_443_200.0  # 2026-03-02 09:20 UTC
PAGE = "p" * 12
MODELS = ("opus-4.6", "haiku-4.5", "gpt-5.2")


def planned(name: str, watched: Component, group: str = "") -> Planned:
    return Planned(watched=watched, key=name, group=group)


def component(name: str, layer: Layer, **more: Any) -> Component:
    return Component(id=id_of(name), name=name, layer=layer, **more)


def id_of(name: str) -> str:
    return components.id_of(PAGE, name)


def plan() -> tuple[Planned, ...]:
    """Return web chat, log-in, the API, three models, and a network that all rest on."""
    models = tuple(
        component(
            one,
            Layer.MODEL,
            provider="openai" if one.startswith("gpt") else "anthropic",
            family=one,
        )
        for one in MODELS
    )
    resting = tuple(one.id for one in models)
    surfaces = (("Web chat", "web"), ("Log-in", "login"), ("API", "api"))
    return (
        *(
            planned(name, component(name, Layer.SURFACE, surface=surface, rests_on=resting))
            for name, surface in surfaces
        ),
        *(planned(one.name, one, one.provider.capitalize()) for one in models),
        planned("Network", component("Network", Layer.SHARED)),
    )


class Page:
    """One page under test."""

    def __init__(self, folder: Path) -> None:
        self.now_s = START_S
        self.store: Store = begun(open_status, folder)
        self.parts = Parts(
            store=self.store,
            state_dir=folder,
            now_unix_s=lambda: self.now_s,
            page=PageId(PAGE, START_S),
            config=Config(),
            plan=plan(),
            touch=lambda: None,
            own_url="http://127.0.0.1:8403",
        )
        with self.writing() as connection:
            components.apply(connection, PAGE, self.parts.plan, self.now_s)

    @contextmanager
    def writing(self) -> Generator[Connection]:
        with self.store.writing() as connection:
            yield connection

    def rows(self, table: str, **where: Any) -> Sequence[Any]:
        found = tables.metadata.tables[table]
        statement = select(found)
        for name, value in where.items():
            statement = statement.where(found.c[name] == value)
        with self.store.reading() as connection:
            return connection.execute(statement).all()

    def state(self, name: str) -> State:
        (row,) = self.rows("components", id=id_of(name))
        return State(row.state)

    def api_state(self, name: str) -> State:
        (row,) = self.rows("components", id=id_of(name))
        return State(row.api_state or State.OPERATIONAL.value)

    def configured(self, **changes: Any) -> None:
        """Change [status] of the configuration."""
        config = self.parts.config
        status = msgspec.structs.replace(config.status, **changes)
        self.parts.config = msgspec.structs.replace(config, status=status)
