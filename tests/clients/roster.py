"""The matrix, as data: libraries, their ways to ask, upstreams, faults and policies.

A new client is a row of ``LIBRARIES`` and a way in its driver. A new policy is a row of
``POLICIES``: it gets a route over every upstream, and all clients are run through it.
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.emulator import RunningEmulator
from tests.e2e.gateway import CLAUDE, GEMINI, GPT, document, target

ROOT: Final = Path(__file__).parents[2]
NODE: Final = Path(__file__).with_name("node")
TEXT: Final = "The gate of a penstock controls the flow of water to the turbine below."
PROMPT: Final = f"[[say:{TEXT}]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One thing that people install. Its ways to ask are named as in its driver."""

    name: str  # of its driver
    title: str  # what it is installed as
    is_node: bool
    setting: str  # what takes the base URL
    bases: Mapping[str, str]  # where each dialect's base URL goes on after the gateway's address
    ways: Mapping[str, str]  # dialect by way
    calls: Mapping[str, str]  # how its users write a way


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One way to ask of one library."""

    library: Library
    way: str

    @property
    def name(self) -> str:
        return f"{self.library.name}-{self.way}"

    @property
    def dialect(self) -> str:
        return self.library.ways[self.way]

    @property
    def base(self) -> str:
        return self.library.bases[self.dialect]

    @property
    def prefixed(self) -> str:
        """Where the base URL goes on with the dialect's own prefix."""
        return PREFIXES[self.dialect] + self.base

    @property
    def call(self) -> str:
        return self.library.calls[self.way]

    @property
    def is_stream(self) -> bool:
        return self.way.endswith(("_stream", "_helper"))


CHAT: Final = "openai_chat"
RESPONSES: Final = "openai_responses"
MESSAGES: Final = "anthropic_messages"
GENERATE: Final = "gemini_generate"


PREFIXES: Final[Mapping[str, str]] = {
    CHAT: "/openai",
    RESPONSES: "/openai",
    MESSAGES: "/anthropic",
    GENERATE: "/genai",
}


def ways(dialect: str, *names: str) -> dict[str, str]:
    """Return the dialect by way."""
    return dict.fromkeys(names, dialect)


