"""The chat's answers over a real gateway and emulated providers, with one worker and with two.

What the providers have counted is what tells: a stop has ended the call there, whoever is killed
meanwhile, an answer was made once; its text is whole in the end.
"""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import pytest
from tests.apps.chat.files.samples import pdf, png
from tests.e2e.chat_people import FAILURES, Person
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CLAUDE, GPT
from tests.e2e.stack import Stack, stack
from tests.e2e.test_chat_isolation import locked
from tests.e2e.test_full_disk import full

pytestmark = pytest.mark.slow
WITHIN_S: Final = 60.0
SAID: Final = " ".join(f"word{n}" for n in range(60)) + " end"
QUESTION: Final = f"[[say:{SAID}]]"
STEADY: Final = {"tokens_per_s": 20.0, "ttft_s": 0.05, "spread": 0.0}
OVER: Final = ("done", "stopped", "broken", "refused")
CONFIG: Final = """
[chat]
trusted_proxies = ["127.0.0.0/8"]
models = ["chat", "chat-claude", "narrow", "seen-gpt", "seen-claude"]
[gateway]
workers = {workers}
[[upstreams]]
name = "narrow"
dialect = "openai_chat"
base_url = "{url}"
api_key_file = "{key}"
concurrency_max = 1
is_adaptive = false
[[routes]]
name = "narrow"
targets = [{{upstream = "narrow", model = "{model}"}}]
[[upstreams]]
name = "seen-gpt"
dialect = "openai_chat"
base_url = "{relay}{gpt_path}"
api_key_file = "{key}"
[[upstreams]]
name = "seen-claude"
dialect = "anthropic_messages"
base_url = "{relay}{claude_path}"
api_key_file = "{key}"
[[routes]]
name = "seen-gpt"
targets = [{{upstream = "seen-gpt", model = "{model}"}}]
[[routes]]
name = "seen-claude"
targets = [{{upstream = "seen-claude", model = "{claude}"}}]
"""


