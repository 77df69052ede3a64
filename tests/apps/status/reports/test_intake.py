"""Reports over HTTP, into a real database, and to the watch."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import service
from penstock.apps.status.parts import Parts
from penstock.apps.status.reports.desk import WINDOW_S
from penstock.apps.status.reports.intake import BODY_BYTES_MAX, Intake
from penstock.apps.status.tables import report_hours, reports
from penstock.core.errors import StoreError
from penstock.watch.evidence import Report

OTHERS = {"user-agent": "other", "x-forwarded-for": "203.0.113.5"}


class Door:
    """An intake, and who heard of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.parts: Parts = installed(folder, self.clock)
        self.heard: list[Report] = []
        self.is_away = False
        self.intake = Intake(self.parts, self.blocking, self.heard.append)
        self.transport = httpx.ASGITransport(Starlette(routes=self.intake.routes()))
        self.login = next(one.id for one in self.parts.plan if one.watched.surface == "login")

    async def blocking(self, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise StoreError("the database: gone")
        return work()

    def post(self, path: str, **given: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            base = "http://status.localhost:8403"
            async with httpx.AsyncClient(transport=self.transport, base_url=base) as client:
                return await client.post(path, **given)

        return asyncio.run(asked())

    def turn(self) -> None:
        asyncio.run(self.intake.turn())

    def rows(self) -> list[Any]:
        with self.parts.store.reading() as connection:
            return list(connection.execute(select(reports).order_by(reports.c.id)))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    found = Door(tmp_path)
    yield found
    found.parts.store.close()


def test_the_form_takes_a_vote_and_thanks_in_words(door: Door) -> None:
    answer = door.post("/report", data={"component": door.login, "category": "login", "words": "a"})
    assert answer.status_code == 200
    assert "You are the first to say so in this hour." in answer.text
    again = door.post("/report", data={"component": door.login})
    assert "We have your report already" in again.text
    assert "You are the first to say so in this hour." in again.text
    door.turn()
    (row,) = door.rows()
    assert (row.component, row.category, row.words, row.is_counted) == (door.login, "login", "a", 1)
    assert [one.component for one in door.heard] == [door.login]
    with door.parts.store.reading() as connection:
        hour = connection.execute(select(report_hours)).one()
    assert (hour.votes, hour.networks) == (1, 1)


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(door: Door) -> None:
    door.post("/api/v1/reports", json={"component": "login"})
    same = door.post("/api/v1/reports", json={"component": "login"}, headers=OTHERS | {
        "user-agent": "python-httpx/" + httpx.__version__})  # fmt: skip
    assert same.json()["why"] == "repeated"
    status = msgspec.structs.replace(door.parts.config.status, trusted_proxies=("127.0.0.1",))
    door.parts.config = msgspec.structs.replace(door.parts.config, status=status)
    behind = door.post("/api/v1/reports", json={"component": "login"}, headers=OTHERS)
    assert behind.json() == {
        "is_counted": True,
        "why": "counted",
        "reports_hour": 2,
        "status_url": "http://127.0.0.1:8403",
    }


def test_nobody_is_another_person_to_themselves(door: Door) -> None:
    trusted = msgspec.structs.replace(door.parts.config.status, trusted_proxies=("127.0.0.1",))
    door.parts.config = msgspec.structs.replace(door.parts.config, status=trusted)
    told: list[tuple[str, int, str]] = []
    for headers in ({}, {}, OTHERS, {}, OTHERS):
        answer = door.post("/api/v1/reports", json={"component": "login"}, headers=headers).json()
        page = door.post("/report", data={"component": door.login}, headers=headers).text
        others = "1 other person says so" if "1 other person says so" in page else "the first"
        assert others in page
        told.append((answer["why"], answer["reports_hour"], others))
        door.clock.now_unix_s += WINDOW_S / 2 + 1
    assert told == [
        ("counted", 1, "the first"),
        ("repeated", 1, "the first"),
        ("counted", 2, "1 other person says so"),
        ("counted", 2, "1 other person says so"),
        ("counted", 2, "1 other person says so"),
    ]


def test_only_a_surface_of_ours_speaks_for_accounts(door: Door) -> None:
    body = {"component": "login", "account": "u1", "version": "2.1"}
    refused = door.post("/api/v1/reports", json=body)
    assert refused.status_code == 422
    assert refused.json()["error"]["param"] == "body.account"
    token = service.make(door.parts.state_dir)
    headers = {"authorization": f"Bearer {token}"}
    assert door.post("/api/v1/reports", json=body, headers=headers).json()["is_counted"]
    assert door.post("/api/v1/reports", json=body, headers=headers).json()["why"] == "repeated"
    assert door.heard[0].version == "2.1"


def test_another_sites_page_votes_for_nobody(door: Door) -> None:
    headers = {"origin": "https://elsewhere.example"}
    assert door.post("/report", data={"component": "login"}, headers=headers).status_code == 422
    assert door.heard == []
    own = {"origin": "http://127.0.0.1:8403"}
    assert door.post("/report", data={"component": "login"}, headers=own).status_code == 200


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"json": {"component": "nothing"}}, "component"),
        ({"json": {"component": "login", "category": "fire"}}, "body"),
        ({"json": {"component": "login", "words": "x" * 141}}, "body"),
        ({"content": b"{"}, "body"),
        ({"content": b"x" * (BODY_BYTES_MAX + 1)}, "body"),
        ({"json": {"component": "login", "more": 1}}, "body"),
    ],
)
def test_what_is_wrong_is_named(door: Door, given: dict[str, Any], param: str) -> None:
    answer = door.post("/api/v1/reports", **given)
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == param
    assert door.heard == []


def test_with_the_database_away_people_are_thanked_and_nothing_is_lost(door: Door) -> None:
    door.turn()
    door.is_away = True
    assert door.post("/report", data={"component": door.login}).status_code == 200
    door.turn()
    assert len(door.heard) == 1
    assert door.rows() == []
    door.is_away = False
    door.turn()
    assert len(door.rows()) == 1


def test_words_are_forgotten_after_days_and_a_new_day_knows_nobody(door: Door) -> None:
    door.post("/report", data={"component": door.login, "words": "secret"})
    door.turn()
    door.clock.now_unix_s += 86_400.0 * 3 + 3700
    door.turn()
    assert [row.words for row in door.rows()] == [""]
    answer = door.post("/report", data={"component": door.login})
    assert "Thank you, your report has come in" in answer.text
    door.turn()
    one, two = door.rows()
    assert one.voter != two.voter
