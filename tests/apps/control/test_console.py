"""The console's frame: who may see, what goes wrong, what was done, how pages are sent."""

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.console.view import Page, View, see_other
from penstock.apps.control.parts import Parts
from penstock.core.errors import StoreError
from penstock.web.endpoint import InvalidError, Role


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


def echo(view: View) -> str:
    return view.page("refusal.html", title="x", is_away=False, error=InvalidError(str(view.form)))


def away(_: View) -> str:
    raise StoreError("the database: disk I/O error")


PAGES = (
    Page(path="/away", handler=away),
    Page(path="/form", handler=echo, method="POST"),
    Page(path="/owners", handler=echo, role=Role.OWNER),
    Page(path="/do", handler=lambda _: see_other("/owners", "Key <k> revoked"), method="POST"),
)


def test_an_empty_overview_teaches(parts: Parts) -> None:
    answer = client_of(parts).get("/")
    assert answer.status_code == 200
    assert "curl " in answer.text
    assert 'href="/" aria-current="page"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_who_has_not_logged_in_is_sent_to_the_log_in_and_back(parts: Parts) -> None:
    answer = client_of(parts, Role.NOBODY).get("/?tier=free&x=%26")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/%3Ftier%3Dfree%26x%3D%2526"


def test_a_role_that_does_not_reach_is_told_so(parts: Parts) -> None:
    answer = client_of(parts, Role.VIEWER, PAGES).get("/owners")
    assert answer.status_code == 403
    assert "needs the role owner" in answer.text


def test_a_database_that_is_away_is_told_with_since_when(parts: Parts) -> None:
    answer = client_of(parts, pages=PAGES).get("/away")
    assert answer.status_code == 503
    assert "disk I/O error" in answer.text
    assert "Since 2027-01-15 08:00:00 UTC" in answer.text
    assert NOW == 1_800_000_000.0


def test_a_form_is_read_and_bounded(parts: Parts) -> None:
    client = client_of(parts, pages=PAGES)
    assert "&#39;a&#39;: &#39;1 &amp; 2&#39;" in client.post("/form", data={"a": "1 & 2"}).text
    assert "larger than" in client.post("/form", data={"a": "x" * 300_000}).text
    assert client.post("/form", content="&".join("a=1" for _ in range(2000))).status_code == 422


def test_what_was_done_is_told_once(parts: Parts) -> None:
    client = client_of(parts, pages=PAGES)
    assert client.post("/do").headers["location"] == "/owners"
    assert "Key &lt;k&gt; revoked</div>" in client.get("/owners").text
    assert "revoked" not in client.get("/owners").text
