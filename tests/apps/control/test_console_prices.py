"""Prices as pages: nothing counts before it was previewed, and a list stays as it was."""

import html
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from filled import Plan, fill
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.parts import Parts
from penstock.web.endpoint import Role

TEXT = 'markup_ratio = 1.5\n\n[[costs]]\nmodel = "m-*"\ninput = 3.00\noutput = 15.00\n'


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(parts: Parts) -> TestClient:
    return client_of(parts)


def put(client: TestClient, text: str, version: int) -> int:
    return client.post("/prices", data={"text": text, "version": str(version)}).status_code


def test_without_a_list_the_shipped_one_is_shown(client: TestClient) -> None:
    page = client.get("/prices").text
    assert "the list prices below count" in page
    assert "claude-" in page


def test_a_preview_says_what_changes_and_changes_nothing(client: TestClient) -> None:
    answer = client.post("/prices/preview", data={"text": TEXT, "version": "0"})
    assert answer.status_code == 200
    assert "<code>costs[m-*].input_microusd</code>" in answer.text
    assert "Put in force" in answer.text
    assert "No list of your own" in client.get("/prices").text


def test_a_list_is_put_edited_and_kept(client: TestClient) -> None:
    assert put(client, TEXT, 0) == 303
    assert "Version 1 is in force" in client.get("/prices").text
    form = client.get("/prices/edit").text
    shown = html.unescape(re.findall(r'name="text"[^>]*>(.*?)</textarea>', form, re.DOTALL)[0])
    assert 'model = "m-*"' in shown
    same = client.post("/prices/preview", data={"text": shown, "version": "1"})
    assert "This changes nothing" in same.text
    assert put(client, shown.replace("3.00", "2.50"), 1) == 303
    assert "2.50" in client.get("/prices").text
    assert "no longer in force" in client.get("/prices?version=1").text
    assert client.get("/prices?version=99").status_code == 404


def test_who_edits_an_old_version_is_told(client: TestClient) -> None:
    assert put(client, TEXT, 0) == 303
    assert put(client, TEXT.replace("1.5", "2.0"), 0) == 422
    assert "Version 1 is in force" in client.get("/prices").text


@pytest.mark.parametrize(
    "text", ["", "x =", "[[costs]]\nmodel = ''", "[[costs]]\nmodel='m'\nfrom_day='never'"]
)
def test_what_is_wrong_never_counts(client: TestClient, text: str) -> None:
    put(client, TEXT, 0)
    answer = client.post("/prices", data={"text": text, "version": "1"})
    assert "Version 2" not in client.get("/prices").text or not text
    assert answer.status_code == (303 if not text else 422)


def test_what_has_no_price_is_named(parts: Parts, client: TestClient) -> None:
    fill(parts.store, Plan(exchanges=1_000, days=3, until_unix_s=int(NOW), minutes_days=1))
    page = client.get("/prices").text
    assert "Without a price in 30 days" in page
    assert "qwen3-32b" in page


def test_a_viewer_cannot_change_prices(parts: Parts) -> None:
    viewer = client_of(parts, Role.VIEWER)
    assert viewer.get("/prices").status_code == 200
    assert viewer.get("/prices/edit").status_code == 403
    assert viewer.post("/prices", data={"text": TEXT}).status_code == 403
