"""Callers of a gateway in threads: all dialects, official SDKs beside raw HTTP, many of them rude.

A caller notes the id of each answer whose head it has seen; those must be in the ledger. What it
says has four characters a token with its space, so that bytes and the emulator's count agree.
"""

import contextlib
import http.client
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import anthropic
import httpx
import httpx2
import openai
from google import genai
from google.genai import errors, types
from tests.e2e.stack import PAIRS, UPSTREAMS

TIMEOUT_S: Final = 25.0
ROUTES: Final = [*UPSTREAMS, *(f"{a}-{b}" for a, b in PAIRS)]
DIALECTS: Final = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate")
FAILURES: Final = (
    OSError,
    http.client.HTTPException,
    httpx.HTTPError,
    httpx2.HTTPError,
    openai.OpenAIError,
    anthropic.AnthropicError,
    errors.APIError,
    errors.UnknownApiResponseError,
    json.JSONDecodeError,
)
POLL_S: Final = 0.02
TOKENS_MAX: Final = 1000


class Call:
    """One call: what is asked, and whether its caller waits for the end."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.dialect = dice.choice(DIALECTS)
        self.route = dice.choice(ROUTES)
        self.is_stream = dice.random() < 0.7
        self.uses_sdk = dice.random() < 0.4
        self.leaves_after = dice.choice((0, 1, 3, 12)) if dice.random() < 0.3 else None
        self.client: Any = None  # the SDK's
        count = dice.randint(1, 120)
        said = f"[[say:{' '.join(['dam'] * count)} end]]"
        self.text = said.ljust(4 * (150 + number))  # no two ask with as many tokens


def body_of(call: Call) -> tuple[str, dict[str, Any]]:
    """Return path and body of a raw request."""
    turn = {"role": "user", "content": call.text}
    common = {"model": call.route, "stream": call.is_stream}
    match call.dialect:
        case "openai_chat":
            return "/v1/chat/completions", {**common, "max_tokens": TOKENS_MAX, "messages": [turn]}
        case "openai_responses":
            asked = {**common, "max_output_tokens": TOKENS_MAX, "input": call.text, "store": False}
            return "/v1/responses", asked
        case "anthropic_messages":
            asked = {**common, "max_tokens": TOKENS_MAX, "messages": [turn]}
            return "/anthropic/v1/messages", asked
        case _:
            verb = "streamGenerateContent?alt=sse" if call.is_stream else "generateContent"
            asked = {"contents": [{"role": "user", "parts": [{"text": call.text}]}]}
            return f"/genai/v1beta/models/{call.route}:{verb}", asked


class Traffic:
    """Callers of one gateway, each in a thread; ``seen`` are the ids of answers that began."""

    def __init__(self, url: str, key: str, seed: int = 1) -> None:
        self._url = url
        self._key = key
        self._seed = seed
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._number = 0
        self.stopping = threading.Event()
        self.seen: set[str] = set()
        self.begun = 0
        self.statuses: Counter[int] = Counter()
        self.without_head = 0
        self.odd: list[str] = []  # errors that no caller should see

    def start(self, callers: int, each: int) -> None:
        """Begin to call."""
        for at in range(callers):
            dice = random.Random(self._seed * 1000 + at)
            thread = threading.Thread(target=self._run, args=(dice, each), daemon=True)
            self._threads.append(thread)
            thread.start()

    def join(self) -> None:
        """Wait for all callers."""
        for thread in self._threads:
            thread.join(TIMEOUT_S * 3)
            assert not thread.is_alive()

    def _run(self, dice: random.Random, each: int) -> None:
        for _ in range(each):
            if self.stopping.is_set():
                return
            self._await_listener()
            with self._lock:
                self._number += 1
                self.begun += 1
                call = Call(self._number, dice)
            heads = self._sdk(call) if call.uses_sdk else self._raw(call)
            with self._lock:
                self.without_head += not heads

    def _await_listener(self) -> None:
        """Wait while nobody listens: a gateway that was killed is not begun by another at once."""
        place = urlsplit(self._url)
        for _ in range(int(TIMEOUT_S / POLL_S)):
            with contextlib.suppress(OSError):
                socket.create_connection((place.hostname or "", place.port or 0), 1.0).close()
                return
            self.stopping.wait(POLL_S)

    def _note(self, status: int, headers: Any) -> None:
        found = headers.get("x-request-id") or headers.get("request-id")
        with self._lock:
            self.statuses[status] += 1
            if found:
                self.seen.add(found)
            else:
                self.odd.append(f"{status} without an id")

    def _raw(self, call: Call) -> bool:
        path, body = body_of(call)
        place = urlsplit(self._url).netloc
        connection = http.client.HTTPConnection(place, timeout=TIMEOUT_S)
        headers = {"authorization": f"Bearer {self._key}", "anthropic-version": "2023-06-01"}
        if call.dialect == "gemini_generate":
            headers = {"x-goog-api-key": self._key}
        headers["content-type"] = "application/json"
        with contextlib.closing(connection):
            try:
                connection.request("POST", path, json.dumps(body), headers)
                if call.leaves_after == 0:
                    return False  # at once, without a look
                response = connection.getresponse()
            except FAILURES:
                return False
            self._note(response.status, response.headers)
            with contextlib.suppress(*FAILURES):
                response.read(call.leaves_after and call.leaves_after * 60)
            return True

    def _sdk(self, call: Call) -> bool:
        try:
            answer = self._answer(call)
        except (openai.APIStatusError, anthropic.APIStatusError, errors.APIError) as error:
            told: Any = error
            status = getattr(told, "status_code", 0) or told.code
            self._note(status, told.response.headers)
            return True
        except FAILURES:
            return False
        else:
            return self._take(call, answer)
        finally:
            call.client.close()

    def _answer(self, call: Call) -> Any:
        asked = body_of(call)[1]
        fixed: dict[str, Any] = {"max_retries": 0, "timeout": TIMEOUT_S}
        match call.dialect:
            case "anthropic_messages":
                url = self._url + "/anthropic"
                call.client = anthropic.Anthropic(base_url=url, auth_token=self._key, **fixed)
                return call.client.messages.with_raw_response.create(**asked)
            case "gemini_generate":
                options = types.HttpOptions(base_url=self._url + "/genai")
                call.client = genai.Client(api_key=self._key, http_options=options)
                models: Any = call.client.models
                make: Callable[..., Any] = models.generate_content
                if call.is_stream:
                    make = models.generate_content_stream
                return make(model=call.route, contents=call.text)
            case _:
                url = self._url + "/v1"
                call.client = openai.OpenAI(base_url=url, api_key=self._key, **fixed)
                gpt: Any = call.client
                if call.dialect == "openai_chat":
                    return gpt.chat.completions.with_raw_response.create(**asked)
                return gpt.responses.with_raw_response.create(**asked)

    def _take(self, call: Call, answer: Any) -> bool:
        """Read an answer, to its end or not; return whether its head was seen."""
        is_google = call.dialect == "gemini_generate"
        if not is_google:
            self._note(answer.status_code, answer.headers)
        if not call.is_stream:
            if is_google:
                self._note(200, answer.sdk_http_response.headers)
            return True
        is_seen = not is_google
        with contextlib.suppress(*FAILURES):
            for at, chunk in enumerate(answer if is_google else answer.parse()):
                if not is_seen:
                    self._note(200, chunk.sdk_http_response.headers)
                    is_seen = True
                if at == call.leaves_after:
                    break
        if call.is_stream and not is_google:
            answer.http_response.close()
        return is_seen
