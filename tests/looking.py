"""Pictures of what a page shows, light and dark, on a phone and a desk, to be looked at.

Where ``PENSTOCK_SCREENSHOTS`` names a folder, tests that have brought a page into a state leave
four pictures of it there, and a sheet of them; else ``look`` does nothing.
"""

import os
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

FOLDER: Final = "PENSTOCK_SCREENSHOTS"
VIEWS: Final = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
HEIGHT: Final = {390: 844, 1440: 900}
STYLE: Final = "body{margin:4px;background:#888;font:16px sans-serif}img{margin:2px}"


def look(name: str, page: Page) -> None:
    """Take a page in each view, and a sheet of them, if pictures are wanted."""
    folder = os.environ.get(FOLDER)
    if folder:
        take(Path(folder), name, page)


def take(folder: Path, name: str, page: Page) -> None:
    """Take a page in each view, and a sheet of them; tell of what is wider than its view."""
    folder.mkdir(parents=True, exist_ok=True)
    file, before = name.replace(" ", "-"), page.viewport_size
    paths: list[Path] = []
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": HEIGHT[width]})
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.evaluate("() => new Promise((done) => setTimeout(done, 150))")  # it is redrawn
        paths.append(folder / f"{file}-{width}-{scheme}.png")
        page.screenshot(path=paths[-1])
        over = page.evaluate("document.documentElement.scrollWidth") - width
        if over > 0:
            sys.stdout.write(f"{name} {width} {scheme}: wider than the page by {over}\n")
    if before:
        page.set_viewport_size(before)
    _sheet(folder / f"sheet-{file}.png", name, paths, page)


def _sheet(path: Path, name: str, pictures: list[Path], page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    shown = "".join(f'<img src="{one.as_uri()}" height="455">' for one in pictures)
    source = path.with_suffix(".html")
    source.write_text(f"<style>{STYLE}</style><b>{name}</b><br>{shown}")
    sheet = browser.new_page(viewport={"width": 1980, "height": 500})
    sheet.goto(source.as_uri())
    sheet.screenshot(path=path)
    sheet.close()
    source.unlink()
