"""The report in a real browser: axe finds nothing, nothing is wider than its page, paper fits.

python -m tests.sim.drills.test_page_browser OUT    takes its pictures
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Browser
from tests.browsing import chromium
from tests.sim.drills import played

from penstock.sim.drills.page import page as values
from penstock.sim.drills.shapes import Result
from penstock.web.page import render

pytestmark = pytest.mark.slow
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS: Final = (("light", 390), ("dark", 1024), ("light", 1600))
PAPERS: Final = {"A4": (688, 1002), "Letter": (710, 934)}  # within the margins, in pixels


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("reports"))


def written(folder: Path) -> dict[str, str]:
    """Write a whole report and a bare one; return their addresses."""
    whole = played.result()
    bare = msgspec.structs.replace(whole, arms=(), customer=(), seen=(), bills=(), checks=())
    found: dict[str, Result] = {"whole": whole, "bare": bare}
    for name, result in found.items():
        (folder / f"{name}.html").write_text(render("drill.html", **values(result)))
    return {name: (folder / f"{name}.html").as_uri() for name in found}


@pytest.mark.parametrize("name", ["whole", "bare"])
def test_it_is_for_everybody(browser: Browser, reports: dict[str, str], name: str) -> None:
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(reports[name])
    for scheme, width in VIEWS if name == "whole" else VIEWS[:1]:
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.set_viewport_size({"width": width, "height": 900})
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response
        told = [f"{one['id']} {one['nodes'][0]['html'][:200]}" for one in found["violations"]]
        assert told == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert asked == [reports[name]]
    page.close()


@pytest.mark.parametrize("paper", PAPERS)
def test_its_verdict_fits_the_first_sheet_and_nothing_is_cut_off(
    browser: Browser, reports: dict[str, str], paper: str
) -> None:
    width, height = PAPERS[paper]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.emulate_media(media="print")
    page.goto(reports["whole"])
    foot = "document.querySelector('.first-page').getBoundingClientRect().bottom"
    assert page.evaluate(foot) <= height
    wide = "[...document.querySelectorAll('.table')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    assert page.evaluate(f"{wide}.map(e => e.getAttribute('aria-label'))") == []
    page.close()


def pictures(folder: Path) -> None:
    """Take pictures of the whole report at all widths, and print it."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for scheme, width in VIEWS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            page.goto(written(folder)["whole"])
            page.screenshot(path=folder / f"{scheme}-{width}.png", full_page=True)
            page.pdf(path=folder / "report.pdf", format="A4")
            page.close()


if __name__ == "__main__":
    pictures(Path(sys.argv[1]))
