"""Passkeys in a real browser with a virtual authenticator, and how the pages look at it."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.console import OWNER, PASSWORD, RunningConsole
from tests.looking import look

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
AXE: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe  # has no types
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    made = RunningConsole(tmp_path_factory.mktemp("console"))
    yield made
    made.stop()


def inspect(page: Page, name: str) -> None:
    """Let axe look at a page, in both widths and colours."""
    for scheme in ("light", "dark"):
        for width in (390, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no half colours
            found = AXE().run(page).response["violations"]
            assert not found, [(name, one["id"], one["nodes"][0]["html"]) for one in found]
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (name, width, wide)
    look(name, page)


def by_passkey(page: Page, console: RunningConsole) -> None:
    """Log out, and in again by the passkey."""
    page.click("text=Log out >> nth=0")
    page.wait_for_url("**/login")
    inspect(page, "login")
    page.click("text=Log in with a passkey")
    page.wait_for_url(console.origin + "/")
    page.goto(console.origin + "/account")
    assert OWNER in page.content()


def refused(page: Page, console: RunningConsole) -> None:
    """Log out, and come in neither by a passkey that verified nobody, nor by a wrong password."""
    page.click("text=Log out >> nth=0")
    page.wait_for_url("**/login")
    page.click("text=Log in with a passkey")
    page.wait_for_selector("[role=alert]:not([hidden])")
    page.goto(console.origin + "/account")
    page.wait_for_url("**/login?next=/account")
    page.fill("[name=email]", OWNER)
    page.fill("[name=password]", "a wrong one of four")
    page.click("form button")
    page.wait_for_selector(".banner-bad")
    inspect(page, "login-refused")


def test_from_the_first_link_to_a_log_in_by_passkey(
    console: RunningConsole, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    page.goto(console.origin + "/login")
    inspect(page, "login-without-owner")
    page.goto(console.origin + console.first_path)
    inspect(page, "first")
    page.fill("[name=email]", OWNER)
    page.fill("[name=password]", PASSWORD)
    page.click("text=Become the owner")
    page.wait_for_url("**/account")
    session: Any = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.fill("#field-passkey-name", "Laptop")
    page.click("text=Add a passkey")
    page.wait_for_selector("td:has-text('Laptop')")
    inspect(page, "account")
    by_passkey(page, console)
    told = {"authenticatorId": device["authenticatorId"], "isUserVerified": False}
    session.send("WebAuthn.setUserVerified", told)
    refused(page, console)
    assert [one for one in errors if "401" not in one] == []
    context.close()


def test_an_address_without_a_name_says_why_it_has_no_passkeys(
    console: RunningConsole, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(console.url + "/login")
    page.click("text=Log in with a passkey")
    page.wait_for_selector("[role=alert]:not([hidden])")
    assert "need a name" in page.inner_text("[role=alert]")
    page.close()


def test_the_pages_work_without_scripts(console: RunningConsole, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console.origin + console.invited("ann@example.org"))
    page.fill("[name=password]", PASSWORD)
    page.click("text=Join >> nth=-1")
    page.wait_for_url("**/account")
    assert "ann@example.org" in page.content()
    context.close()
