"""Tenants and keys as pages: forms do what the API does, and keys are shown once."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from filled import Plan, fill
from sqlalchemy import select
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.parts import Parts
from penstock.ledger import tables
from penstock.snapshot import keys
from penstock.web.endpoint import Role


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(parts: Parts) -> TestClient:
    return client_of(parts)


def make_tenant(client: TestClient, tenant: str = "team-a", **more: str) -> Any:
    form = {"id": tenant, "tier": "standard", "weight": "1", **more}
    return client.post("/tenants/new", data=form)


def make_key(client: TestClient, name: str = "web", **more: str) -> str:
    answer = client.post("/tenants/team-a/keys/new", data={"id": name, "may_keep": "1", **more})
    assert answer.status_code == 201, answer.text
    return re.findall(r"pk-[A-Za-z0-9_-]{43}", answer.text)[0]


def hashes(parts: Parts) -> set[str]:
    with parts.store.reading() as connection:
        return set(connection.execute(select(tables.keys.c.sha256)).scalars())


def test_empty_pages_teach(client: TestClient) -> None:
    assert "penstock tenants set" in client.get("/tenants").text
    make_tenant(client)
    assert "penstock keys add NAME --tenant team-a" in client.get("/tenants/team-a").text


def test_a_tenant_is_made_changed_and_deleted(client: TestClient) -> None:
    answer = make_tenant(client, limits_budget_month_microusd="900", name="Team <A>")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/tenants/team-a"
    page = client.get("/tenants/team-a").text
    assert "$900" in page
    assert "Team &lt;A&gt;" in page
    form = client.get("/tenants/team-a/edit").text
    assert 'value="900.00"' in form
    seen = re.findall(r'name="updated_unix_s" value="([^"]+)"', form)[0]
    new = {"tier": "enterprise", "weight": "2", "updated_unix_s": seen}
    assert client.post("/tenants/team-a/edit", data=new).status_code == 303
    assert "enterprise tier" in client.get("/tenants/team-a").text
    assert client.post("/tenants/team-a/delete").status_code == 303
    assert client.get("/tenants/team-a").status_code == 404


def test_a_form_that_is_wrong_keeps_what_was_typed(client: TestClient) -> None:
    answer = make_tenant(client, "no spaces!", limits_requests_per_min="many", note="kept <b>")
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.text
    assert 'value="many"' in answer.text
    assert "kept &lt;b&gt;" in answer.text
    assert "leave it empty for no limit" in answer.text
    assert client.get("/tenants/no%20spaces!").status_code == 404


def test_what_the_api_refuses_stands_at_its_field(client: TestClient) -> None:
    answer = make_tenant(client, "no spaces!")
    assert answer.status_code == 422
    assert 'id="error-id"' in answer.text
    make_tenant(client)
    again = make_tenant(client)
    assert "there is a tenant by this name" in again.text


def test_who_was_overtaken_is_told_and_loses_nothing(client: TestClient) -> None:
    make_tenant(client)
    old = {"tier": "free", "weight": "1", "note": "mine", "updated_unix_s": str(NOW - 5)}
    answer = client.post("/tenants/team-a/edit", data=old)
    assert answer.status_code == 422
    assert "somebody else has changed it" in answer.text
    assert "mine" in answer.text
    assert "standard tier" in client.get("/tenants/team-a").text


def test_a_key_is_shown_once(parts: Parts, client: TestClient) -> None:
    make_tenant(client)
    secret = make_key(client)
    assert keys.sha256(secret) in hashes(parts)
    for page in ("/tenants/team-a", "/keys/web", "/audit", "/tenants"):
        assert secret not in client.get(page).text
    with parts.store.reading() as connection:
        for table in (tables.keys, tables.audit):
            assert secret not in str(connection.execute(select(table)).all())


def test_a_key_that_is_wrong_is_not_made(parts: Parts, client: TestClient) -> None:
    make_tenant(client)
    for more, words in (
        ({"id": ""}, "give a name"),
        ({"expires": "2020-01-01"}, "is past"),
        ({"expires": "soon"}, "is no day"),
        ({"tier_max": "gold"}, "choose one"),
        ({"limits_concurrency": "0"}, "above 0"),
    ):
        answer = client.post("/tenants/team-a/keys/new", data={"id": "web", **more})
        assert answer.status_code == 422, more
        assert words in answer.text
    assert hashes(parts) == set()


def test_rotation_shows_the_new_key_and_both_work_for_the_overlap(
    parts: Parts, client: TestClient
) -> None:
    make_tenant(client)
    old = make_key(client)
    answer = client.post("/keys/web/rotate", data={"overlap_s": "3600"})
    assert answer.status_code == 201
    new = re.findall(r"pk-[A-Za-z0-9_-]{43}", answer.text)[0]
    assert {keys.sha256(old), keys.sha256(new)} == hashes(parts)
    page = client.get("/keys/web").text
    assert "Replaced" in page
    assert "2027-01-15 09:00:00 UTC" in page
    refused = client.post("/keys/web/rotate", data={"overlap_s": "3600"})
    assert refused.status_code == 422
    assert "is replaced by" in refused.text


def test_a_key_is_revoked_and_says_so(client: TestClient) -> None:
    make_tenant(client)
    make_key(client)
    assert "Revoke web?" in client.get("/keys/web").text
    assert client.post("/keys/web/revoke").headers["location"] == "/tenants/team-a"
    assert "Revoked" in client.get("/keys/web").text
    assert client.post("/keys/web/revoke").status_code == 404


def test_keys_that_work_keep_their_tenant(client: TestClient) -> None:
    make_tenant(client)
    make_key(client)
    answer = client.post("/tenants/team-a/delete")
    assert answer.status_code == 409
    assert "has keys (web)" in answer.text


def test_a_viewer_sees_and_cannot_change(parts: Parts, client: TestClient) -> None:
    make_tenant(client)
    make_key(client)
    viewer = client_of(parts, Role.VIEWER)
    for page in ("/tenants", "/tenants/team-a", "/keys/web"):
        found = viewer.get(page)
        assert found.status_code == 200
        assert '<form method="post"' not in found.text
        assert "/keys/new" not in found.text
    for path in (
        "/tenants/new", "/tenants/team-a/edit", "/tenants/team-a/delete",
        "/tenants/team-a/keys/new", "/keys/web/rotate", "/keys/web/revoke",
    ):  # fmt: skip
        assert viewer.post(path).status_code == 403, path


def test_a_page_of_many_has_budgets_and_refusals(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    fill(parts.store, Plan(exchanges=4_000, days=8, until_unix_s=int(NOW), minutes_days=1))
    client = client_of(parts)
    page = client.get("/tenants?tier=enterprise").text
    assert len(re.findall(r'<th scope="row"><a href="/tenants/', page)) == 8
    assert "alpine-bank" in client.get("/tenants?q=ALPINE-B").text
    assert "No tenant fits" in client.get("/tenants?q=nobody").text
    one = client.get("/tenants/delta-logistics").text
    assert "This month" in one
    assert re.search(r'href="/exchanges\?tenant=delta-logistics&amp;status=\d+', one)
