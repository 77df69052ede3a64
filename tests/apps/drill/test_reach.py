"""A configuration led through doors: it is sound, all that probes goes through them, no more."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.apps.status.installation import Clock, installed

from penstock.apps.drill import reach
from penstock.apps.drill.reach import Reach
from penstock.apps.status import components
from penstock.apps.status.watching.probing import finding
from penstock.config import check, toml
from penstock.config.load import parse
from penstock.config.model import Config

WHERE = Reach(
    chat_url="http://127.0.0.1:7001",
    console_url="http://127.0.0.1:7002",
    issuer="http://127.0.0.1:7004/oidc",
    page_url="http://127.0.0.1:7003",
    page_provider="anthropic",
)
USERS: dict[str, Any] = {
    "upstreams": [
        {"name": "a", "dialect": "anthropic_messages", "base_url": "https://a.example",
         "api_key_env": "A"},
        {"name": "o", "dialect": "openai_chat", "base_url": "https://o.example/v1",
         "api_key_env": "O"},
    ],
    "routes": [
        {"name": "best", "targets": [{"upstream": "a", "model": "claude-opus-5-5"},
                                     {"upstream": "o", "model": "gpt-5.6"}]},
        {"name": "gpt-*", "targets": [{"upstream": "o"}]},
    ],
    "chat": {"hosts": ["chat.example.org"], "oidc": {"issuer": "https://id.example",
             "client_id": "c", "client_secret_env": "S"}},
    "status": {"public_url": "https://status.example.org", "hosts": ["status.example.org"]},
    "components": [
        {"name": "The chat", "surface": "web"},
        {"name": "Entrance", "surface": "login"},
        {"name": "Best", "routes": ["best"]},
    ],
    "probes": [
        {"name": "their page", "kind": "http", "url": "https://www.example.org",
         "components": ["The chat"]},
        {"name": "their route", "kind": "api", "route": "best"},
    ],
    "provider_pages": [{"name": "Claude", "provider": "anthropic", "kind": "statuspage",
                        "url": "https://status.example.com"}],
}  # fmt: skip
PLAIN: dict[str, Any] = {name: USERS[name] for name in ("upstreams", "routes")}


def made(table: dict[str, Any], folder: Path) -> Config:
    return reach.led(msgspec.convert(table, Config), WHERE, folder)


@pytest.mark.parametrize("table", [USERS, PLAIN])
def test_it_is_sound_and_can_be_written_and_read(table: dict[str, Any], tmp_path: Path) -> None:
    found = made(table, tmp_path)
    assert list(check.problems(found)) == []
    assert parse(toml.document(found), "penstock.toml") == found


@pytest.mark.parametrize("table", [USERS, PLAIN])
def test_nothing_is_asked_that_is_no_part_of_the_drill(
    table: dict[str, Any], tmp_path: Path
) -> None:
    found = made(table, tmp_path)
    ours = (WHERE.chat_url, WHERE.console_url)
    assert all(one.url.startswith(ours) for one in found.probes if one.url)
    assert [one.url for one in found.provider_pages] == [WHERE.page_url]
    assert "example" not in str((found.chat, found.control.hosts, found.status))


@pytest.mark.parametrize("table", [USERS, PLAIN])
def test_each_component_is_probed_and_no_other_probe_is_found_beside(
    table: dict[str, Any], tmp_path: Path
) -> None:
    config = made(table, tmp_path)
    parts = installed(tmp_path, Clock(0.0))
    parts.config = config
    parts.plan = components.planned(config, parts.page.id)
    tasks = finding.tasks_of(parts)
    spoken = {id_ for task in tasks for id_ in task.components}
    named = {one.watched.name: one.id for one in parts.plan}
    assert spoken == set(named.values())
    beside = {task.probe.name for task in tasks if task.is_found}
    assert beside <= {"page Status page"}
    parts.store.close()


def test_what_is_left_out_is_told() -> None:
    words = " ".join(reach.notes(msgspec.convert(USERS, Config)))
    assert "their page" in words
    assert "their route" not in words
    assert list(reach.notes(msgspec.convert(PLAIN, Config))) == []
