"""Which of our components a line of a provider's page concerns: its models, by words.

provider   only components that are models of the page's provider
setting    a line that names components concerns us only if one of them is in the page's setting,
           where there is such a setting; a line that names none always may
surface    without that setting, a line of which all components are what people look at (a console,
           an app, claude.ai) and none is an API says nothing of models
family     words of a model family in the line (Opus 4.8, GPT-5 mini) narrow it to the models that
           have them all, and the version, where the line says one; words of a family that we do not
           have make it somebody else's. Without any, it concerns all models of the provider
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from penstock.apps.status.components import Planned
from penstock.apps.status.watching.pages.reading import Line
from penstock.config.watching import ProviderPage
from penstock.watch.component import Layer

TOKEN: Final = re.compile(r"[a-z]+|\d+")
# The words that tell one model of a vendor from another; those of the vendor itself do not.
KINDS: Final = frozenset(
    {
        "opus", "sonnet", "haiku", "instant", "mini", "nano", "turbo", "codex", "flash", "lite",
        "ultra", "gemma", "imagen", "veo", "sora", "dall", "whisper", "tts", "embedding",
        "embeddings", "realtime", "video", "image", "images", "voice", "large", "medium", "small",
        "coder", "reasoner", "vision", "scout", "maverick",
    }
)  # fmt: skip

SURFACES: Final = frozenset(
    {
        "console", "dashboard", "website", "web", "app", "apps", "ios", "android", "desktop",
        "login", "auth", "authentication", "billing", "code", "cowork", "chatgpt", "playground",
        "docs", "documentation", "support", "labs", "studio", "marketing", "forum",
    }
)  # fmt: skip
HOST: Final = re.compile(r"[\w-]+\.(?:ai|com|dev|io)")


def models(plan: Iterable[Planned], page: ProviderPage) -> list[Planned]:
    """Return the components that a page can speak of."""
    return [
        one
        for one in plan
        if one.watched.layer is Layer.MODEL
        and one.watched.provider.lower() == page.provider.lower()
    ]


def concerned(found: Sequence[Planned], page: ProviderPage, line: Line) -> list[str]:
    """Return the ids of those that a line concerns."""
    if line.components and not any(_matters(name, page) for name in line.components):
        return []
    told = tokens(" ; ".join((line.title, *line.components)))
    families = [tokens(one.watched.family) for one in found]
    shared = set[str](families[0]).intersection(*families[1:]) if len(families) > 1 else set[str]()
    own = {word for family in families for word in family if word.isalpha()} - shared
    is_narrow = bool((own | KINDS) & set(told)) or any(
        _versions(told, family) for family in families
    )
    if not is_narrow:
        return [one.id for one in found]
    return [
        one.id
        for one, family in zip(found, families, strict=True)
        if _is_named(told, family, shared)
    ]


def _matters(name: str, page: ProviderPage) -> bool:
    """Tell whether a component of a page may stand for models."""
    if page.components:
        return name.lower() in {one.lower() for one in page.components}
    words = set(tokens(name))
    return "api" in words or not (words & SURFACES or HOST.fullmatch(name.strip().lower()))


def tokens(text: str) -> list[str]:
    """Return words and numbers in small letters."""
    return TOKEN.findall(text.lower())


def _is_named(told: list[str], family: list[str], shared: set[str]) -> bool:
    words = {word for word in family if word.isalpha()}
    if not words - shared <= set(told):
        return False
    said = _versions(told, family)
    version = [one for one in family if one.isdigit()]
    if not version or not said:
        return bool(words - shared) or bool(words & set(told))
    return any(one[: len(version)] == version for one in said)


def _versions(told: list[str], family: list[str]) -> list[list[str]]:
    """Return the numbers that stand right behind a word of this family: 4 8 of Opus 4.8."""
    found: list[list[str]] = []
    for at, word in enumerate(told):
        if word.isalpha() and word in family:
            behind = at + 1
            while behind < len(told) and told[behind].isdigit():
                behind += 1
            found += [told[at + 1 : behind]] if behind > at + 1 else []
    return found
