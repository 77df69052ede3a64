"""Finding out what a model accepts: its row in the table of families (``families.py``).

A model belongs to the longest prefix that its name begins with, whatever stands before the
family's name (a cloud's prefix) and after the version (a date). A version that is not in the table
counts as unknown, so that a new one is asked for no more than all accept. In OpenAI's dialect the
engine decides, if one is declared; its models know efforts where their family does.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.dialects.families import (
    CLAUDES,
    EFFORTS,
    ENGINES,
    GEMINIS,
    IMITATED_CLAUDE,
    OPENAIS,
    REFUSING_GEMINI,
    UNKNOWN_CLAUDE,
    UNKNOWN_GEMINI,
    Capability,
    Engine,
    Prefill,
    Thinking,
)

__all__ = ["EFFORTS", "Capability", "Engine", "Prefill", "Thinking"]

# Thinking tokens for an effort, where a model is told a budget. The least is 1024.
BUDGETS: Final[dict[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
_SEPARATORS: Final = re.compile(r"[.@:/_]")
# After a version may stand a date or a word, but not one more number of the version.
_MORE_VERSION: Final = re.compile(r"-\d{1,2}(?:-|$)")


def of(dialect: str, model: str, engine: Engine | None = None) -> Capability:
    """Return what a model accepts from us in the dialect that its upstream speaks."""
    if dialect == "anthropic_messages":
        return claude(model)
    if dialect == "gemini_generate":
        return gemini(model)
    return openai(model, engine)


def claude(model: str) -> Capability:
    """Return what a model behind the Anthropic dialect accepts."""
    name = _SEPARATORS.sub("-", model.lower())
    at = name.find("claude")
    if at < 0:
        return IMITATED_CLAUDE
    return CLAUDES.get(_family(name[at:], CLAUDES), UNKNOWN_CLAUDE)


def gemini(model: str) -> Capability:
    """Return what a model behind Gemini's own dialect accepts."""
    name = _SEPARATORS.sub("-", model.lower())
    return GEMINIS.get(_family(name[max(name.find("gemini"), 0) :], GEMINIS), UNKNOWN_GEMINI)


def openai(model: str, engine: Engine | None = None) -> Capability:
    """Return what a model behind OpenAI's dialects accepts."""
    name = _SEPARATORS.sub("-", model.lower().rpartition("/")[2])
    family = max((prefix for prefix in OPENAIS if name.startswith(prefix)), key=len, default="")
    if family == "gpt-5" and _MORE_VERSION.match(name, len(family)):
        family = "gpt"  # a version of it that is not in the table
    if engine is None and family == "gemini" and gemini(model).prefill is Prefill.REFUSED:
        return REFUSING_GEMINI
    if engine is None:
        return OPENAIS.get(family, ENGINES[Engine.OTHER])
    row = ENGINES[engine]
    if family == "gpt-oss":
        own = OPENAIS[family]
        return msgspec.structs.replace(row, efforts=own.efforts, thinking=own.thinking)
    return row


def nearest_effort(effort: str, efforts: tuple[str, ...]) -> str:
    """Return the effort to ask for: itself, else the next lower one, else the lowest."""
    if effort in efforts:
        return effort
    rank = EFFORTS.index(effort)
    lower = [allowed for allowed in efforts if EFFORTS.index(allowed) < rank]
    return max(lower, key=EFFORTS.index, default=efforts[0])


def _family(name: str, families: Mapping[str, Capability]) -> str:
    """Return the longest family that the name begins with, version and all."""
    fitting = [
        prefix
        for prefix in families
        if name.startswith(prefix)
        and name[len(prefix) : len(prefix) + 1] in ("", "-")
        and not _MORE_VERSION.match(name, len(prefix))
    ]
    return max(fitting, key=len, default="")
