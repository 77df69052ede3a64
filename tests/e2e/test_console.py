"""The console in a browser, with real processes: keys that count at the gateway, and who may what.

Everybody comes in as people do: the first owner by the first link, others by invitation.
"""

import importlib
import time
from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.cli.running import REAL, Running, port, running
from tests.e2e.test_up import answer, serving

pytestmark = pytest.mark.slow
PASSWORD = "canary four words at random"
WITHIN_S = 30.0
REVOKED_WITHIN_S = 1.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder = tmp_path_factory.mktemp("up")
    serving(folder)
    with running(folder, REAL) as started:
        started.ready()
        yield started


def page_of(up: Running, browser: Browser) -> Page:
    """Return a page of a browser that knows nothing yet."""
    at = port(up.ready()["urls"]["control"])
    return browser.new_context(base_url=f"http://console.localhost:{at}").new_page()


@pytest.fixture(scope="module")
def owner(up: Running, browser: Browser) -> Page:
    page = page_of(up, browser)
    page.goto("/first/" + (up.folder / "state" / "first-link").read_text().strip())
    page.get_by_label("E-mail address").fill("owner@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Become the owner").click()
    page.wait_for_url("**/account")
    return page


def status_becomes(up: Running, key: str, wanted: int, within_s: float) -> None:
    """Ask until the gateway answers so; no request that begins later may be answered otherwise."""
    began_s = time.monotonic()
    asked_s = began_s
    while (found := answer(up, key)[0]) != wanted:
        assert asked_s - began_s < within_s, f"{found}, not {wanted}"
        asked_s = time.monotonic()


def no_violations(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")  # no half colours
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def make_key(page: Page, tenant: str, key: str) -> str:
    """Make a tenant and its key; return the key as it is shown, this once."""
    page.goto("/tenants/new")
    no_violations(page)
    page.get_by_label("Name", exact=True).fill(tenant)
    page.get_by_label("Requests a minute").first.fill("many")
    page.get_by_role("button", name="Make tenant").click()
    assert page.locator("#error-limits_requests_per_min").is_visible()
    no_violations(page)
    page.get_by_label("Requests a minute").first.fill("600")
    page.get_by_role("button", name="Make tenant").click()
    page.get_by_role("link", name="New key").first.click()
    no_violations(page)
    page.get_by_label("Name", exact=True).fill(key)
    page.get_by_role("button", name="Make key").click()
    no_violations(page)
    return page.locator("#secret").inner_text().strip()


def test_a_key_made_in_the_browser_works_until_it_is_revoked(up: Running, owner: Page) -> None:
    page = owner
    secret = make_key(page, "team-a", "web")
    status_becomes(up, secret, 200, WITHIN_S)
    page.goto("/keys/web")
    assert secret not in page.content()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Routes").fill("no-such-route")
    page.get_by_label("Ends on").fill("2020-01-01")
    page.get_by_role("button", name="Save").click()
    assert "is past" in page.locator("#error-expires").inner_text()
    no_violations(page)
    page.get_by_label("Routes").fill("auto")
    page.get_by_label("Ends on").fill("2999-01-01")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Key web saved").wait_for()
    assert "2999-01-01" in page.locator("main").inner_text()
    status_becomes(up, secret, 200, WITHIN_S)
    page.get_by_role("link", name="Revoke web").click()
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


def test_a_viewer_sees_and_does_not_change(up: Running, owner: Page, browser: Browser) -> None:
    owner.goto("/operators")
    no_violations(owner)
    owner.get_by_label("E-mail address").fill("viewer@example.org")
    owner.get_by_role("button", name="Make the link").click()
    no_violations(owner)
    link = owner.locator("#secret").inner_text().strip()
    owner.goto("/operators")
    assert link.rpartition("/")[2] not in owner.content()
    assert "viewer@example.org" in owner.locator("main").inner_text()
    page = page_of(up, browser)
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/account")
    page.goto("/tenants")
    assert page.get_by_role("link", name="New tenant").count() == 0
    assert page.get_by_role("link", name="Operators").count() == 0
    for path in ("/tenants/new", "/operators", "/tokens", "/prices/edit"):
        refused = page.goto(path)
        assert refused is not None
        assert refused.status == 403, path
        assert "This is not for your role" in page.locator("h1").inner_text()
    no_violations(page)
    owner.goto("/operators/viewer@example.org")
    owner.get_by_role("button", name="Disable viewer@example.org").click()
    owner.get_by_text("cannot log in").wait_for()
    page.goto("/tenants")
    assert page.url.endswith("/login?next=/tenants")


def test_a_token_is_shown_once_and_revoked_without_scripts(
    up: Running, owner: Page, browser: Browser
) -> None:
    at = port(up.ready()["urls"]["control"])
    context = browser.new_context(
        base_url=f"http://console.localhost:{at}",
        java_script_enabled=False,
        storage_state=owner.context.storage_state(),
    )
    page = context.new_page()
    page.goto("/tokens")
    page.get_by_label("Name").fill("ci")
    page.get_by_role("button", name="Make token").click()
    token = page.locator("#secret").inner_text().strip()
    headers = {"authorization": f"Bearer {token}"}
    bare = browser.new_context(base_url=f"http://127.0.0.1:{at}", extra_http_headers=headers)
    assert bare.request.get("/api/v1/tenants").status == 200
    page.goto("/tokens")
    assert token not in page.content()
    page.get_by_role("link", name="Revoke ci").click()
    page.get_by_role("button", name="Revoke ci").click()
    assert "revoked" in page.locator("tbody tr").first.inner_text()
    assert bare.request.get("/api/v1/tenants").status == 401


def test_an_address_that_is_none_has_a_page(up: Running, owner: Page, browser: Browser) -> None:
    for page in (owner, page_of(up, browser)):
        found = page.goto("/no-such-page")
        assert found is not None
        assert found.status == 404
        assert "There is no such thing" in page.locator("h1").inner_text()
        no_violations(page)
