"""Results of drills over the operator API: kept whole, bounded, never changed, and noted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.apps.control.operator import Operator, operator
from tests.postgres import Postgres
from tests.sim.drills.results import counts, result

from penstock.apps.control import drills
from penstock.ledger.store import migrate, open_store
from penstock.sim.drills import sound
from penstock.sim.drills.digest import digest
from penstock.sim.drills.page import page
from penstock.sim.drills.shapes import Check, Finding, Result, Series, Window
from penstock.web.page import render


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    """An operator's API, with either database."""
    url = ""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
    with operator(tmp_path, url) as one:
        yield one


def of(name: str, began_unix_s: float = 1_795_400_000.0, **others: Any) -> Result:
    rows = (counts("", calls=200, complete=190), counts("enterprise", calls=100, complete=99))
    return result(*rows, name=name, began_unix_s=began_unix_s, **others)


def sent(api: Operator, found: Result) -> tuple[int, Any]:
    return api.ask("POST", "/drills", msgspec.to_builtins(found))


def names(api: Operator, **query: Any) -> list[str]:
    return [one["digest"]["name"] for one in api.done("GET", "/drills", **query)["items"]]


def test_a_result_comes_back_as_it_was_sent_and_as_a_page(api: Operator) -> None:
    found = of("first", checks=(Check(name="x", is_kept=False, words="broke"),))
    status, kept = sent(api, found)
    assert (status, kept["actor"]) == (201, "break-glass")
    assert (kept["digest"]["is_passed"], kept["digest"]["broken"]) == (False, ["x"])
    answer = api.raw("GET", "/drills/first")
    assert msgspec.json.decode(answer.content, type=Result) == found
    report = api.raw("GET", "/drills/first/report")
    assert report.headers["content-type"].startswith("text/html")
    assert found.outage.title in report.text
    (line,) = api.done("GET", "/audit", kind="drill")["items"]
    assert (line["action"], line["object"]) == ("keep", "first")


def test_a_result_is_never_changed(api: Operator) -> None:
    sent(api, of("first"))
    status, told = sent(api, of("first", seed=2))
    assert (status, told["error"]["code"]) == (409, "conflict")
    assert api.done("GET", "/drills/first")["seed"] == 1


def test_results_are_listed_page_by_page_the_newest_first(api: Operator) -> None:
    for at, began_unix_s in enumerate((30.0, 10.0, 20.0, 20.0)):
        sent(api, of(f"n{at}", began_unix_s))
    assert names(api) == ["n0", "n3", "n2", "n1"]
    pages: list[list[str]] = []
    after = ""
    while not pages or after:
        told = api.done("GET", "/drills", limit=1, after=after)
        pages.append([one["digest"]["name"] for one in told["items"]])
        after = told["next"]
    assert pages == [["n0"], ["n3"], ["n2"], ["n1"]]
    assert names(api, drill="other") == []
    assert names(api, mode="emulated", limit=2) == ["n0", "n3"]


def test_a_name_that_is_no_part_of_an_address_is_refused(api: Operator) -> None:
    for name in ("", "a/b", "..", "a b", "x" * 101, "a\n"):
        status, told = sent(api, of(name))
        assert (status, told["error"]["param"]) == (422, "name")


def test_what_is_not_there_is_said(api: Operator) -> None:
    assert api.ask("GET", "/drills/none")[0] == 404
    assert api.ask("GET", "/drills/none/report")[0] == 404


def test_the_oldest_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drills, "KEPT_MAX", 3)
    store = open_store("", tmp_path)
    migrate(store)
    with store.writing() as connection:
        for at in range(5):
            found = of(f"n{at}", 100.0 - at)
            drills.keep(connection, found, msgspec.json.encode(found), "me", float(at))
        kept = [one.digest.name for one in drills.listed(connection, 10)]
    assert kept == ["n2", "n3", "n4"]
    store.close()


numbers = st.one_of(st.floats(), st.integers(), st.integers(min_value=-5, max_value=5))


@given(st.data())
def test_whatever_is_sound_can_be_kept_and_shown(data: st.DataObject) -> None:
    window = Window(
        from_s=data.draw(numbers),
        to_s=data.draw(numbers),
        from_unix_s=data.draw(numbers),
        to_unix_s=data.draw(numbers),
    )
    row = counts(data.draw(st.text()), calls=data.draw(st.integers()), window=data.draw(numbers))
    told = Series(
        arm="penstock",
        tier="",
        what="success_ratio",
        step_s=data.draw(numbers),
        values=tuple(data.draw(st.lists(st.none() | numbers, max_size=4))),
    )
    found = of("one", data.draw(numbers))
    arm = replace(found.arms[0], counts=(row, *found.arms[0].counts), series=(told,))
    played = replace(found.timetable, windows=(window,))
    words = Finding(rank=data.draw(st.integers()), words=data.draw(st.text()))
    found = replace(found, arms=(arm,), timetable=played, findings=(words,))
    if not sound.problems(found):
        again = msgspec.json.decode(msgspec.json.encode(found), type=Result)
        assert digest(again).name == "one"
        assert "<html" in render("drill.html", **page(again))
