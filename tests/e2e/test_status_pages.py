"""Operators' pages in a browser: from the console by its button, then with everything else dead.

PENSTOCK_PICTURES names a folder for pictures of each page, on a phone and wide, light and dark.
"""

import contextlib
import importlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.cli.running import REAL, Running, penstock, port, running

pytestmark = pytest.mark.slow
WITHIN_S = 60.0
WITHIN_MS = 1000 * WITHIN_S
OWNER = "owner@example.org"
PASSWORD = "canary four words at random"
LISTS = ("incidents", "components", "reports", "subscribers", "probes", "audit")
VIEWS = tuple((scheme, width) for width in (390, 1280) for scheme in ("light", "dark"))
PICTURES = os.environ.get("PENSTOCK_PICTURES", "")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a run of everything."""
    with running(tmp_path_factory.mktemp("run"), REAL, ["--emulate"]) as one:
        yield one
        pid = one.ready()["pids"]["status"]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def own(up: Running, name: str) -> str:
    """Return the address of a surface by its own name."""
    names = {"control": "console.localhost", "status": "status.localhost"}
    return f"http://{names[name]}:{port(up.ready()['urls'][name])}"


def look(page: Page, name: str, wrong: list[str]) -> None:
    """Look at a page in all colours and widths; note what is wrong with it."""
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    for scheme, width in VIEWS:
        page.emulate_media(
            color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce"
        )
        page.set_viewport_size({"width": width, "height": 900})
        found: dict[str, Any] = axe.run(page).response
        where = f"{name} {scheme} at {width}"
        wrong += [
            f"{where}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in found["violations"]
        ]
        over = page.evaluate("document.documentElement.scrollWidth") - width
        if over > 0:
            wrong.append(f"{where}: wider than the page by {over}")
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture(scope="module")
def desk(browser: Browser, up: Running) -> Iterator[Page]:
    """Come in from the console by its button; then nothing but the status process is left."""
    wrong: list[str] = []
    page = browser.new_page(base_url=own(up, "control"))
    page.set_default_timeout(WITHIN_MS)
    page.goto("/first/" + (up.home.root / "first-link").read_text().strip())
    page.get_by_label("E-mail address").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Become the owner").click()
    page.wait_for_url("**/account")
    page.goto("/status-page")
    look(page, "console", wrong)
    page.get_by_role("button", name="Open the status page").click()
    page.wait_for_url(f"{own(up, 'status')}/manage")
    expect(page.get_by_text(OWNER).first).to_be_visible()
    ended_all_but_status(up)
    yield page
    assert not wrong, "\n".join(wrong)


def test_an_incident_is_opened_changed_resolved_and_explained(desk: Page, up: Running) -> None:
    wrong: list[str] = []
    desk.goto(f"{own(up, 'status')}/manage")
    desk.get_by_role("link", name="New incident").click()
    desk.get_by_label("Title").fill("The API fails for most")
    desk.get_by_label("First words").fill("Most calls fail. We are on it; next update in 30 min.")
    desk.get_by_label("API", exact=True).select_option("major_outage")
    desk.get_by_label("Streaming").select_option("partial_outage")
    look(desk, "new", wrong)
    desk.get_by_role("button", name="Open the incident").click()
    expect(desk.get_by_role("heading", name="The API fails for most")).to_be_visible()
    place = desk.url
    look(desk, "incident", wrong)
    desk.goto(f"{own(up, 'status')}/manage")
    expect(desk.get_by_role("heading", level=1)).to_have_text(re.compile("API and Streaming fail"))
    desk.goto(place)
    desk.get_by_label("What is known").fill("Half of it works.")
    desk.get_by_label("Status", exact=True).select_option("identified")
    desk.locator("summary", has_text="Components").click()
    desk.get_by_label("Change what it touches").check()
    desk.get_by_label("Streaming").select_option("")
    desk.get_by_role("button", name="Post the update").click()
    expect(desk.get_by_text("Half of it works.").first).to_be_visible()
    desk.get_by_role("button", name="Resolve the incident").click()
    desk.get_by_role("link", name="Post-mortem").click()
    look(desk, "post-mortem", wrong)
    desk.get_by_role("button", name="Save and publish").click()
    expect(desk.get_by_text("Published").first).to_be_visible()
    assert not wrong, "\n".join(wrong)
    listed = penstock(up.folder, "status", "incident", "list", "--all", "--json").stdout
    assert '"status":"postmortem"' in listed


def test_a_draft_is_seen_first_and_discarded(desk: Page, up: Running) -> None:
    wrong: list[str] = []
    said = ("--body", "We look.", "--component", "auto=major")
    penstock(up.folder, "status", "incident", "open", "Maybe", *said, "--draft")
    penstock(up.folder, "status", "incident", "open", "It is", *said)
    desk.goto(f"{own(up, 'status')}/manage")
    look(desk, "now", wrong)
    desk.get_by_role("link", name="Discard").click()
    look(desk, "discard", wrong)
    desk.get_by_role("button", name="Discard the draft").click()
    expect(desk.get_by_text("Maybe")).to_have_count(0)
    assert not wrong, "\n".join(wrong)


def test_a_component_is_set_and_released(desk: Page, up: Running) -> None:
    wrong: list[str] = []
    desk.goto(f"{own(up, 'status')}/manage/components")
    desk.get_by_role("link", name="fast", exact=True).click()
    desk.get_by_label("State").select_option("degraded_performance")
    desk.get_by_role("button", name="Set").click()
    expect(desk.get_by_text("said by operator")).to_be_visible()
    look(desk, "component", wrong)
    desk.get_by_label("State").select_option("")
    desk.get_by_role("button", name="Set").click()
    expect(desk.get_by_text("said by watch")).to_be_visible()
    assert not wrong, "\n".join(wrong)


def test_a_maintenance_is_announced_and_wrong_times_are_named(desk: Page, up: Running) -> None:
    wrong: list[str] = []
    desk.goto(f"{own(up, 'status')}/manage/maintenance")
    desk.get_by_label("Title").fill("A move")
    desk.get_by_label("What is done").fill("We move. Nothing fails.")
    desk.get_by_label("fast").check()
    ends = desk.get_by_label("Ends (UTC)")
    good = ends.input_value()
    ends.fill("2026-01-01T00:00")
    desk.get_by_role("button", name="Announce").click()
    expect(desk.get_by_text("The end is not within a month after its begin").last).to_be_visible()
    look(desk, "refused", wrong)
    desk.get_by_label("Ends (UTC)").fill(good)
    desk.get_by_role("button", name="Announce").click()
    expect(desk.get_by_role("heading", name="A move")).to_be_visible()
    look(desk, "maintenance", wrong)
    desk.get_by_role("button", name="Cancel").click()
    expect(desk.get_by_text("It is cancelled.")).to_be_visible()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", LISTS)
def test_each_page_is_for_everybody(name: str, desk: Page, up: Running) -> None:
    wrong: list[str] = []
    desk.goto(f"{own(up, 'status')}/manage/{name}")
    look(desk, name, wrong)
    assert not wrong, "\n".join(wrong)


def test_who_has_logged_out_comes_in_with_a_token_that_is_good(
    browser: Browser, up: Running, desk: Page
) -> None:
    del desk
    wrong: list[str] = []
    page = browser.new_context(base_url=own(up, "status")).new_page()
    page.goto("/manage")
    page.get_by_label("Operator's token").fill("no-such-token")
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("not one of this installation's")).to_be_visible()
    look(page, "enter", wrong)
    page.get_by_label("Operator's token").fill((up.home.root / "control.token").read_text().strip())
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("break-glass").first).to_be_visible()
    page.goto("/manage/leave")
    look(page, "leave", wrong)
    page.get_by_role("button", name="Log out").click()
    page.goto("/manage")
    expect(page.get_by_role("button", name="Come in")).to_be_visible()
    assert not wrong, "\n".join(wrong)


def ended_all_but_status(up: Running) -> None:
    """Kill what serves, and who would start it again."""
    pids = dict(up.ready()["pids"])
    pids.pop("status")
    os.kill(pids.pop("up"), signal.SIGKILL)
    up.process.wait(WITHIN_S)
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with pytest.raises(httpx.HTTPError):
        httpx.get(up.ready()["urls"]["control"], trust_env=False)
