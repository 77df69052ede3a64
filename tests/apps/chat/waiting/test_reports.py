"""Reports: filed, kept while the page is away, refused where they are too many."""

import httpx
import msgspec
import pytest

from penstock.apps.chat.shapes import ReportBody
from penstock.apps.chat.waiting.reports import (
    ALL_MAX,
    KEEP_S,
    KEPT_MAX,
    PERSON_MAX,
    WINDOW_S,
    Ground,
    Reports,
    TooManyReportsError,
)
from penstock.web.endpoint import InvalidError


class Page:
    """A status page that can be away."""

    def __init__(self) -> None:
        self.status = 202
        self.is_away = False
        self.got: list[dict[str, str]] = []
        self.why = "counted"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("away")
        assert request.headers["authorization"] == "Bearer canary"
        if self.status == 202:
            self.got.append(msgspec.json.decode(request.content, type=dict[str, str]))
        answer = {"is_counted": True, "why": self.why, "reports_hour": 3, "status_url": "https://s"}
        return httpx.Response(self.status, json=answer)


def desk(page: Page, names: dict[str, str] | None = None) -> Reports:
    known = {"web": "w1"} if names is None else names
    ground = Ground(lambda: "http://s", lambda: "canary", lambda name: known.get(name, ""), b"salt")
    return Reports(ground, httpx.MockTransport(page))


def test_a_report_is_filed_under_an_opaque_name() -> None:
    page = Page()
    reports = desk(page)
    answer = reports.file(ReportBody("web", "slow", "  it \n hangs "), "pe-1", 0.0)
    assert (answer.why, answer.reports_hour, answer.status_url) == ("counted", 3, "https://s")
    assert "2 other people say so" in answer.words
    (got,) = page.got
    assert got["component"] == "w1"
    assert got["account"] == "pe-1"
    assert got["words"] == "it hangs"
    stranger = reports.stranger("192.0.2.1")
    assert stranger == reports.stranger("192.0.2.1") != reports.stranger("192.0.2.2")
    assert "192" not in stranger


def test_what_cannot_be_filed_is_kept_and_the_person_is_told_so() -> None:
    page = Page()
    reports = desk(page)
    page.is_away = True
    answer = reports.file(ReportBody("web"), "pe-1", 0.0)
    assert answer.why == "kept"
    assert "ten minutes" in answer.words
    reports.turn(10.0)
    assert len(reports) == 1
    page.is_away = False
    reports.turn(20.0)
    assert len(reports) == 0
    assert len(page.got) == 1


def test_old_reports_are_not_filed_as_new() -> None:
    page = Page()
    page.is_away = True
    reports = desk(page)
    reports.file(ReportBody("web"), "pe-1", 0.0)
    page.is_away = False
    reports.turn(KEEP_S + 1.0)
    assert (len(reports), page.got) == (0, [])


@pytest.mark.parametrize(("status", "kept"), [(500, 1), (503, 1), (429, 1), (202, 0)])
def test_a_page_that_fails_is_tried_again(status: int, kept: int) -> None:
    page = Page()
    page.status = status
    reports = desk(page)
    reports.file(ReportBody("web"), "pe-1", 0.0)
    assert len(reports) == kept


def test_a_page_that_refuses_is_believed() -> None:
    page = Page()
    page.status = 422
    with pytest.raises(InvalidError):
        desk(page).file(ReportBody("web"), "pe-1", 0.0)


def test_one_that_the_page_refuses_later_holds_up_no_other() -> None:
    page = Page()
    page.is_away = True
    reports = desk(page)
    reports.file(ReportBody("web"), "pe-1", 0.0)
    reports.file(ReportBody("web"), "pe-2", 0.0)
    page.is_away, page.status = False, 422
    reports.turn(1.0)
    assert len(reports) == 0


def test_a_person_and_all_people_are_bounded() -> None:
    reports = desk(Page())
    for _ in range(PERSON_MAX):
        reports.file(ReportBody("web"), "pe-1", 0.0)
    with pytest.raises(TooManyReportsError):
        reports.file(ReportBody("web"), "pe-1", 1.0)
    for at in range(ALL_MAX - PERSON_MAX):
        reports.file(ReportBody("web"), f"other-{at}", 1.0)
    with pytest.raises(TooManyReportsError):
        reports.file(ReportBody("web"), "late", 1.0)
    assert reports.file(ReportBody("web"), "pe-1", WINDOW_S + 2.0).why == "counted"


def test_what_is_kept_is_bounded() -> None:
    assert ALL_MAX <= KEPT_MAX  # within the window that they are kept for
    assert KEEP_S <= WINDOW_S
