"""Draws the chat's icons from the mark: `python docs/chat_icons.py` (needs the chromium of tests).

extras/icon.svg          the mark, as web/static/mark.svg has it
extras/icon-SIZE.png     on a raised ground with round corners: launchers that take it as it is
extras/maskable-512.png  full ground, the mark within the inner circle that every mask leaves
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

ROOT: Final = Path(__file__).parents[1] / "src" / "penstock"
MARK: Final = ROOT / "web" / "static" / "mark.svg"
OUT: Final = ROOT / "apps" / "chat" / "static" / "extras"
GROUND: Final = "#0f4d74"
INK: Final = "#ffffff"
# name, pixels, radius and mark as shares of the width
ICONS: Final = (
    ("icon-192.png", 192, 0.2, 0.66),
    ("icon-512.png", 512, 0.2, 0.66),
    ("maskable-512.png", 512, 0.0, 0.5),
)
PAGE: Final = (
    "<style>body{{margin:0;background:transparent}}div{{width:{px}px;height:{px}px;display:grid;"
    "place-items:center;background:{ground};border-radius:{radius}px}}svg{{width:{mark}px;"
    "stroke:{ink}}}</style><div>{svg}</div>"
)


def main() -> int:
    """Write all icons; say what was written."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("there is no chromium on the path\n")
        return 1
    mark = MARK.read_text(encoding="utf-8")
    (OUT / "icon.svg").write_text(mark, encoding="utf-8")
    before, _, rest = mark.partition("<style>")
    svg = before + rest.partition("</style>")[2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, px, radius, share in ICONS:
            page = browser.new_page(viewport={"width": px, "height": px})
            html = PAGE.format(
                px=px, radius=px * radius, mark=px * share, ground=GROUND, ink=INK, svg=svg
            )
            page.set_content(html)
            page.screenshot(path=OUT / name, omit_background=True)
            sys.stdout.write(f"{name}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
