"""Whose an upstream of a user's own is in a drill: struck with its provider, or spared.

house    who runs it, by its host: OpenAI's models are at OpenAI and at Azure, Claude at Anthropic
         and at AWS. An outage is of one house; cloudflare's is of all that stand behind it
struck   of a provider's models those in the house on fire. If none is in it, they all are, to
         show what such an outage would be, and notes say so
spared   the same provider's in another house, by its name; engines of the user's own; others'
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from penstock.config.model import DialectName, Upstream
from penstock.sim.drills import words
from penstock.sim.drills.surfaces import CLAUDE, EMULATED, GEMINI, GPT, PROVIDERS

OWN: Final = "own"  # engines of the user's: emulated, too, and they do not fail
OTHER: Final = "other"  # somebody else's, whose outages are not among the drills'
# Glob of an upstream's host -> whose models it serves, and whose house it is.
HOSTS: Final[Mapping[str, tuple[str, str]]] = {
    "*.openai.azure.com": (GPT, "azure"),
    "*.services.ai.azure.com": (GPT, "azure"),
    "*.amazonaws.com": (CLAUDE, "aws"),
    "*.anthropic.com": (CLAUDE, "anthropic"),
    "*.openai.com": (GPT, "openai"),
    "*.googleapis.com": (GEMINI, "google"),
}
HOUSES: Final[Mapping[str, frozenset[str]]] = {  # a drill's provider -> whose house is on fire
    "anthropic": frozenset({"anthropic"}),
    "claude": frozenset({"anthropic"}),
    "openai": frozenset({"openai"}),
    "gpt": frozenset({"openai"}),
    "google": frozenset({"google"}),
    "gemini": frozenset({"google"}),
    "azure": frozenset({"azure"}),
    "azure-openai": frozenset({"azure"}),
    "aws": frozenset({"aws"}),
    "bedrock": frozenset({"aws"}),
    "cloudflare": frozenset({"anthropic", "openai", "google"}),
}
PRIVATE: Final = ("*.internal", "*.local", "*.lan", "*.svc", "*.svc.*", "localhost")
SURFACES: Final[Mapping[tuple[str, DialectName], tuple[str, str]]] = {
    (CLAUDE, DialectName.ANTHROPIC_MESSAGES): ("claude", ""),
    (GPT, DialectName.OPENAI_CHAT): ("gpt", ""),
    (GPT, DialectName.OPENAI_RESPONSES): ("gpt", ""),
    (GEMINI, DialectName.OPENAI_CHAT): ("gemini", ""),
    (GEMINI, DialectName.GEMINI_GENERATE): ("gemini_native", "/v1beta"),
}


def is_apart(whose: str) -> bool:
    """Tell whether somebody is none of the providers that may fail in a drill."""
    return whose not in EMULATED


def parted(upstreams: Iterable[Upstream], provider: str) -> tuple[dict[str, str], list[str]]:
    """Return whose each upstream is in an outage of a provider's, and what is to be said of it."""
    houses = {one.name: _house(one) for one in upstreams}
    burning = HOUSES.get(provider, frozenset())
    notes: list[str] = []
    found = {name: family for name, (family, _) in houses.items()}
    for family in PROVIDERS.get(provider, ()):
        mine = {name: house for name, (one, house) in houses.items() if one == family}
        if burning.isdisjoint(mine.values()):
            notes += _stand_in(mine, provider)
            continue
        found |= {name: house for name, house in mine.items() if house not in burning}
    return found, notes


def _stand_in(mine: Mapping[str, str], provider: str) -> Iterator[str]:
    """Yield who is struck though the outage was somebody else's."""
    for name in mine:
        told = f'no upstream is of {words.provider(provider)}: "{name}" plays its part'
        yield f"{told}, to show what such an outage would be"


def _house(upstream: Upstream) -> tuple[str, str]:
    """Return whose models an upstream serves, and in whose house."""
    host = urlsplit(upstream.base_url).hostname or ""
    for glob, (family, house) in HOSTS.items():
        if fnmatchcase(host, glob) and (family, upstream.dialect) in SURFACES:
            return family, house
    if upstream.engine is not None or "." not in host or _is_private(host):
        return OWN, OWN
    return OTHER, OTHER


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return any(fnmatchcase(host, glob) for glob in PRIVATE)
