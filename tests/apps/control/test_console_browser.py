"""Pages in a real browser: axe finds nothing, nothing is wider than a phone, the policy holds."""

import importlib
import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright
from tests.apps.control.console import NOW, app_of, parts_in
from tests.apps.control.rows import attempts, exchange, put, traffic

from penstock.ledger import tables

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or ""
PATHS = ("/", "/exchanges", "/exchanges?tenant=nobody", "/usage", "/audit")
ONE = "/exchanges/req_00000005"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path: install it to look at pages")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module", params=["empty", "some"])
def urls(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[list[str]]:
    parts = parts_in(tmp_path_factory.mktemp("state"))
    if request.param == "some":
        rows = [exchange(at, NOW - 100 + at) for at in range(60)]
        put(parts.store, tables.exchanges, rows)
        put(parts.store, tables.traffic, [traffic(NOW - 60 * at, 600) for at in range(1, 50)])
        put(parts.store, tables.attempts, [attempts(NOW - 60, "gpt", "success", 600)])
    config = uvicorn.Config(app_of(parts), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    paths = PATHS if request.param == "empty" else (*PATHS, ONE)
    yield [f"http://127.0.0.1:{socket.getsockname()[1]}{path}" for path in paths]
    server.should_exit = True
    thread.join(10)
    parts.store.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_for_everybody(
    browser: Browser, urls: list[str], scheme: str, tmp_path: Path
) -> None:
    wrong: list[str] = []
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright").Axe()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    for width in (390, 1024):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="light" if scheme == "light" else "dark",
        )
        page = context.new_page()
        page.on("console", hear)
        for path in urls:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            found: dict[str, Any] = axe.run(page).response
            wrong += [
                f"{path} at {width}: {one['id']} {one['nodes'][0]['html'][:200]}"
                for one in found["violations"]
            ]
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                page.screenshot(path=str(tmp_path / "wide.png"))
                wrong.append(f"{path} is wider than {width} by {over}")
        context.close()
    assert wrong == []
