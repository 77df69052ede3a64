"""Configuration as a page: what is served without secrets, and what a file would change."""

import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.console import configuration
from penstock.apps.control.parts import Parts
from penstock.config import load
from penstock.config.model import Config
from penstock.snapshot import build, file

CANARY = "sk-canary-0123456789"
TEXT = """\
[[upstreams]]
name = "one"
dialect = "openai_chat"
base_url = "https://one.example/v1"
api_key_env = "ONE_KEY"
headers = { x-team = "sk-canary-0123456789" }

[[routes]]
name = "fast"
targets = [{ upstream = "one", model = "m" }]
"""


def parsed(text: str) -> Config:
    config, problems = load.convert(tomllib.loads(text))
    assert problems == []
    return config


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    snapshot = build.build(parsed(TEXT), [], version=7, now_unix_s=NOW - 60)
    file.write(made.publisher.path, snapshot)
    private = tmp_path / "run"
    private.mkdir()
    (private / "plan.json").write_text('{"config": {}, "origin": "/etc/penstock.toml"}')
    (private / "plan.json").chmod(0o600)
    yield made
    made.store.close()


def test_an_empty_page_teaches(tmp_path: Path) -> None:
    assert "penstock up" in client_of(parts_in(tmp_path)).get("/configuration").text


def test_what_is_served_is_shown_with_keys_by_reference(parts: Parts) -> None:
    page = client_of(parts).get("/configuration").text
    assert "Version 7" in page
    assert "variable ONE_KEY" in page
    assert "https://one.example/v1" in page
    assert "/etc/penstock.toml" in page
    assert "cannot fail over" in page
    assert CANARY not in page


def test_a_text_says_what_it_would_change(parts: Parts) -> None:
    text = TEXT.replace("one.example", "two.example").replace("canary", "other")
    answer = client_of(parts).post("/configuration/check", data={"text": text})
    assert answer.status_code == 200
    assert "1 setting differs" in answer.text
    assert "<code>upstreams[one].base_url</code>" in answer.text
    assert "penstock reload" in answer.text


def test_the_same_text_changes_nothing(parts: Parts) -> None:
    answer = client_of(parts).post("/configuration/check", data={"text": TEXT})
    assert "says what is served already" in answer.text


def test_all_that_is_wrong_is_named_with_its_line(parts: Parts) -> None:
    text = TEXT.replace("openai_chat", "esperanto").replace('upstream = "one"', 'upstream = "two"')
    answer = client_of(parts).post("/configuration/check", data={"text": text})
    assert answer.status_code == 422
    assert "2 things are wrong" in answer.text
    assert '<td class="n">3</td><th scope="row"><code>upstreams[0].dialect</code>' in answer.text


@given(st.text(max_size=80))
def test_no_text_without_upstreams_is_sound(text: str) -> None:
    assert configuration.examine(text, Config()).problems
