"""Reports over HTTP: JSON, CSV and pages; who may, and what is refused."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.apps.control import reported
from tests.apps.control.console import client_of, parts_in
from tests.apps.control.reported import NOW_S

from penstock.apps.control.api import reports
from penstock.apps.control.call import Call
from penstock.apps.control.parts import Parts
from penstock.web.endpoint import Actor, Role
from penstock.web.http import Caller


@pytest.fixture(name="client")
def _client(tmp_path: Path) -> TestClient:
    made = parts_in(tmp_path)
    reported.fill(made.store)
    parts = Parts(made.store, made.publisher, tmp_path, lambda: float(NOW_S))

    async def who(request: Request) -> Actor:
        return Actor("olga", Role.VIEWER if "authorization" in request.headers else Role.NOBODY)

    app = Starlette(routes=Caller(parts, who, Call).routes(reports.ENDPOINTS))
    return TestClient(app, headers={"authorization": "Bearer x"})


def test_a_month_as_json_csv_and_page(client: TestClient) -> None:
    told = client.get("/api/v1/reports/sla?month=2026-11").json()
    assert told["owed_microusd"] == 350_000_000
    table = client.get("/api/v1/reports/sla.csv?month=2026-11")
    assert table.headers["content-type"].startswith("text/csv")
    assert "attachment" in table.headers["content-disposition"]
    shown = client.get("/api/v1/reports/sla.html?month=2026-11")
    assert "November 2026: we owe $350.00 to 1 tenant" in shown.text
    assert "sha256-" in shown.headers["content-security-policy"]
    assert "http" not in shown.text.partition("<body")[2].replace("http://www.w3.org", "")


def test_a_period_as_json_csv_and_page(client: TestClient) -> None:
    span = "from=2026-11-01&to=2026-11-02"
    told = client.get(f"/api/v1/reports/load?{span}").json()
    assert told["offered"] == 1236
    assert client.get(f"/api/v1/reports/load.csv?{span}").text.count("\r\n") == 4
    shown = client.get(f"/api/v1/reports/load.html?{span}").text
    assert "4 of 1,236 exchanges (0.32 %) were shed; 7 failed" in shown
    assert "acme" not in shown
    assert "acme" in client.get(f"/api/v1/reports/load.html?{span}&names=true").text


@pytest.mark.parametrize(
    ("path", "status", "param"),
    [
        ("sla?month=x", 422, "query.month"),
        ("sla?month=2026-11&tenant=nobody", 422, "query.tenant"),
        ("sla?mont=2026-11", 422, "query"),
        ("load?from=x", 422, "query.from"),
        ("load?from=2026-11-02&to=2026-11-01T00:00", 422, "query.to"),
        ("sla/evidence.csv?upstream=east&month=2026-11", 404, None),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, path: str, status: int, param: str | None
) -> None:
    answer = client.get(f"/api/v1/reports/{path}")
    assert answer.status_code == status
    assert answer.json()["error"].get("param") == param


def test_reports_are_not_for_everybody(client: TestClient) -> None:
    client.headers.pop("authorization")
    for one in reports.ENDPOINTS:
        assert client.get(f"/api/v1{one.path}").status_code == 401


def test_the_console_lists_months_and_opens_them(tmp_path: Path) -> None:
    made = parts_in(tmp_path)
    assert "nothing to report yet" in client_of(made).get("/reports").text
    reported.fill(made.store)
    console = client_of(Parts(made.store, made.publisher, tmp_path, lambda: float(NOW_S)))
    assert "/reports/sla.html?month=2026-11" in console.get("/reports").text
    assert "we owe $350.00" in console.get("/reports/sla.html?month=2026-11").text
    shown = console.get("/reports/load.html?from=2026-11-01&to=2026-11-02")
    assert "1,236" in shown.text
    assert console.get("/reports/load.json?from=2026-11-01").json()["has_names"] is False
    assert console.get("/reports/load.html?from=x").status_code == 422
