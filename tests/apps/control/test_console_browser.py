"""Pages in a real browser: axe finds nothing, nothing is wider than a phone, the policy holds.

And what scripts add: figures that are fetched again, dialogs, copying, files that are read.
Operators and tokens need accounts: tests/e2e/test_console.py looks at those.
"""

import importlib
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, expect
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, app_of, client_of, parts_in
from tests.apps.control.rows import attempts, exchange, put, traffic
from tests.sim.drills.results import counts, result

from penstock.apps.control import drills
from penstock.apps.control.parts import Parts
from penstock.ledger import tables
from penstock.ledger.rows import Detail

pytestmark = pytest.mark.slow
ALL = [(scheme, width) for width in (390, 1024, 1600) for scheme in ("light", "dark")]
FEW = [("light", 390), ("dark", 1600)]
PATHS = (
    "/", "/exchanges", "/exchanges?tenant=nobody", "/exchanges?since=never&status=x", "/usage",
    "/usage?span=today&by=upstream", "/reports", "/tenants", "/tenants/new", "/objectives",
    "/prices", "/prices/edit", "/configuration", "/audit", "/drills", "/drills?drill=none",
    "/live-drills",
)  # fmt: skip
SOME = (
    "/exchanges/req_00000005", "/exchanges/req_00000100", "/tenants/team-a", "/tenants/team-a/edit",
    "/tenants/team-a/delete", "/tenants/team-a/keys/new", "/keys/web", "/keys/web/edit",
    "/keys/web/revoke",
)  # fmt: skip
REFUSED = (
    "/exchanges/req_none",
    "/tenants/none",
    "/keys/none",
    "/objectives/none",
    "/prices?version=9",
    "/drills/none/report.html",
)
LONG = "a-name-that-is-as-long-as-names-of-departments-can-be"
FORM = {"weight": "1", "tier": "enterprise"}


def served(parts: Parts) -> Generator[str]:
    """Serve a console on a free port; yield its address."""
    config = uvicorn.Config(app_of(parts), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    parts.store.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    yield from served(parts_in(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    parts = parts_in(tmp_path_factory.mktemp("some"))
    fill(parts, client_of(parts))
    yield from served(parts)


def fill(parts: Parts, client: TestClient) -> None:
    """Put in some of everything, and names that are long."""
    rows = [exchange(at, NOW - 100 + at) for at in range(60)]
    rows.append(exchange(100, NOW - 20, fate="shed", status=503, tenant=LONG, detail=Detail()))
    put(parts.store, tables.exchanges, rows)
    put(parts.store, tables.traffic, [traffic(NOW - 60 * at, 600) for at in range(1, 50)])
    put(parts.store, tables.attempts, [attempts(NOW - 60, "gpt", "success", 600)])
    with parts.store.writing() as connection:
        for at in range(3):
            named: dict[str, Any] = {"name": f"{LONG}-{at}", "began_unix_s": NOW - at}
            found = result(counts("", complete=90), counts("enterprise"), **named)
            drills.keep(connection, found, msgspec.json.encode(found), "ci", NOW)
    for name in ("team-a", LONG):
        assert client.post("/tenants/new", data={"id": name, **FORM}).status_code == 303
    for key in ("web", LONG):
        made = client.post("/tenants/team-a/keys/new", data={"id": key, "note": LONG * 3})
        assert made.status_code == 201, made.text


class Looking:
    """A page, and all that was wrong with what it has shown."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = browser.new_page(base_url=url, reduced_motion="reduce")  # no half colours
        self.wrong: list[str] = []
        self._axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
        self.page.on("console", lambda told: self._say(told.text, told.type))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._where(asked.url, url))

    def _say(self, text: str, kind: str) -> None:
        if kind == "error" and "status of 404" not in text:
            self.wrong.append(f"{self.page.url}: {text}")

    def _where(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "data:", "blob:")):
            self.wrong.append(f"{self.page.url} asks {asked}")

    def at(self, path: str, status: int, views: Sequence[tuple[str, int]]) -> None:
        """Open a page, and look at it in these colours and widths."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, path
        for scheme, width in views:
            self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            self.page.set_viewport_size({"width": width, "height": 900})
            self._look(f"{path} {scheme} at {width}", width)

    def _look(self, where: str, width: int) -> None:
        found: dict[str, Any] = self._axe.run(self.page).response
        self.wrong += [
            f"{where}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in found["violations"]
        ]
        over = self.page.evaluate("document.documentElement.scrollWidth") - width
        if over > 0:
            self.wrong.append(f"{where}: wider than the page by {over}")


@pytest.mark.parametrize("path", PATHS)
def test_empty_pages_are_for_everybody(browser: Browser, empty: str, path: str) -> None:
    look(browser, empty, path, 200, FEW)


@pytest.mark.parametrize("path", [*PATHS, *SOME])
def test_pages_are_for_everybody(browser: Browser, some: str, path: str) -> None:
    look(browser, some, path, 200, ALL)


@pytest.mark.parametrize("path", REFUSED)
def test_refusals_are_for_everybody(browser: Browser, some: str, path: str) -> None:
    look(browser, some, path, 404, FEW)


def look(
    browser: Browser, url: str, path: str, status: int, views: Sequence[tuple[str, int]]
) -> None:
    looking = Looking(browser, url)
    try:
        looking.at(path, status, views)
        assert looking.wrong == []
    finally:
        looking.page.close()


@pytest.fixture
def page(browser: Browser, some: str) -> Generator[Page]:
    context = browser.new_context(base_url=some, permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_figures_are_fetched_again_without_a_shift_and_say_when_they_are_stale(page: Page) -> None:
    is_away = False

    def answer(route: Route) -> None:
        if is_away:
            route.abort()
        else:
            route.continue_()

    page.route("**/overview/now*", answer)
    page.clock.install()
    page.goto("/")
    part = page.locator("[data-refresh-url]")
    before = part.bounding_box()
    part.evaluate("part => { part.firstElementChild.dataset.old = '1'; }")
    page.clock.run_for(30_000)
    page.locator("[data-old]").wait_for(state="detached")
    assert part.bounding_box() == before
    is_away = True
    page.clock.run_for(30_000)
    page.locator("[data-refresh-url].is-stale").wait_for()
    assert "No fresh figures since" in page.locator("main").inner_text()
    assert "All was served" in page.locator("main").inner_text(), "what was known keeps standing"
    is_away = False
    page.clock.run_for(30_000)
    page.locator("[data-refresh-url].is-stale").wait_for(state="detached")
    assert "No fresh figures since" not in page.locator("main").inner_text()


def test_what_cannot_be_undone_is_asked_by_a_dialog_that_escape_closes(page: Page) -> None:
    page.goto("/keys/web")
    page.get_by_role("link", name="Revoke web").click()
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.get_by_role("link", name="Revoke web").click()
    dialog.get_by_role("button", name="Keep").click()
    assert not dialog.is_visible()
    assert page.url.endswith("/keys/web")


def test_a_line_is_copied(page: Page) -> None:
    page.goto("/objectives")
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_text("Copied").wait_for()
    told = page.evaluate("navigator.clipboard.readText()")
    assert told.startswith("[[objectives]]")


@pytest.mark.parametrize("path", ["/prices/edit", "/configuration"])
def test_a_file_is_read_into_its_field(page: Page, tmp_path: Path, path: str) -> None:
    file = tmp_path / "list.toml"
    file.write_text("markup_ratio = 1.5\n")
    page.goto(path)
    page.get_by_label("From a file").set_input_files(file)
    expect(page.locator("#field-text")).to_have_value("markup_ratio = 1.5\n")
