"""The chat's entrance in a real browser: sign-up, a passkey, the account's page, their looks."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.chat import PASSWORD, SECRET, RunningChat
from tests.e2e.emulator import RunningEmulator
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
def chat(
    tmp_path_factory: pytest.TempPathFactory, shared_emulator: RunningEmulator
) -> Iterator[RunningChat]:
    oidc = {
        "issuer": f"{shared_emulator.url}/oidc",
        "client_id": "penstock",
        "client_secret_env": "OIDC_SECRET",
        "name": "Acme",
    }
    made = RunningChat(tmp_path_factory.mktemp("chat"), guests=True, oidc=oidc)
    yield made
    made.stop()
    shared_emulator.control("PUT", "oidc", {})


def inspect(page: Page, name: str) -> None:
    """Let axe look at a page, in three widths and both colours."""
    for scheme in ("light", "dark"):
        for width in (390, 1024, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no half colours
            found = AXE().run(page).response["violations"]
            assert not found, [(name, one["id"], one["nodes"][0]["html"]) for one in found]
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (name, width, wide)
    look(name, page)


def sign_up(page: Page, chat: RunningChat) -> None:
    """Make an account, after a password that will not do."""
    page.goto(chat.origin + "/signup?next=/account")
    inspect(page, "signup")
    page.fill("[name=email]", "ann@example.org")
    page.fill("[name=password]", "too short")
    page.click("text=Make the account")
    page.wait_for_selector(".banner-bad")
    inspect(page, "signup-refused")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Make the account")
    page.wait_for_url(chat.origin + "/account")


def by_passkey(page: Page, chat: RunningChat) -> None:
    """Add a passkey, log out, and come in by it."""
    session: Any = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.fill("#field-passkey-name", "Laptop")
    page.click("text=Add a passkey")
    page.wait_for_selector("td:has-text('Laptop')")
    inspect(page, "account")
    page.click("text=Log out >> nth=0")
    page.wait_for_url("**/login")
    page.goto(chat.origin + "/login?next=/account")
    page.click("text=Log in with a passkey")
    page.wait_for_url(chat.origin + "/account")


def test_from_sign_up_by_a_passkey_to_nothing_left(chat: RunningChat, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_up(page, chat)
    by_passkey(page, chat)
    assert "ann@example.org" in page.content()
    page.check("[name=sure]")
    page.click("button:has-text('Delete the account')")
    page.wait_for_url("**/login?deleted=1")
    inspect(page, "deleted")
    assert errors == []
    context.close()


def test_without_scripts_all_but_passkeys_works(chat: RunningChat, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(chat.origin + "/login?next=/account")
    assert not page.is_visible("text=Log in with a passkey")
    page.click("text=Try it as a guest")
    page.wait_for_url(chat.origin + "/account")
    assert "You are a guest" in page.content()
    page.goto(chat.origin + "/signup?next=/account")
    page.fill("[name=email]", "bob@example.org")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Make the account")
    page.wait_for_url(chat.origin + "/account")
    page.fill("#field-name", "Bob")
    page.click("text=Save the name")
    page.wait_for_selector("text=Bob ·")
    context.close()


def test_the_pages_of_an_outage_and_of_guests(
    chat: RunningChat, browser: Browser, shared_emulator: RunningEmulator
) -> None:
    context = browser.new_context()
    page = context.new_page()
    shared_emulator.control("PUT", "oidc", {"client_secret": SECRET, "flaw": "silent"})
    page.goto(chat.origin + "/login")
    page.click("text=Log in with Acme")
    page.wait_for_selector(".banner-degraded")
    assert "Log-in with Acme fails" in page.inner_text(".banner-degraded")
    inspect(page, "login-provider-fails")
    shared_emulator.control("PUT", "oidc", {})
    page.goto(chat.origin + "/login?next=/account")
    page.click("text=Try it as a guest")
    page.wait_for_url(chat.origin + "/account")
    inspect(page, "account-guest")
    page.goto(chat.origin)
    page.wait_for_selector("#write")
    inspect(page, "chat-guest")
    page.goto(chat.origin + "/enter/none")
    inspect(page, "link-gone")
    context.close()
