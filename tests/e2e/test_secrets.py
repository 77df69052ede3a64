"""Secrets stay where they are named: in no file of ours, no log, no answer and no page."""

import http.client
import os
import signal
from pathlib import Path

import httpx
import pytest
from tests.cli.running import REAL, Running, penstock, port, running
from tests.e2e.test_up import answer

from penstock.apps.control.api.table import ENDPOINTS
from penstock.apps.status.api.table import ENDPOINTS as STATUS_ENDPOINTS
from penstock.config import private_file

CANARY = "canary-4711"
FILE = """
[emulate]
is_enabled = true
[[upstreams]]
name = "by-file"
dialect = "openai_chat"
base_url = "http://127.0.0.1:8405/gpt/v1"
api_key_file = "{key}"
[[upstreams]]
name = "by-variable"
dialect = "openai_chat"
base_url = "http://127.0.0.1:1/v1"
api_key_env = "PROVIDERS_KEY"
[[routes]]
name = "fast"
targets = [
    {{upstream = "by-variable", model = "gpt-5.6"}},
    {{upstream = "by-file", model = "gpt-5.6"}},
]
[control]
oidc_issuer = "http://127.0.0.1:1"
oidc_client_id = "penstock"
oidc_client_secret_env = "OIDC_SECRET"
[alerts.smtp]
host = "127.0.0.1"
port = 1
is_tls = false
user = "status"
password_env = "SMTP_PASSWORD"
sender = "status@example.org"
[[components]]
name = "API"
surface = "api"
[[components]]
name = "Log-in"
surface = "login"
[[probes]]
name = "somebody"
kind = "login"
components = ["Log-in"]
interval_s = 5.0
url = "http://127.0.0.1:1/login"
user = "synthetic"
password_env = "PROBE_PASSWORD"
[status]
subscribers_may_be_private = true
[[alerts.receivers]]
name = "hook"
kind = "webhook"
url_env = "HOOK_URL"
secret_env = "HOOK_SECRET"
"""
VARIABLES = {
    "PROVIDERS_KEY": f"sk-{CANARY}",
    "OIDC_SECRET": f"oidc-{CANARY}",
    "HOOK_URL": f"http://127.0.0.1:1/hook/{CANARY}",
    "HOOK_SECRET": f"hook-{CANARY}",
    "SMTP_PASSWORD": f"smtp-{CANARY}",
    "PROBE_PASSWORD": f"probe-{CANARY}",
}
PAGES = ("/", "/login", "/configuration", "/tenants", "/login/oidc", "/no/such/page")


STATUS_PAGES = (
    "/", "/api/v2/summary.json", "/api/status.json", "/history.atom", "/uptime.json", "/no/such",
)  # fmt: skip


def asked(up: Running, method: str, path: str, whom: str = "control") -> str:
    """Return a whole answer of control or the status process, head and body."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port(up.ready()["urls"][whom]), timeout=20.0
    )
    try:
        token = private_file.read(up.home.root / "control.token").strip()
        connection.request(method, path, "{}", {"authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return f"{response.headers}\n{response.read().decode()}"
    finally:
        connection.close()


def subscribed(up: Running) -> str:
    """Ask to be told by mail, which needs the mail server's password; return what is answered."""
    url = f"{up.ready()['urls']['status']}/subscribe"
    form = {"kind": "email", "address": f"{CANARY}@example.org"}
    answered = httpx.post(url, data=form, trust_env=False, timeout=20.0)
    assert answered.status_code == 200, answered.text
    return answered.text.replace(form["address"], "")


@pytest.mark.slow
def test_no_secret_goes_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    key = tmp_path / "provider.key"
    private_file.write(key, f"sk-file-{CANARY}\n")
    (tmp_path / "penstock.toml").write_text(FILE.format(key=key))
    paths = [f"/api/v1{one.path}" for one in ENDPOINTS if one.method == "GET"]
    status_paths = [f"/api/v1{one.path}" for one in STATUS_ENDPOINTS if one.method == "GET"]
    with running(tmp_path, REAL) as up:
        assert answer(up, up.ready()["key"], "fast")[0] == 200
        told = [asked(up, "GET", path.replace("{", "").replace("}", "")) for path in paths]
        told += [asked(up, "GET", path) for path in ("/api/v1/openapi.json", *PAGES)]
        told.append(asked(up, "POST", "/api/v1/receivers/hook/test"))
        assert '"is_sent":false' in told[-1]
        told += [asked(up, "GET", path, "status") for path in (*status_paths, *STATUS_PAGES)]
        told.append(subscribed(up))
        up.until(lambda: "subscriber_not_told" in up.home.log("status").read_text())
        own = [private_file.read(up.home.root / name).strip() for name in ("control.token",)]
        assert not [one for one in own if one in "\n".join(told)]
        told.append(penstock(tmp_path, "check", "--json").stdout)
        os.kill(up.process.pid, signal.SIGHUP)
        up.until(lambda: "reload" in up.out)
        files = {path: path.read_bytes() for path in up.home.root.rglob("*") if path.is_file()}
        files[up.ready_file] = up.ready_file.read_bytes()
        up.stop()
    assert CANARY not in "\n".join([*told, up.out])
    assert {path.name for path in files} >= {
        "snapshot", "plan.json", "ledger.db", "control.log", "status.db", "status.log", "index.html"
    }  # fmt: skip
    assert not [path for path, content in files.items() if CANARY.encode() in content]
