"""The audit log as a page: what differs is readable, pages go on, filters hold."""

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import insert
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.parts import Parts
from penstock.ledger import tables


@pytest.fixture
def parts(tmp_path: Path) -> Generator[Parts]:
    made = parts_in(tmp_path)
    yield made
    made.store.close()


def note(parts: Parts, number: int) -> None:
    rows = [
        {
            "at_unix_s": NOW - number + at,
            "actor": "olga" if at % 2 else "<b>ivo</b>",
            "role": "owner",
            "address": "127.0.0.1",
            "action": "put",
            "kind": "tenant",
            "object": f"team-{at}",
            "before": json.dumps({"limits": {"requests_per_min": at}}),
            "after": json.dumps({"limits": {"requests_per_min": at + 1}}),
        }
        for at in range(number)
    ]
    with parts.store.writing() as connection:
        connection.execute(insert(tables.audit), rows)


def test_an_empty_log_teaches(parts: Parts) -> None:
    assert "penstock tenants set" in client_of(parts).get("/audit").text
    assert "No change fits" in client_of(parts).get("/audit?actor=nobody").text


def test_a_change_is_readable(parts: Parts) -> None:
    note(parts, 1)
    page = client_of(parts).get("/audit").text
    assert "<code>limits.requests_per_min</code> <del>0</del>" in page
    assert "<ins>1</ins>" in page
    assert "<b>ivo" not in page


def test_older_leads_through_the_whole_log_with_its_filters(parts: Parts) -> None:
    note(parts, 260)
    client, seen, at = client_of(parts), list[str](), "/audit?actor=olga"
    while at:
        page = client.get(at).text
        seen += re.findall(r'href="/tenants/(team-\d+)"', page)
        found = re.search(r'<a href="([^"]+)" rel="next"', page)
        at = found.group(1).replace("&amp;", "&") if found else ""
    assert seen == [f"team-{at}" for at in range(259, 0, -2)]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "²"])
def test_a_page_that_is_no_number_is_the_first(parts: Parts, before: str) -> None:
    note(parts, 1)
    assert "team-0" in client_of(parts).get("/audit", params={"before": before}).text
