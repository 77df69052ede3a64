"""The console's page of drills: what it says first, what it lists, and the trend."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of, parts_in
from tests.sim.drills.results import counts, result

from penstock.apps.control import drills
from penstock.apps.control.console import drills_trend
from penstock.apps.control.parts import Parts
from penstock.sim.drills.digest import digest
from penstock.sim.drills.shapes import Arm, Bill, Check, Finding, Result
from penstock.web.endpoint import Role


def of(name: str, day: int, *, is_kept: bool = True, **others: Any) -> Result:
    """A result that began some days ago."""
    bound = Arm(
        name="bound",
        title="",
        counts=(replace(counts("", calls=200, complete=111), arm="bound"),),
    )
    own = Arm(name="penstock", title="", counts=(counts("enterprise", complete=99),))
    return result(
        name=name,
        began_unix_s=NOW - 86_400.0 * day,
        arms=(bound, own),
        checks=(Check(name="contracts <hold>", is_kept=is_kept),),
        findings=(Finding(rank=1, words="GPT quota too small"),),
        bills=(Bill(arm="bound", tier="enterprise", impact_microusd=72_000_000_000),),
        **others,
    )


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return parts_in(tmp_path)


@pytest.fixture
def client(parts: Parts) -> TestClient:
    return client_of(parts, Role.VIEWER)


def keep(parts: Parts, *found: Result) -> None:
    with parts.store.writing() as connection:
        for one in found:
            drills.keep(connection, one, msgspec.json.encode(one), "ci", NOW)


def test_without_results_it_says_how_to_get_one(client: TestClient) -> None:
    shown = client.get("/drills").text
    assert "No drill has been kept yet" in shown
    assert "penstock drill" in shown


def test_the_newest_result_is_the_headline(client: TestClient, parts: Parts) -> None:
    keep(parts, of("old", 2, is_kept=False), of("new", 1))
    shown = client.get("/drills").text
    assert "The last drill held: Claude fails" in shown
    assert shown.index("/drills/new/report.html") < shown.index("/drills/old/report.html")
    assert "1 of 1 broken" in shown
    assert "$72,000 / -" in shown
    assert "55.5 %" in shown
    keep(parts, of("newest", 0, is_kept=False))
    assert "The last drill did not hold: Claude fails" in client.get("/drills").text


def test_one_result_is_no_trend(client: TestClient, parts: Parts) -> None:
    keep(parts, of("one", 1))
    assert "Share of calls completed" not in client.get("/drills").text
    keep(parts, of("other", 0, mode="simulated"))
    assert "Share of calls completed" not in client.get("/drills").text
    assert "Share of calls completed" not in client.get("/drills?mode=emulated").text
    keep(parts, of("two", 2))
    assert "Share of calls completed" in client.get("/drills?mode=emulated").text


def test_results_are_shown_by_the_page(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.apps.control.console.drills.ROWS", 2)
    keep(parts, *(of(f"n{day}", day) for day in range(5)))
    seen: list[list[str]] = []
    for after in ("", "n1", "n3"):
        shown = client.get("/drills", params={"after": after}).text
        seen.append([f"n{day}" for day in range(5) if f"/drills/n{day}/report.html" in shown])
    assert seen == [["n0", "n1"], ["n2", "n3"], ["n4"]]


def test_a_result_opens_as_a_page_and_as_json(client: TestClient, parts: Parts) -> None:
    found = of("one", 1)
    keep(parts, found)
    assert "Claude fails" in client.get("/drills/one/report.html").text
    raw = client.get("/drills/one/result.json").content
    assert msgspec.json.decode(raw, type=Result) == found
    assert client.get("/drills/none/report.html").status_code == 404


def test_a_run_without_such_calls_is_a_gap() -> None:
    without = replace(of("gap", 1), arms=())
    found = [digest(one) for one in (of("a", 3), without, of("b", 1), of("c", 0))]
    drawn = drills_trend.trend(found)
    enterprise = drawn.count('class="fill c-tier-enterprise"')
    assert enterprise >= 3  # a dot for each run that has some; its name's swatch beside
    assert drawn.count("no calls") == 1