LIBRARIES: Final = (
    Library(
        name="openai_sdk",
        title="openai (PyPI)",
        setting="base_url",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream", "chat_helper")
        | ways(RESPONSES, "responses", "responses_stream", "responses_helper"),
        calls={
            "chat": "chat.completions.create()",
            "chat_stream": "chat.completions.create(stream=True)",
            "chat_helper": "chat.completions.stream()",
            "responses": "responses.create()",
            "responses_stream": "responses.create(stream=True)",
            "responses_helper": "responses.stream()",
        },
    ),
    Library(
        name="anthropic_sdk",
        title="anthropic (PyPI)",
        setting="base_url",
        is_node=False,
        bases={MESSAGES: ""},
        ways=ways(MESSAGES, "messages", "messages_stream", "messages_helper"),
        calls={
            "messages": "messages.create()",
            "messages_stream": "messages.create(stream=True)",
            "messages_helper": "messages.stream()",
        },
    ),
    Library(
        name="google_sdk",
        title="google-genai (PyPI)",
        setting="http_options.base_url",
        is_node=False,
        bases={GENERATE: ""},
        ways=ways(GENERATE, "generate", "generate_stream"),
        calls={
            "generate": "models.generate_content()",
            "generate_stream": "models.generate_content_stream()",
        },
    ),
    Library(
        name="langchain_models",
        title="langchain-openai, langchain-anthropic (PyPI)",
        setting="base_url",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1", MESSAGES: ""},
        ways=ways(CHAT, "chat", "chat_stream")
        | ways(RESPONSES, "responses", "responses_stream")
        | ways(MESSAGES, "messages", "messages_stream"),
        calls={
            "chat": "ChatOpenAI.invoke()",
            "chat_stream": "ChatOpenAI.stream()",
            "responses": "ChatOpenAI(use_responses_api=True).invoke()",
            "responses_stream": "ChatOpenAI(use_responses_api=True).stream()",
            "messages": "ChatAnthropic.invoke()",
            "messages_stream": "ChatAnthropic.stream()",
        },
    ),
    Library(
        name="llm_models",
        title="llm (PyPI)",
        setting="api_base in extra-openai-models.yaml",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(RESPONSES, "responses", "responses_stream"),
        calls={
            "chat": "prompt(stream=False)",
            "chat_stream": "prompt()",
            "responses": "prompt(stream=False), responses: true",
            "responses_stream": "prompt(), responses: true",
        },
    ),
    Library(
        name="openai",
        title="openai (npm)",
        setting="baseURL",
        is_node=True,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(RESPONSES, "responses", "responses_stream"),
        calls={
            "chat": "chat.completions.create()",
            "chat_stream": "chat.completions.create({stream: true})",
            "responses": "responses.create()",
            "responses_stream": "responses.create({stream: true})",
        },
    ),
    Library(
        name="anthropic",
        title="@anthropic-ai/sdk (npm)",
        setting="baseURL",
        is_node=True,
        bases={MESSAGES: ""},
        ways=ways(MESSAGES, "messages", "messages_stream", "messages_helper"),
        calls={
            "messages": "messages.create()",
            "messages_stream": "messages.create({stream: true})",
            "messages_helper": "messages.stream().finalMessage()",
        },
    ),
    Library(
        name="google",
        title="@google/genai (npm)",
        setting="httpOptions.baseUrl",
        is_node=True,
        bases={GENERATE: ""},
        ways=ways(GENERATE, "generate", "generate_stream"),
        calls={
            "generate": "models.generateContent()",
            "generate_stream": "models.generateContentStream()",
        },
    ),
    Library(
        name="vercel",
        title="ai with @ai-sdk/openai-compatible and @ai-sdk/anthropic (npm)",
        setting="baseURL",
        is_node=True,
        bases={CHAT: "/v1", MESSAGES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(MESSAGES, "messages", "messages_stream"),
        calls={
            "chat": "openai-compatible: generateText()",
            "chat_stream": "openai-compatible: streamText().fullStream",
            "messages": "anthropic: generateText()",
            "messages_stream": "anthropic: streamText().fullStream",
        },
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One place to ask: what it speaks, and which emulated provider is behind it."""

    name: str
    provider: str
    dialect: str
    url: str  # a name of the emulator's
    model: str
    below: str = ""  # goes on after that URL
    instead: str  # the upstream that a route goes on to


UPSTREAMS: Final = {
    one.name: one
    for one in (
        Upstream(name="gpt", provider="gpt", dialect=CHAT, url="gpt", model=GPT, instead="claude"),
        Upstream(
            name="claude",
            provider="claude",
            dialect=MESSAGES,
            url="claude",
            model=CLAUDE,
            instead="gpt",
        ),
        Upstream(
            name="responses",
            provider="gpt",
            dialect=RESPONSES,
            url="gpt",
            model=GPT,
            instead="claude",
        ),
        Upstream(
            name="gemini",
            provider="gemini",
            dialect=GENERATE,
            url="gemini_native",
            below="/v1beta",
            model=GEMINI,
            instead="gpt",
        ),
    )
}

# Whom each dialect is asked through: its own kind, then another.
THROUGH: Final[Mapping[str, tuple[str, ...]]] = {
    CHAT: ("gpt", "claude"),
    MESSAGES: ("claude", "gpt"),
    RESPONSES: ("responses", "claude"),
    GENERATE: ("gemini", "claude"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a route does about a failure."""

    name: str
    targets: int  # how many upstreams a route has
    hides_breaks: bool  # also those after content
    dials_max: int  # with repeats
    quick: int  # through which upstream of THROUGH it is tried without the slow tests
    settings: Mapping[str, Any] = field(default_factory=lambda: types.MappingProxyType({}))


POLICIES: Final = (
    Policy(name="single", targets=1, hides_breaks=False, dials_max=2, quick=0),
    Policy(name="failover", targets=2, hides_breaks=False, dials_max=2, quick=1),
    Policy(
        name="continue",
        targets=2,
        hides_breaks=True,
        dials_max=2,
        quick=0,
        settings={"on_break": "continue"},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault of the first upstream, and when a stream's caller would notice it."""

    name: str
    rule: Mapping[str, Any]
    is_after_content: bool = False
    is_harmless: bool = False
    for_whole: bool = True  # whether it is a fault of its own for an answer that is not streamed


TROUBLES: Final = (
    Trouble(name="ok", rule={}, is_harmless=True),
    Trouble(name="slow_drip", rule={"kind": "slow_drip"}, is_harmless=True),
    Trouble(name="overloaded", rule={"kind": "http_529"}),
    Trouble(name="rate_limited", rule={"kind": "http_429", "retry_after_s": 20}),
    Trouble(name="reset", rule={"kind": "reset"}),
    Trouble(name="error_event_first", rule={"kind": "error_event_first"}, for_whole=False),
    Trouble(name="empty_stream", rule={"kind": "empty_stream"}, for_whole=False),
    Trouble(name="stall", rule={"kind": "stall"}, is_after_content=True),
    Trouble(name="cut", rule={"kind": "stream_abort"}, is_after_content=True),
    Trouble(name="clean_end", rule={"kind": "stream_cut"}, is_after_content=True, for_whole=False),
    Trouble(
        name="error_event",
        rule={"kind": "error_event_mid", "status": 529},
        is_after_content=True,
        for_whole=False,
    ),
    Trouble(name="malformed", rule={"kind": "malformed_mid"}, is_after_content=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell of the matrix."""

    client: Client
    upstream: Upstream
    policy: Policy
    trouble: Trouble

    @property
    def name(self) -> str:
        return f"{self.client.name}-{self.upstream.name}-{self.policy.name}-{self.trouble.name}"

    @property
    def route(self) -> str:
        return f"{self.policy.name}-{self.upstream.name}"

    @property
    def is_slow(self) -> bool:
        """Whether it waits for ``make clients-all``: it would hardly find what others do not."""
        is_new = not self.policy.hides_breaks or (
            self.trouble.is_after_content and self.client.is_stream
        )
        through = THROUGH[self.client.dialect]
        return not is_new or self.upstream.name != through[self.policy.quick]

    @property
    def must_be_whole(self) -> bool:
        """Whether the caller must get the whole answer; else it must get a typed error."""
        if self.trouble.is_harmless:
            return True
        if self.trouble.is_after_content and self.client.is_stream:
            return self.policy.hides_breaks
        return self.policy.targets > 1


def clients() -> Iterator[Client]:
    """Yield every client of a dialect that the gateway speaks."""
    for library in LIBRARIES:
        for way, dialect in library.ways.items():
            if dialect in THROUGH:
                yield Client(library=library, way=way)


def cases() -> Iterator[Case]:
    """Yield the whole matrix."""
    for client in clients():
        for upstream in THROUGH[client.dialect]:
            for policy in POLICIES:
                for trouble in TROUBLES:
                    if client.is_stream or trouble.for_whole:
                        yield Case(
                            client=client,
                            upstream=UPSTREAMS[upstream],
                            policy=policy,
                            trouble=trouble,
                        )


def configuration(emulator: RunningEmulator, mark: str) -> dict[str, Any]:
    """Return a configuration with a route for every upstream and policy.

    ``mark`` ends the upstreams' names: what is learned of one belongs to its name.
    """
    table = document(emulator)
    table["timeouts"] |= {"between_tokens_s": 0.5, "unary_s": 0.5}
    table["upstreams"] = [
        {
            "name": f"{one.name}{mark}",
            "dialect": one.dialect,
            "base_url": emulator.urls[one.url] + one.below,
            "api_key_env": "EMULATED_KEY",
        }
        for one in UPSTREAMS.values()
    ]
    table["routes"] = [
        {
            "name": f"{policy.name}-{first.name}",
            "targets": [
                target(f"{one.name}{mark}", one.model)
                for one in (first, UPSTREAMS[first.instead])[: policy.targets]
            ],
            **policy.settings,
        }
        for policy in POLICIES
        for first in UPSTREAMS.values()
    ]
    return table
