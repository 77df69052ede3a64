"""The gateway as a process: it starts or says why, keeps its secrets, reloads, and drains."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.apps.gateway.process import (
    BOUND_S,
    CALLER_KEY,
    PATH,
    UPSTREAM_KEY,
    RunningGateway,
    StandIn,
    config_of,
    publish,
)

from penstock.config.model import Config, Route, Target
from penstock.snapshot import file

QUESTION = {"model": "good", "messages": [{"role": "user", "content": "canary of the prompt"}]}


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """Return a stand-in that is closed at the end."""
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def state_dir(tmp_path: Path, provider: StandIn) -> Path:
    """Return a state directory with a snapshot."""
    publish(tmp_path, config_of(provider.url), 1)
    return tmp_path


def records(state_dir: Path) -> list[dict[str, object]]:
    lines = [
        json.loads(line)
        for path in sorted((state_dir / "spool").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [line for line in lines if line["kind"] == "closed"]


def test_no_secret_and_no_prompt_is_found_anywhere(state_dir: Path, provider: StandIn) -> None:
    canaries = [CALLER_KEY, UPSTREAM_KEY, "canary-wrong", "canary of the prompt"]
    with RunningGateway(state_dir) as gateway:
        answers = [
            gateway.ask(QUESTION),
            gateway.ask(QUESTION, key="pk-canary-wrong"),
            gateway.ask(b'{"model": "good", "messages": "canary of the prompt'),
            gateway.ask(QUESTION, headers={"x-canary": "canary-wrong", "cookie": "canary-wrong"}),
            gateway.ask(b"{}"),
            gateway.ask(QUESTION | {"model": "refused"}),
        ]
        assert [status for status, _, _ in answers] == [200, 401, 400, 200, 400, 503]
        assert provider.keys[0] == f"Bearer {UPSTREAM_KEY}"
        seen = [gateway.admin(path) for path in ("/metrics", "/telemetry", "/healthz", "/nothing")]
        gateway.process.send_signal(signal.SIGHUP)
        gateway.until(gateway.log, "reloaded")
        assert gateway.stop() == 0
    seen += [body + str(headers).encode() for _, body, headers in answers]
    for path in state_dir.rglob("*"):
        if path.is_file():
            seen.append(path.read_bytes())
    assert any(b'"kind":"closed"' in text for text in seen)
    for canary in canaries:
        assert not [text for text in seen if canary.encode() in text], canary


def test_no_model_name_injects_a_header_or_breaks_the_metrics(state_dir: Path) -> None:
    with RunningGateway(state_dir) as gateway:
        for model in ("a\r\nx-evil: yes", 'b"} 1\n', "\u2028\u0000é", "z" * 5000):
            status, _, headers = gateway.ask(QUESTION | {"model": model})
            assert status == 200
            assert "x-evil" not in headers
            assert all("\r" not in value and "\n" not in value for value in headers.values())
        lone = json.dumps(QUESTION | {"model": "\ud800"}).encode()
        assert gateway.ask(lone)[0] == 400
        assert b"penstock_exchanges_total" in gateway.admin("/metrics")
        assert gateway.telemetry()["exchanges_in_flight"] == 0
        assert gateway.stop() == 0


def test_the_process_loads_nothing_that_it_does_not_need(state_dir: Path) -> None:
    code = (
        "import sys, json, importlib\n"
        "importlib.import_module('penstock.cli.main')\n"
        "importlib.import_module('penstock.cli.gateway')\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    del state_dir
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=BOUND_S
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert "uvloop" in loaded
    heavy = {"rich", "starlette", "uvicorn", "sqlalchemy", "httpx", "jinja2", "typer", "click"}
    assert not loaded & heavy
    modules = {name for name in json.loads(done.stdout) if name.startswith("penstock.")}
    assert not {name for name in modules if name.startswith("penstock.apps.emulate")}
    assert "penstock.cli.up" not in modules


def test_sigterm_lets_a_stream_finish_and_exits_0(state_dir: Path, provider: StandIn) -> None:
    with RunningGateway(state_dir) as gateway:
        connection = gateway.connect()
        body = json.dumps(QUESTION | {"stream": True})
        connection.request("POST", PATH, body, {"authorization": f"Bearer {CALLER_KEY}"})
        answer = connection.getresponse()
        assert b"first" in answer.readline()
        gateway.process.send_signal(signal.SIGTERM)
        gateway.until(gateway.log, '"draining"')
        assert b"draining" in gateway.admin("/readyz")
        with pytest.raises(ConnectionRefusedError):
            gateway.connect().connect()
        assert not gateway.ended_within(0.05)
        provider.go_on.set()
        rest = answer.read()
        assert b"last" in rest
        assert rest.endswith(b"data: [DONE]\n\n")
        connection.close()
        assert gateway.process.wait(BOUND_S) == 0
    assert [record["outcome"] for record in records(state_dir)] == ["complete"]


def test_a_stream_that_outlasts_the_drain_is_cut_and_recorded(
    tmp_path: Path, provider: StandIn
) -> None:
    publish(tmp_path, config_of(provider.url, drain_s=0.05), 1)
    with RunningGateway(tmp_path) as gateway:
        connection = gateway.connect()
        body = json.dumps(QUESTION | {"stream": True})
        connection.request("POST", PATH, body, {"authorization": f"Bearer {CALLER_KEY}"})
        answer = connection.getresponse()
        assert b"first" in answer.readline()
        assert gateway.stop() == 0
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
        connection.close()
        assert '"cut":1' in gateway.log.read_text()
    assert [record["outcome"] for record in records(tmp_path)] == ["broken"]


def test_a_taken_port_is_one_line_and_exit_1(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--admin-port"):
            gateway = RunningGateway(state_dir, option, port)
            assert gateway.process.wait(BOUND_S) == 1
            lines = gateway.log.read_text().strip().split("\n")
            assert lines[-1].startswith("penstock gateway: the gateway cannot listen: ")
            assert port in lines[-1]
            assert "Traceback" not in gateway.log.read_text()
            gateway.log.unlink()


def test_what_keeps_it_from_starting_is_one_line(tmp_path: Path, provider: StandIn) -> None:
    gateway = RunningGateway(tmp_path)
    assert gateway.process.wait(BOUND_S) == 1
    bad_ca = config_of(provider.url)
    entry = msgspec.structs.replace(
        bad_ca.upstreams[0], base_url="https://localhost/v1", tls_ca_file=str(tmp_path / "no.pem")
    )
    for config in (
        msgspec.structs.replace(bad_ca, upstreams=(entry,)),
        config_of(provider.url, tls_cert_file=str(tmp_path / "no.pem")),
    ):
        publish(tmp_path, config, 1)
        assert RunningGateway(tmp_path).process.wait(BOUND_S) == 1
    text = gateway.log.read_text()
    assert "Traceback" not in text
    said = [line for line in text.split("\n") if line.startswith("penstock gateway: ")]
    assert len(said) == 3
    assert "cannot be read" in said[0]
    assert "no.pem cannot be used" in said[1]
    assert "no.pem" in said[2]


def test_a_bad_snapshot_is_refused_and_the_last_good_one_stays(
    state_dir: Path, provider: StandIn
) -> None:
    told = state_dir / "run" / "gateway.reload.json"
    lost = (Route(name="*", targets=(Target(upstream="nowhere"),)),)
    with RunningGateway(state_dir) as gateway:
        good = (state_dir / "snapshot").read_bytes()
        for bad, reason in ((good[:-1], "damaged"), (b"", "not a snapshot")):
            (state_dir / "snapshot").write_bytes(bad)
            gateway.process.send_signal(signal.SIGHUP)
            gateway.until(told, reason)
            assert gateway.ask(QUESTION)[0] == 200
        broken: Config = msgspec.structs.replace(config_of(provider.url), routes=lost)
        publish(state_dir, broken, 2)
        gateway.process.send_signal(signal.SIGHUP)
        gateway.until(told, "nowhere")
        assert gateway.ask(QUESTION)[0] == 200
        assert gateway.telemetry()["snapshot_version"] == 1
        assert b"penstock_reloads_failed_total 3.0" in gateway.admin("/metrics")
        publish(state_dir, config_of(provider.url), 3)  # noticed without a signal
        gateway.until(told, '"version":3')
        assert gateway.telemetry()["snapshot_version"] == 3
        assert file.read(state_dir / "snapshot").version == 3
        assert gateway.stop() == 0


def test_without_the_provider_s_key_it_starts_and_says_so(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.apps.gateway.process.UPSTREAM_KEY", "")
    with RunningGateway(state_dir) as gateway:
        assert "upstream_without_key" in gateway.log.read_text()
        assert gateway.stop() == 0


def test_the_admin_port_answers_what_it_knows(state_dir: Path) -> None:
    with RunningGateway(state_dir) as gateway:
        assert json.loads(gateway.admin("/healthz")) == {"status": "ok"}
        assert json.loads(gateway.admin("/readyz")) == {"status": "ready"}
        assert gateway.admin("/") == gateway.admin("/metrics")
        assert b"not found" in gateway.admin("/other")
        gateway.ask(QUESTION)
        routes = gateway.telemetry()["routes"]
        assert [(one["route"], one["exchanges"]) for one in routes] == [("*", 1)]
        connection = gateway.connect("admin_url")
        connection.request("POST", "/metrics", b"")
        assert connection.getresponse().status == 405
        connection.close()
        assert gateway.stop() == 0
