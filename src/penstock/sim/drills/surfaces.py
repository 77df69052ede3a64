"""Surfaces: what each of an outage's surfaces is in a drill, where the user plays the provider.

    api, api:text, auth            all models of the emulated provider
    api:gemini, api:bedrock        the provider behind that name
    model:<name>                   the emulated models of that name or, where there are none, of
                                   its family
    web, mobile, coding-cli        the chat
    console, login                 our console; the chat's log-in
    the rest                       not replayed: nothing here is like it

A provider's region is the whole provider, a plan's web chat the whole chat: ``notes`` says so.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

import msgspec

API: Final = "api"
CHAT: Final = "chat"
LOGIN: Final = "login"
CONSOLE: Final = "console"
ANY: Final = "*"

CLAUDE: Final = "claude"
GPT: Final = "gpt"
GEMINI: Final = "gemini"
EMULATED: Final[Mapping[str, tuple[str, ...]]] = {  # a test holds it to the emulator's catalogue
    CLAUDE: ("claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-4-6", "claude-haiku-4-5"),
    GPT: ("gpt-5.6", "gpt-5.6-mini", "gpt-5.6-nano"),
    GEMINI: (
        "gemini-3.7-flash",
        "gemini-3.6-flash",
        "gemini-3.5-flash-lite",
        "gemini-3-pro",
        "gemini-2.5-flash",
    ),
}
PROVIDERS: Final[Mapping[str, tuple[str, ...]]] = {  # as drill files call them
    "anthropic": (CLAUDE,),
    "openai": (GPT,),
    "google": (GEMINI,),
    "azure": (GPT,),  # its models are OpenAI's
    "azure-openai": (GPT,),
    "aws": (CLAUDE,),  # Bedrock: most of its customers ask it for Claude
    "bedrock": (CLAUDE,),
    "cloudflare": (CLAUDE, GPT, GEMINI),  # the edge that all of them share
    CLAUDE: (CLAUDE,),
    GPT: (GPT,),
    GEMINI: (GEMINI,),
}
BEHIND: Final[Mapping[str, tuple[str, ...]]] = {"gemini": (GEMINI,), "bedrock": (CLAUDE,)}
FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    "opus": (CLAUDE, "claude-opus-*"),
    "sonnet": (CLAUDE, "claude-sonnet-*"),
    "haiku": (CLAUDE, "claude-haiku-*"),
    "claude": (CLAUDE, "claude-*"),
    "gpt": (GPT, "gpt-*"),
    "gemini": (GEMINI, "gemini-*"),
}
DOORS: Final[Mapping[str, str]] = {
    "web": CHAT,
    "mobile": CHAT,
    "coding-cli": CHAT,
    "login": LOGIN,
    "console": CONSOLE,
}
WHY: Final[Mapping[str, str]] = {
    "gov": "no offering of its own for governments is here",
    "video": "no video product is here",
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a surface is here."""

    place: str
    provider: str = ""
    model: str = ANY


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a surface is here, and what has to be said of it."""

    targets: tuple[Target, ...] = ()
    note: str = ""  # empty: it is what it says
    why: str = ""  # it is not replayed


def meaning(provider: str, surface: str) -> Meaning:
    """Return what a surface of a provider's outage is here."""
    whole, _, region = surface.partition("@")
    base, _, name = whole.partition(":")
    if base in DOORS:
        note = f"{surface} strikes the chat of all plans" if name else ""
        return Meaning(targets=(Target(place=DOORS[base]),), note=note)
    if base == "model":
        return _model(surface, name)
    if base == "auth" or (base == API and name in {"", "text", *BEHIND}):
        providers = BEHIND.get(name) or PROVIDERS.get(provider, ())
        if not providers:
            return Meaning(why=f"no emulated provider is like {provider}")
        note = f"{surface} is the whole provider, not one region" if region else ""
        return Meaning(
            targets=tuple(Target(place=API, provider=one) for one in providers), note=note
        )
    return Meaning(why=WHY.get(base, "the drill's traffic asks for none of it"))


def struck_provider(provider: str) -> str:
    """Return the emulated provider to which callers of a drill are bound unless they say."""
    return PROVIDERS.get(provider, (CLAUDE,))[0]


def _model(surface: str, name: str) -> Meaning:
    for provider, models in EMULATED.items():
        if any(fnmatchcase(one, name) for one in models):
            return Meaning(targets=(Target(place=API, provider=provider, model=name),))
    for family, (provider, glob) in FAMILIES.items():
        if name.startswith(family):
            note = f"{surface} is played as {glob}: the emulator has the family, not the version"
            return Meaning(
                targets=(Target(place=API, provider=provider, model=glob),),
                note="" if name == f"{family}-*" else note,
            )
    return Meaning(why="no emulated model is like it")
