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

    name: str
    is_node: bool
    bases: Mapping[str, str]  # where each dialect's base URL goes on after the gateway's address
    ways: Mapping[str, str]  # dialect by way


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
    def is_stream(self) -> bool:
        return self.way.endswith(("_stream", "_helper"))


CHAT: Final = "openai_chat"
RESPONSES: Final = "openai_responses"
MESSAGES: Final = "anthropic_messages"
GENERATE: Final = "gemini_generate"


def ways(dialect: str, *names: str) -> dict[str, str]:
    """Return the dialect by way."""
    return dict.fromkeys(names, dialect)


LIBRARIES: Final = (
    Library(
        name="openai_sdk",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream", "chat_helper")
        | ways(RESPONSES, "responses", "responses_stream", "responses_helper"),
    ),
    Library(
        name="anthropic_sdk",
        is_node=False,
        bases={MESSAGES: ""},
        ways=ways(MESSAGES, "messages", "messages_stream", "messages_helper"),
    ),
    Library(
        name="google_sdk",
        is_node=False,
        bases={GENERATE: ""},
        ways=ways(GENERATE, "generate", "generate_stream"),
    ),
    Library(
        name="langchain_models",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1", MESSAGES: ""},
        ways=ways(CHAT, "chat", "chat_stream")
        | ways(RESPONSES, "responses", "responses_stream")
        | ways(MESSAGES, "messages", "messages_stream"),
    ),
    Library(
        name="llm_models",
        is_node=False,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(RESPONSES, "responses", "responses_stream"),
    ),
    Library(
        name="openai",
        is_node=True,
        bases={CHAT: "/v1", RESPONSES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(RESPONSES, "responses", "responses_stream"),
    ),
    Library(
        name="anthropic",
        is_node=True,
        bases={MESSAGES: ""},
        ways=ways(MESSAGES, "messages", "messages_stream", "messages_helper"),
    ),
    Library(
        name="google",
        is_node=True,
        bases={GENERATE: ""},
        ways=ways(GENERATE, "generate", "generate_stream"),
    ),
    Library(
        name="vercel",
        is_node=True,
        bases={CHAT: "/v1", MESSAGES: "/v1"},
        ways=ways(CHAT, "chat", "chat_stream") | ways(MESSAGES, "messages", "messages_stream"),
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
        Upstream(
            name="gpt", provider="gpt", dialect=CHAT, url="gpt", model=GPT, instead="claude"
        ),
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
    settings: Mapping[str, Any] = field(default_factory=lambda: types.MappingProxyType({}))


POLICIES: Final = (
    Policy(name="single", targets=1, hides_breaks=False, dials_max=2),
    Policy(name="failover", targets=2, hides_breaks=False, dials_max=2),
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
    Trouble(
        name="clean_end", rule={"kind": "stream_cut"}, is_after_content=True, for_whole=False
    ),
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
