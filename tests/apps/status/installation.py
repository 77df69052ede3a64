"""A status process's parts on a fresh database, with a clock that tests turn."""

from dataclasses import dataclass
from pathlib import Path

from tests.migrated import begun

from penstock.apps.status import components, keeping
from penstock.apps.status.parts import Parts
from penstock.apps.status.store import open_status
from penstock.config import discover
from penstock.config.model import Config, Emulate

START_UNIX_S = 1_772_409_600.0  # 2026-03-02 00:00 UTC
EMULATED = {name: f"http://127.0.0.1:1/{name}" for name in ("claude", "gpt", "gemini_native")}


@dataclass
class Clock:
    """Unix time that only a test moves."""

    now_unix_s: float = START_UNIX_S

    def __call__(self) -> float:
        return self.now_unix_s


def emulated(urls: dict[str, str] | None = None) -> Config:
    """Return the configuration of an installation with the emulated providers."""
    found = discover.emulated(urls or EMULATED, "/key")
    return discover.config(found, Config(emulate=Emulate(is_enabled=True)))


def installed(folder: Path, clock: Clock, config: Config | None = None) -> Parts:
    """Return parts whose components have their rows."""
    (folder / "run").mkdir(exist_ok=True)
    store = begun(open_status, folder)
    page = keeping.page_id(store, clock())
    config = config or emulated()
    parts = Parts(
        store=store,
        state_dir=folder,
        now_unix_s=clock,
        page=page,
        config=config,
        plan=components.planned(config, page.id),
        touch=lambda: None,
        own_url="http://127.0.0.1:8403",
    )
    with store.writing() as connection:
        components.apply(connection, page.id, parts.plan, clock())
    return parts
