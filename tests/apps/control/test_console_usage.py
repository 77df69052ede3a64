"""Usage and money as a page and as CSV: figures, filters, and what an address says wrongly."""

import csv
import io
from collections.abc import Generator
from pathlib import Path

import pytest
from filled import Plan, fill
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.console import links, periods, usage
from penstock.apps.control.console.periods import DAY_S
from penstock.apps.control.parts import Parts
from penstock.ledger import tables

PLAN = Plan(exchanges=3_000, days=5, until_unix_s=int(NOW), minutes_days=1)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Generator[Parts]:
    made = parts_in(tmp_path_factory.mktemp("usage"))
    fill(made.store, PLAN)
    yield made
    made.store.close()


def test_an_empty_page_teaches(tmp_path: Path) -> None:
    answer = client_of(parts_in(tmp_path)).get("/usage")
    assert answer.status_code == 200
    assert "Nothing was used in these days" in answer.text


@pytest.mark.parametrize("by", list(usage.NAMES))
@pytest.mark.parametrize("show", list(usage.SHOWN))
def test_every_cut_is_a_page(parts: Parts, by: str, show: str) -> None:
    answer = client_of(parts).get(f"/usage?by={by}&show={show}&span=7d")
    assert answer.status_code == 200
    assert f"{usage.SHOWN[show]} by day" in answer.text
    assert "/exchanges?" in answer.text


def test_the_csv_agrees_with_the_exchanges(parts: Parts) -> None:
    answer = client_of(parts).get("/usage.csv?by=model&route=assistant")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    e = tables.exchanges.c
    with parts.store.reading() as connection:
        truth = connection.execute(
            select(func.count(), func.sum(e.charge_microusd)).where(e.route == "assistant")
        ).one()
    assert sum(int(line["exchanges"]) for line in lines) == truth[0]
    assert sum(int(line["charge_microusd"]) for line in lines) == truth[1]
    assert "usage-by-model-" in answer.headers["content-disposition"]


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_a_name_in_a_csv_is_text(name: str) -> None:
    assert links.in_cell(name) == f"'{name}"
    assert links.in_cell("team-a") == "team-a"


def test_a_bad_day_is_told_beneath_its_field(parts: Parts) -> None:
    page = client_of(parts).get("/usage?since=2026-13-40&until=x").text
    assert "&#39;2026-13-40&#39; is no day: write it as 2027-01-15" in page
    assert 'id="error-until"' in page


TEXTS = st.text("0123456789-ax ", max_size=12)


@given(st.dictionaries(st.sampled_from(["span", "since", "until", "by", "show"]), TEXTS))
def test_any_address_gives_whole_days_within_bounds(query: dict[str, str]) -> None:
    told = usage.asked(query, NOW)
    span = told.period.span
    assert span.since_s % DAY_S == span.until_s % DAY_S == 0
    assert 0 < span.days <= periods.DAYS_MAX
    assert told.by in usage.NAMES
    assert told.show in usage.SHOWN


@given(st.floats(0, 4e9), st.sampled_from([name for name, _ in periods.SPANS]))
def test_a_named_span_ends_today_or_with_the_last_month(now: float, name: str) -> None:
    span = periods.period({"span": name}, now).span
    today_s = int(now) // DAY_S * DAY_S
    if name == "last-month":
        assert span.until_s == periods.month_began_s(now)
        assert 28 <= span.days <= 31
    else:
        assert span.until_s == today_s + DAY_S
        assert span.since_s <= today_s


def test_filters_stay_when_the_cut_changes() -> None:
    told = usage.asked({"tenant": "a b", "by": "route", "span": "7d"}, NOW)
    assert told.href(by="model") == "/usage?span=7d&by=model&show=charge_microusd&tenant=a+b"
    assert "tenant" not in told.href(tenant="")


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (110, 100, "+10 % on the 30 days before"),
        (95, 100, "-5.0 % on the 30 days before"),
        (1, 0, "nothing in the 30 days before"),
        (0, 0, ""),
    ],
)
def test_a_comparison_in_words(now: int, before: int, words: str) -> None:
    assert usage.than(now, before, periods.period({}, NOW)) == words
