"""What can be served without a file: providers whose key is set, engines that listen here.

    ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY    -> that provider
    Ollama 11434, vLLM 8000, llama.cpp 8080, LM Studio 1234, SGLang 30000,
    answering GET /v1/models                             -> that engine, or the one that its models
                                                            say they are owned by
    neither                                              -> nothing; the caller may emulate

Each provider gets a route for its own models (``claude-*``); ``auto`` and ``fast`` go over all
that was found, in this order, so that one that fails does not stop the answers.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.config.check import ROUTE_NAME
from penstock.config.model import OWN_KEYS_BEGIN, Config, DialectName, Route, Target, Upstream
from penstock.dialects.capability import Engine

PROBE_S = 0.3  # a local engine accepts at once; this bounds the start of ``penstock up``
ANSWER_BYTES_MAX = 1024 * 1024
CONTENT_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d{1,6})\r\n")
MODELS_MAX = 50  # routes for one engine's models: a long list of them helps nobody


@dataclass(frozen=True, slots=True)
class Found:
    """Something that can answer; ``origin`` says to people how we know."""

    upstream: Upstream
    origin: str
    patterns: tuple[str, ...]  # names of routes that pass the caller's model on
    strong: str  # the model behind ``auto``; empty if there is none
    fast: str  # the model behind ``fast``


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    variable: str
    dialect: DialectName
    base_url: str
    pattern: str
    strong: str
    fast: str


PROVIDERS: Final = (
    _Provider(
        name="anthropic",
        variable="ANTHROPIC_API_KEY",
        dialect=DialectName.ANTHROPIC_MESSAGES,
        base_url="https://api.anthropic.com",
        pattern="claude-*",
        strong="claude-sonnet-5-5",
        fast="claude-haiku-4-5",
    ),
    _Provider(
        name="openai",
        variable="OPENAI_API_KEY",
        dialect=DialectName.OPENAI_CHAT,
        base_url="https://api.openai.com/v1",
        pattern="gpt-*",
        strong="gpt-5.6",
        fast="gpt-5.6-mini",
    ),
    _Provider(
        name="gemini",
        variable="GEMINI_API_KEY",
        dialect=DialectName.GEMINI_GENERATE,
        base_url="https://generativelanguage.googleapis.com/v1beta",
        pattern="gemini-*",
        strong="gemini-3.7-flash",
        fast="gemini-3.7-flash",
    ),
)
ENGINES: Final = (
    ("ollama", "Ollama", 11434),
    ("vllm", "vLLM", 8000),
    ("llamacpp", "llama.cpp", 8080),
    ("lmstudio", "LM Studio", 1234),
    ("sglang", "SGLang", 30000),
)
KINDS: Final[dict[str, Engine]] = {
    "ollama": Engine.OLLAMA,
    "vllm": Engine.VLLM,
    "llamacpp": Engine.LLAMA_CPP,
    "lmstudio": Engine.LM_STUDIO,
    "sglang": Engine.SGLANG,
}
# What the engines write as the owner of their models.
OWNERS: Final[dict[str, Engine]] = {
    "library": Engine.OLLAMA,
    "vllm": Engine.VLLM,
    "llamacpp": Engine.LLAMA_CPP,
    "organization_owner": Engine.LM_STUDIO,
    "sglang": Engine.SGLANG,
}
# Who is emulated: the name, the provider it stands in for, the emulator's surface, the version.
EMULATED: Final = (
    ("claude", "anthropic", "claude", ""),
    ("gpt", "openai", "gpt", ""),
    ("gemini", "gemini", "gemini_native", "/v1beta"),
)


class _Model(msgspec.Struct, frozen=True):
    id: str
    owned_by: str | None = None


class _Models(msgspec.Struct, frozen=True):
    data: list[_Model]


def providers(environment: Mapping[str, str]) -> list[Found]:
    """Return the providers whose key is set.

    A key of our own there is for the SDKs, as the greeting tells people to set it: it is no
    provider's, and sending it to one would give it away.
    """
    return [
        Found(
            upstream=Upstream(
                name=provider.name,
                dialect=provider.dialect,
                base_url=provider.base_url,
                api_key_env=provider.variable,
            ),
            origin=provider.variable,
            patterns=(provider.pattern,),
            strong=provider.strong,
            fast=provider.fast,
        )
        for provider in PROVIDERS
        if _is_providers(environment.get(provider.variable, "").strip())
    ]


def _is_providers(key: str) -> bool:
    return bool(key) and not key.startswith(OWN_KEYS_BEGIN)


def emulated(urls: Mapping[str, str], key_file: str) -> list[Found]:
    """Return the emulated providers at these base URLs; ``key_file`` holds a key for show."""
    known = {provider.name: provider for provider in PROVIDERS}
    return [
        Found(
            upstream=Upstream(
                name=f"emulated-{name}",
                dialect=known[provider].dialect,
                base_url=urls[surface] + version,
                api_key_file=key_file,
            ),
            origin="emulated",
            patterns=(known[provider].pattern,),
            strong=known[provider].strong,
            fast=known[provider].fast,
        )
        for name, provider, surface, version in EMULATED
    ]


async def engines(
    ports: Iterable[tuple[str, str, int]] = ENGINES, within_s: float = PROBE_S
) -> list[Found]:
    """Return the engines that listen on this machine; all are asked at once, within the bound."""
    async with asyncio.TaskGroup() as group:
        asked = [
            (name, title, port, group.create_task(_models(port, within_s)))
            for name, title, port in ports
        ]
    return [
        _engine(name, title, port, models)
        for name, title, port, task in asked
        if (models := task.result())
    ]


def _engine(name: str, title: str, port: int, models: list[_Model]) -> Found:
    return Found(
        upstream=Upstream(
            name=name,
            dialect=DialectName.OPENAI_CHAT,
            base_url=f"http://127.0.0.1:{port}/v1",
            engine=OWNERS.get(models[0].owned_by or "", KINDS[name]),
        ),
        origin=f"{title} on port {port}",
        patterns=tuple(model.id for model in models[:MODELS_MAX]),
        strong=models[0].id,
        fast=models[0].id,
    )


async def _models(port: int, within_s: float) -> list[_Model]:
    """Return the models that an engine lists; empty if there is no engine."""
    ask = f"GET /v1/models HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, limit=ANSWER_BYTES_MAX
            )
            try:
                writer.write(ask.encode())
                head = await reader.readuntil(b"\r\n\r\n")
                size = CONTENT_LENGTH.search(head)
                body = await (reader.readexactly(int(size[1])) if size else _body(reader))
            finally:
                writer.transport.abort()
        if b" 200" not in head.partition(b"\r\n")[0]:
            return []
        found = msgspec.json.decode(body, type=_Models).data
    except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
        return []  # nobody there, too slow, or something else altogether
    return [model for model in found if ROUTE_NAME.fullmatch(model.id)]


async def _body(reader: asyncio.StreamReader) -> bytes:
    """Read to the end; raises ValueError above the bound."""
    parts = bytearray()
    while part := await reader.read(64 * 1024):
        parts += part
        if len(parts) > ANSWER_BYTES_MAX:
            raise ValueError("the answer is too large")
    return bytes(parts)


def config(found: Iterable[Found], base: Config | None = None) -> Config:
    """Return a configuration that serves all that was found, with failover among it."""
    all_found = list(found)
    routes: dict[str, Route] = {}
    for alias in ("auto", "fast"):
        targets = tuple(
            Target(upstream=one.upstream.name, model=model)
            for one in all_found
            if (model := one.strong if alias == "auto" else one.fast)
        )
        if targets:
            routes[alias] = Route(name=alias, targets=targets)
    for one in all_found:
        for pattern in one.patterns:
            target = Target(upstream=one.upstream.name)
            routes.setdefault(pattern, Route(name=pattern, targets=(target,)))
    return msgspec.structs.replace(
        base or Config(),
        upstreams=tuple(one.upstream for one in all_found),
        routes=tuple(routes.values()),
    )
