"""Serve the pages of a view as the process does, and take pictures of all kinds of views.

python -m tests.apps.status.looking OUT [KIND ...]
"""

import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import uvicorn
from playwright.sync_api import Browser
from starlette.applications import Starlette
from tests.apps.status.sample_views import NOW, kinds, named
from tests.browsing import chromium

from penstock.apps.status.site import rendering
from penstock.apps.status.site.files import File
from penstock.apps.status.site.serving import SiteServer
from penstock.apps.status.view import View

VIEWS: Final = tuple((scheme, width) for width in (390, 1024, 1600) for scheme in ("light", "dark"))


@contextmanager
def served(view: View, more: Mapping[str, File] = MappingProxyType({})) -> Generator[str]:
    """Serve a view on a free port, and more beside it; yield its address."""
    site = SiteServer(Starlette())
    site.use({**rendering.render(view), **more})
    server = uvicorn.Server(uvicorn.Config(site, port=0, log_config=None, lifespan="off"))
    socket = server.config.bind_socket()
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def paths(view: View) -> list[str]:
    """Return one address of each kind of page."""
    found = ["/", "/history", "/uptime", "/maintenance", "/api", "/404.html"]
    found += [f"/incidents/{one.id}" for one in view.incidents[:1]]
    months = sorted(path for path in rendering.render(view) if path.startswith("/history/"))
    found += months[-2:-1]
    ids = named(view.components, "Log-in") or [
        one.id for one in view.components if not one.is_group
    ]
    found += [f"/components/{one}" for one in ids[:1]]
    found += ["/report"] if view.takes_reports else []
    return found + (["/subscribe"] if view.takes_subscriptions else [])


def pictures(
    browser: Browser, view: View, out: Path, name: str, views: Sequence[tuple[str, int]]
) -> None:
    """Take pictures of one kind of view."""
    with served(view) as url:
        page = browser.new_page(base_url=url, reduced_motion="reduce")
        page.clock.set_fixed_time(NOW)
        for path in paths(view) if name in ("several", "good") else ["/"]:
            page.goto(path)
            word = path.split("/")[1] or "front"
            word += "-month" if path.count("/") == 2 and word == "history" else ""
            for scheme, width in views:
                page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
                page.set_viewport_size({"width": width, "height": 900})
                file = out / f"{name}-{word}-{width}-{scheme}.png"
                page.screenshot(path=file, full_page=True)
        page.close()


def main(out: Path, wanted: Sequence[str]) -> None:
    """Take all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name, view in kinds().items():
            if not wanted or name in wanted:
                pictures(browser, view, out, name, VIEWS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