class Relay(BaseHTTPRequestHandler):
    """Passes on to the emulator what it is asked, and keeps it."""

    place: ClassVar[str] = ""
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(json.loads(body))
        connection = http.client.HTTPConnection(self.place, timeout=WITHIN_S)
        with contextlib.closing(connection):
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            told = response.read()
        self.send_response(response.status)
        self.send_header("content-type", str(response.getheader("content-type")))
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Chat:
    """Everything that runs, with one person who asks."""

    def __init__(self, running: Stack, emulator: RunningEmulator) -> None:
        self.running = running
        self.emulator = emulator
        self._number = 0
        self.person = Person(self.url, 1)
        assert self.person.sign_up() < 400

    @property
    def url(self) -> str:
        return str(self.running.up.ready()["urls"]["chat"])

    def post(self, path: str, **body: object) -> dict[str, Any]:
        status, told = self.person.ask("POST", f"/api/v1{path}", json.dumps(body).encode())
        assert status < 300, told
        return json.loads(told) if told else {}

    def say(self, model: str, text: str = QUESTION, files: tuple[str, ...] = ()) -> str:
        """Say something in a new conversation; return the answer's name."""
        self._number += 1
        talk, answer = f"conversation-{self._number}", f"answer-{self._number:08d}"
        self.post("/conversations", id=talk)
        own = {"id": f"u-{answer}", "answer": answer, "parent": "", "text": text, "model": model}
        self.post(f"/conversations/{talk}/messages", **own, files=files)
        return answer

    def has(self, answer: str, words: int) -> bool:
        return len((self.read(answer).get("text") or "").split()) >= words

    def upload(self, name: str, raw: bytes) -> str:
        """Bring a file; return its name there."""
        kind = "application/octet-stream"
        status, told = self.person.ask("POST", f"/api/v1/files?name={name}", raw, kind)
        assert status < 300, told
        return str(json.loads(told)["id"])

    def read(self, answer: str) -> dict[str, Any]:
        try:
            return self.person.read(answer)
        except FAILURES:
            return {}  # the chat is being started again

    def until(self, answer: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        wait_until(lambda: is_so(self.read(answer)), WITHIN_S)
        return self.read(answer)

    def over(self, answer: str) -> dict[str, Any]:
        return self.until(answer, lambda one: one.get("state") in OVER)

    def said(self, answer: str, words: int = 5) -> dict[str, Any]:
        """Wait until so many words are there."""
        return self.until(answer, lambda one: len((one.get("text") or "").split()) >= words)


@pytest.fixture(scope="module")
def providers(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator("--shared-text")


@pytest.fixture(scope="module")
def relay(providers: RunningEmulator) -> Generator[str]:
    """Stand before the emulator, and see what comes."""
    Relay.place = urlsplit(providers.url).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=[1, 2])
def started(
    providers: RunningEmulator,
    relay: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Generator[Chat]:
    folder = tmp_path_factory.mktemp("chat")
    more = CONFIG.format(
        url=providers.urls["gpt"],
        key=folder / "upstream.key",
        model=GPT,
        workers=request.param,
        relay=relay,
        gpt_path=urlsplit(providers.urls["gpt"]).path,
        claude_path=urlsplit(providers.urls["claude"]).path,
        claude=CLAUDE,
    )
    with stack(folder, providers, more) as running:
        yield Chat(running, providers)


@pytest.fixture
def chat(started: Chat) -> Chat:
    """Everything, with providers that tell a word every 50 ms and have no past."""
    wait_until(lambda: not started.emulator.stats()["open"], WITHIN_S)
    started.emulator.reset()
    started.emulator.pace(gpt=dict(STEADY), claude=dict(STEADY))
    return started


def kinds(answer: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in answer["marks"]]


def test_stop_ends_the_call_at_the_provider_and_it_can_go_on(chat: Chat) -> None:
    answer = chat.say("chat")
    chat.said(answer)
    chat.post(f"/messages/{answer}/stop")
    wait_until(lambda: chat.emulator.attempts()[-1]["outcome"] == "cancelled", WITHIN_S)
    stopped = chat.over(answer)
    assert stopped["state"] == "stopped"
    assert SAID.startswith(stopped["text"])
    assert len(chat.emulator.attempts()) == 1
    chat.post(f"/messages/{answer}/continue")
    whole = chat.until(answer, lambda one: one.get("state") == "done")
    assert whole["text"] == SAID
    assert [one["outcome"] for one in chat.emulator.attempts()] == ["cancelled", "complete"]


def test_stop_ends_what_waits_in_the_gateways_queue(chat: Chat) -> None:
    first = chat.say("narrow")
    chat.said(first)
    others = [chat.say("narrow") for _ in range(2)]
    chat.said(first, 20)
    assert {chat.read(one)["state"] for one in others} == {"waiting"}
    for one in others:
        chat.post(f"/messages/{one}/stop")
        assert chat.over(one)["state"] == "stopped"
    assert chat.over(first)["text"] == SAID
    after = chat.say("narrow")
    assert chat.over(after)["text"] == SAID
    assert [one["outcome"] for one in chat.emulator.attempts()] == ["complete"] * 2


@pytest.mark.parametrize("fault", ["stream_abort", "stream_cut", "error_event_mid"])
def test_a_break_is_gone_on_with_by_another(chat: Chat, fault: str) -> None:
    chat.emulator.faults({"kind": fault, "provider": "gpt", "after_events": 10})
    whole = chat.over(chat.say("chat-claude"))
    assert (whole["state"], whole["text"]) == ("done", SAID)
    assert kinds(whole) == ["continued"]
    assert whole["marks"][0]["upstream"] == whole["upstream"] == "claude"
    assert whole["marks"][0]["because"].startswith("chat:")
    assert 0 < whole["marks"][0]["at"] < len(SAID)


def test_who_answers_in_place_of_another_is_marked(chat: Chat) -> None:
    chat.emulator.faults({"kind": "http_503", "provider": "gpt"})
    whole = chat.over(chat.say("chat-claude"))
    assert (whole["state"], whole["text"], kinds(whole)) == ("done", SAID, ["failover"])
    assert whole["upstream"] == "claude"
    assert whole["marks"][0]["because"].startswith("chat:")


def test_the_chat_killed_in_mid_answer_makes_nothing_twice(chat: Chat) -> None:
    answers = [chat.say("chat") for _ in range(4)]
    for one in answers:
        chat.said(one)
    chat.running.kill("chat")
    for one in answers:
        whole = chat.over(one)
        assert (whole["state"], whole["text"], kinds(whole)) == ("done", SAID, [])
    assert [one["outcome"] for one in chat.emulator.attempts()] == ["complete"] * len(answers)


def test_the_gateway_killed_in_mid_answer_is_gone_on_with(chat: Chat) -> None:
    answers = [chat.say("chat") for _ in range(4)]
    for one in answers:
        chat.said(one)
    for name, pid in chat.running.up.ready()["pids"].items():
        if name.startswith("gateway"):
            os.kill(pid, signal.SIGKILL)
    for one in answers:
        whole = chat.over(one)
        assert (whole["state"], whole["text"]) == ("done", SAID)
        assert kinds(whole) == ["resumed"]
    made = [one["outcome"] for one in chat.emulator.attempts()]
    assert made.count("complete") == len(answers)
    assert made.count("cancelled") == len(answers)


def deltas(line: socket.socket, within_s: float) -> int:
    """Return how many deltas come in this time."""
    until_s, heard = time.monotonic() + within_s, b""
    while (left_s := until_s - time.monotonic()) > 0:
        line.settimeout(left_s)
        with contextlib.suppress(TimeoutError):
            heard += line.recv(65536)
    return heard.count(b"event: delta")


def long_unseen(database: Path) -> None:
    """Make it time to note of all sessions that they are seen, whenever they ask for something."""
    with contextlib.closing(sqlite3.connect(database, timeout=WITHIN_S)) as connection:
        connection.execute("UPDATE sessions SET seen_unix_s = seen_unix_s - 600")
        connection.commit()


@pytest.mark.parametrize("trouble", ["full", "locked"])
def test_answers_stream_on_while_nothing_can_be_written(chat: Chat, trouble: str) -> None:
    """Told to who listens; what is new is refused in clear words; in the end all is written."""
    folder = chat.running.up.folder / "state"
    with chat.person.listening() as line:
        answer = chat.say("chat")
        chat.said(answer)
        long_unseen(folder / "chat.db")
        is_full = trouble == "full"
        pid = chat.running.pid("chat")
        with full(pid) if is_full else locked(folder / "chat.db"):
            deltas(line, 0.2)  # what could be written still
            assert deltas(line, 1.5) > 5
            body = json.dumps({"id": f"c-{trouble}-0000"}).encode()
            status, told = chat.person.ask("POST", "/api/v1/conversations", body)
            assert status == 503
            assert json.loads(told)["error"]["message"]
            assert chat.person.ask("GET", "/")[0] in (200, 503)  # it serves, or says why not
            chat.said(answer, 30)
        whole = chat.over(answer)
    assert (whole["state"], whole["text"], kinds(whole)) == ("done", SAID, [])
    chat.post("/conversations", id=f"c-{trouble}-0000")
    assert chat.over(chat.say("chat"))["text"] == SAID
    chat.running.kill("chat")  # and all of it is in the database
    assert chat.over(answer)["text"] == SAID


@pytest.mark.parametrize("model", ["seen-gpt", "seen-claude"])
def test_files_reach_each_provider_in_its_own_form(chat: Chat, model: str) -> None:
    chat.emulator.reset()  # at once: the relay reads to the end first
    image, paper = png(), pdf()
    files = (chat.upload("dot.png", image), chat.upload("paper.pdf", paper))
    Relay.asked.clear()
    assert chat.over(chat.say(model, QUESTION, files))["text"] == SAID
    (asked,) = Relay.asked
    *parts, words = asked["messages"][-1]["content"]
    assert (words["type"], words["text"]) == ("text", QUESTION)
    sent = [base64.b64encode(one).decode() for one in (image, paper)]
    if model == "seen-gpt":
        assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{sent[0]}"
        whole = {"filename": "paper.pdf", "file_data": f"data:application/pdf;base64,{sent[1]}"}
        assert parts[1]["file"] == whole
    else:
        kinds_sent = [(one["type"], one["source"]) for one in parts]
        kept = {"type": "base64"}
        assert kinds_sent == [
            ("image", kept | {"media_type": "image/png", "data": sent[0]}),
            ("document", kept | {"media_type": "application/pdf", "data": sent[1]}),
        ]
