"""The list of exchanges and the inspector, as pages."""

import csv
import io
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of, parts_in
from tests.apps.control.rows import FAILED, WELL, exchange, put

from penstock.apps.control.parts import Parts
from penstock.ledger import tables
from penstock.ledger.rows import Detail


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(parts: Parts) -> TestClient:
    rows = [exchange(at, NOW - 100 + at) for at in range(60)]
    rows.append(exchange(90, NOW - 5, tenant="<b>", fate="shed", status=503, code="no_capacity"))
    put(parts.store, tables.exchanges, rows)
    return client_of(parts)


def test_an_empty_list_teaches(parts: Parts) -> None:
    assert "curl " in client_of(parts).get("/exchanges").text


def test_the_newest_come_first_and_the_next_page_goes_on(client: TestClient) -> None:
    first = client.get("/exchanges").text
    assert first.index("req_00000090") < first.index("req_00000059") < first.index("req_00000011")
    assert "req_00000010" not in first
    after = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = client.get(after.replace("&amp;", "&")).text
    assert "req_00000010" in second
    assert "req_00000011" not in second
    assert 'rel="next"' not in second


def test_a_filter_is_kept_and_escaped(client: TestClient) -> None:
    page = client.get("/exchanges", params={"fate": "shed", "tenant": "<b>"}).text
    assert "req_00000090" in page
    assert "req_00000059" not in page
    assert "<b>" not in page
    assert '<option value="shed" selected>' in page


def test_nothing_like_that_says_so(client: TestClient) -> None:
    assert "No exchange is like that" in client.get("/exchanges?tenant=nobody").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=soon", "is no time"),
        ("until=2026-13-01", "is no time"),
        ("status=5xx", "is no status"),
        ("before=x", "60 shown"),
        ("before=9-9-9", "60 shown"),
    ],
)
def test_what_cannot_be_understood_is_told_beside_its_field(
    client: TestClient, query: str, words: str
) -> None:
    answer = client.get(f"/exchanges?{query}")
    assert answer.status_code == 200
    assert words.replace("60", "50") in answer.text


def test_a_day_as_an_end_is_all_of_that_day(client: TestClient) -> None:
    page = client.get("/exchanges?since=2027-01-15&until=2027-01-15").text
    assert "req_00000090" in page
    assert "req_00000090" not in client.get("/exchanges?until=2027-01-14").text


def test_an_id_leads_to_its_exchange(client: TestClient) -> None:
    answer = client.get("/exchanges", params={"id": " req_1/2 "})
    assert answer.headers["location"] == "/exchanges/req_1%2F2"


def test_csv_has_all_columns_but_the_detail(client: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/exchanges.csv?fate=served").text)))
    assert len(rows) == 60
    assert rows[0]["id"] == "req_00000059"
    assert rows[0]["charge_microusd"] == "1500"
    assert "detail" not in rows[0]


def test_an_exchange_tells_its_story(client: TestClient) -> None:
    page = client.get("/exchanges/req_00000005").text
    assert "Served by gpt in 2.2 s, after claude (an error of the server) failed" in page
    assert "Attempt 1 at claude failed: an error of the server (status 500)." in page
    assert page.count('fill="url(#hatch)"') == 1
    assert "&lt;boom&gt;" in page
    assert "$0.0012" in page
    assert "version 3" in page


def test_an_exchange_as_json(client: TestClient) -> None:
    found = client.get("/exchanges/req_00000005/json").json()
    assert found["detail"]["attempts"][0]["outcome"] == "server_error"
    assert client.get("/exchanges/no/json").status_code == 404


def test_an_exchange_that_is_not_there(client: TestClient) -> None:
    answer = client.get("/exchanges/req_none")
    assert answer.status_code == 404
    assert "The ledger has no exchange" in answer.text


def test_an_exchange_that_is_under_way(parts: Parts) -> None:
    line = {"id": "r9", "attempt": 1, "upstream": "gpt", "model": "m", "tenant": "acme",
            "at_unix_s": NOW - 3}  # fmt: skip
    row = {"exchange": "r9", "stem": "s", "number": 1, "line": msgspec.json.encode(line)}
    put(parts.store, tables.open_attempts, [row])
    page = client_of(parts).get("/exchanges/r9").text
    assert "under way" in page
    assert "3 s ago" in page


def test_a_damaged_detail_leaves_the_rest(parts: Parts) -> None:
    put(parts.store, tables.exchanges, [exchange(1, NOW) | {"detail": b"{"}])
    assert "cannot be read" in client_of(parts).get("/exchanges/req_00000001").text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"fate": "left", "duration_s": 12.0}, "The caller left after 12 s"),
        ({"fate": "limited", "code": "rate_limit"}, "Refused: over the tenant&#39;s own limit"),
        ({"fate": "served", "hops": 1}, "the answer broke off, and gpt went on with it"),
        ({"fate": "lost"}, "its figures are estimates"),
        ({"fate": "shed", "detail": Detail()}, "No upstream was asked."),
        ({"detail": Detail(attempts=[WELL], dropped=("top_k",))}, "<code>top_k</code>"),
        ({"detail": Detail(attempts=[WELL], degraded=("model",))}, "Under load model was taken"),
        ({"queued_s": 0.5}, "It waited 500 ms for a slot in the tier standard."),
    ],
)
def test_every_fate_has_its_words(parts: Parts, values: dict[str, object], words: str) -> None:
    put(parts.store, tables.exchanges, [exchange(1, NOW, **values)])
    assert words in client_of(parts).get("/exchanges/req_00000001").text


def test_a_live_drill_is_named_and_no_provider_blamed(parts: Parts) -> None:
    struck = msgspec.structs.replace(
        FAILED, outcome="ignored", drill="live-1a2b http_529", drill_outcome="overloaded"
    )
    detail = Detail(attempts=[struck, WELL], costs_microusd=(0, 1200))
    put(parts.store, tables.exchanges, [exchange(1, NOW - 10, detail=detail)])
    page = client_of(parts).get("/exchanges/req_00000001").text
    assert "was struck by live-1a2b: http_529" in page
    assert "a live drill: " in page
