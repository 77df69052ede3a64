"""The configuration of nginx that the runbook shows, tried with nginx over a folder of ours."""

import getpass
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.apps.status.site.test_serving import OPEN_TO_ALL
from tests.apps.status.site.views import VIEW
from tests.e2e.emulator import wait_until

from penstock.apps.status.site import rendering, writing
from penstock.web import process

RUNBOOK: Final = Path(__file__).parents[4] / "docs" / "runbooks" / "status_page.md"
NGINX: Final = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/bin:/sbin")
AROUND: Final = """\
daemon off;
user {user};
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{recipe}
}}
"""
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run nginx as the runbook has it; only places, ports and TLS are others."""
    folder = tmp_path_factory.mktemp("nginx")
    site = folder / "site"
    writing.write(site, rendering.render(VIEW))
    found = re.search(r"```nginx\n(.*?)```", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    with process.listen("free", "127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    recipe = found[1].replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    recipe = recipe.replace("/var/www/penstock/site", str(site)).replace(":8403", ":1")
    (folder / "nginx.conf").write_text(AROUND.format(recipe=recipe, user=getpass.getuser()))
    running = subprocess.Popen(
        [str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"], text=True
    )
    wait_until(lambda: running.poll() is not None or _answers(f"http://127.0.0.1:{port}"))
    assert running.poll() is None
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code > 0
    except httpx.TransportError:
        return False


def test_every_path_is_served_as_the_process_serves_it(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        for path, file in rendering.render(VIEW).items():
            answer = client.get(path)
            assert (answer.status_code, answer.content) == (200, file.body), path
            assert answer.headers["content-type"].replace(" ", "") == file.kind.replace(" ", "")
            is_open = answer.headers.get("access-control-allow-origin") == "*"
            assert is_open is file.is_for_all, path
            age = "31536000, immutable" if file.age_s < 0 else str(file.age_s)
            assert answer.headers["cache-control"] == f"public, max-age={age}", path


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_what_has_not_changed_is_not_sent_again(url: str, path: str) -> None:
    first = httpx.get(url + path)
    again = httpx.get(url + path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_packed_forms_are_sent_and_what_is_no_file_goes_to_the_process(url: str) -> None:
    packed = httpx.get(f"{url}/api/v2/summary.json", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    # The process is not there in this test: that nginx asked for it can be told by that.
    assert httpx.post(f"{url}/api/v2/subscribers.json", json={}).status_code == 502
    assert httpx.post(f"{url}/", data={}).status_code == 502
