"""The console in a browser, with real processes: a key that is made works, one revoked does not."""

import importlib
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.cli.running import REAL, Running, running
from tests.e2e.test_up import answer, serving

pytestmark = pytest.mark.slow
CHROMIUM = "/usr/bin/chromium"
WITHIN_S = 10.0
REVOKED_WITHIN_S = 1.0


@pytest.fixture
def up(tmp_path: Path) -> Generator[Running]:
    serving(tmp_path)
    with running(tmp_path, REAL) as started:
        started.ready()
        yield started


@pytest.fixture
def browser_page(up: Running) -> Generator[Page]:
    token = (up.folder / "state" / "control.token").read_text().strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            base_url=up.ready()["urls"]["control"],
            extra_http_headers={"authorization": f"Bearer {token}"},
        )
        yield context.new_page()
        browser.close()


def status_becomes(up: Running, key: str, wanted: int, within_s: float) -> None:
    """Ask until the gateway answers so; no request that begins later may be answered otherwise."""
    began_s = time.monotonic()
    asked_s = began_s
    while (found := answer(up, key)[0]) != wanted:
        assert asked_s - began_s < within_s, f"{found}, not {wanted}"
        asked_s = time.monotonic()


def no_violations(page: Page) -> None:
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_a_key_made_in_the_browser_works_until_it_is_revoked(
    up: Running, browser_page: Page
) -> None:
    page = browser_page
    page.goto("/tenants/new")
    no_violations(page)
    page.get_by_label("Name", exact=True).fill("team-a")
    page.get_by_label("Requests a minute").first.fill("many")
    page.get_by_role("button", name="Make tenant").click()
    assert page.locator("#error-limits_requests_per_min").is_visible()
    no_violations(page)
    page.get_by_label("Requests a minute").first.fill("600")
    page.get_by_role("button", name="Make tenant").click()
    page.get_by_role("link", name="New key").first.click()
    no_violations(page)
    page.get_by_label("Name", exact=True).fill("web")
    page.get_by_role("button", name="Make key").click()
    no_violations(page)
    secret = page.locator("#secret").inner_text().strip()
    status_becomes(up, secret, 200, WITHIN_S)
    page.goto("/keys/web")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke web").click()
    dialog = page.get_by_role("dialog")
    assert "web" in dialog.get_by_role("heading").inner_text()
    no_violations(page)
    dialog.get_by_role("button", name="Revoke web").click()
    page.get_by_text("Key web revoked").wait_for()
    status_becomes(up, secret, 401, REVOKED_WITHIN_S)
    page.goto("/audit")
    assert "revoke" in page.locator("tbody tr").first.inner_text()
    assert secret not in page.content()
    no_violations(page)
