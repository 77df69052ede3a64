"""How a drill's report calls things: for a board, so no names of our parts where a word does."""

import re
from collections.abc import Sequence
from typing import Final

from penstock.core.errors import SHED
from penstock.sim.drills import shapes
from penstock.web import moments
from penstock.web.quantities import UNKNOWN, seconds, sentence, share

PROVIDERS: Final = {
    "claude": "Claude",
    "gpt": "GPT",
    "gemini": "Gemini",
    "own": "own engines",
    "other": "other provider",
    "anthropic": "Anthropic",
    "openai": "OpenAI",
    "google": "Google",
    "azure": "Azure OpenAI",
    "aws": "AWS",
    "cloudflare": "Cloudflare",
}
PROVIDER_COLOURS: Final = {
    "claude": "provider-anthropic",
    "gpt": "provider-openai",
    "gemini": "provider-google",
    "own": "provider-own",
}
ARMS: Final = {  # as the middle of a sentence has them
    shapes.BOUND: "without Penstock",
    shapes.FAILOVER: "with plain failover",
    shapes.PENSTOCK: "with Penstock",
}
SHORT: Final = {  # beside the end of a line
    shapes.BOUND: "without",
    shapes.FAILOVER: "failover",
    shapes.PENSTOCK: "Penstock",
}
ARM_COLOURS: Final = {  # and dash
    shapes.BOUND: ("series-3", "6 3"),
    shapes.FAILOVER: ("series-7", "2 3"),
    shapes.PENSTOCK: ("series-1", ""),
}
PLACES: Final = {
    "api": "API",
    "chat": "Chat",
    "login": "Log-in",
    "console": "Console",
    "ours": "Our parts",
}
SURFACES: Final = {"web": "web", "mobile": "mobile", "coding-cli": "coding CLI", "login": "log-in"}
ENDS: Final = {
    shapes.COMPLETE: "complete",
    shapes.REFUSED: "turned away",
    shapes.FAILED: "failed",
    shapes.BROKEN: "broken off",
    shapes.TRUNCATED: "silently truncated",
    shapes.LEFT: "person left",
    shapes.UNFINISHED: "still under way",
}
STATUS: Final = re.compile(r"\bhttp_(\d+)")
MODEL: Final = re.compile(r"\bmodel:[\w.-]+\*?")
NAMES: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
APIS: Final = re.compile(r"\bapi\b")
PERCENT: Final = re.compile(r"(\d) ?%")
AT_ONCE_S: Final = 0.05
MODES: Final = {
    shapes.EMULATED: "real processes, emulated providers",
    shapes.SIMULATED: "in virtual time",
    shapes.LIVE: "against a running installation",
    shapes.CHAOS: "against our own parts",
}
CULPRITS: Final = {  # whom the watch may hold at fault
    "us": "us",
    "login": "the log-in",
    "provider": "the provider",
    "model": "the model",
    "shared": "something shared",
    "client": "one network or app of the callers",
    "nobody": "nobody",
    "unknown": "nobody in particular",
    "": "nobody",
}
CODES: Final = {
    "rate_limit_exceeded": "over the caller's own limit",
    "upstream_failed": "every provider that was asked failed",
    "upstream_timeout": "every provider that was asked was too slow",
    "deadline_exceeded": "no answer before the caller's deadline",
    "api_error": "a server error",
    "server_error": "a server error",
    "INTERNAL": "a server error",
    "overloaded_error": "overloaded",
    "UNAVAILABLE": "overloaded, or nobody to answer",
    "RESOURCE_EXHAUSTED": "over the provider's quota",
    "rate_limit_error": "over the provider's quota",
}


def provider(name: str) -> str:
    """Return how people call a provider."""
    return PROVIDERS.get(name, name)


def owners(names: Sequence[str]) -> str:
    """Return providers as those to whom something belongs."""
    return listed([f"{provider(one)}'s" for one in names])


def tier(name: str) -> str:
    """Return a tier as the beginning of a line."""
    return sentence(name) if name else "All"


def surface(name: str) -> str:
    """Return a surface as its drill file has it, in words."""
    base, _, what = name.partition(":")
    match base:
        case "model":
            return what.replace("-", " ", 1).rstrip("*").capitalize() if what else name
        case "api":
            return f"API ({what})" if what else "API"
        case _:
            return sentence(SURFACES.get(base, base)) + (f" ({what})" if what else "")


def culprits(names: str) -> str:
    """Return who is or would be held at fault, several with commas between."""
    told = [CULPRITS.get(one.strip(), one.strip()) for one in names.split(",")]
    return listed(list(dict.fromkeys(told)), "or")


def kind(name: str) -> str:
    """Return a kind of fault in words."""
    return f"HTTP {name[5:]}" if name.startswith("http_") else name.replace("_", " ")


def plain(text: str) -> str:
    """Return the words of a drill file as people say them: kinds, surfaces, shares.

    Names in quotes stay as they are.
    """
    parts = text.split('"')
    return '"'.join(_plain(one) if at % 2 == 0 else one for at, one in enumerate(parts))


def _plain(text: str) -> str:
    made = STATUS.sub(r"HTTP \1", text)
    made = MODEL.sub(lambda found: surface(found[0]), made)
    made = made.replace("coding-cli", "coding CLI").replace("(no share)", "(share not published)")
    made = NAMES.sub(lambda found: found[0].replace("_", " "), made)
    return PERCENT.sub(r"\1 %", APIS.sub("API", made))


def reason(code: str) -> str:
    """Return why a call was turned away or failed."""
    return CODES.get(code) or SHED.get(code, "") or code.replace("_", " ")


def count(number: int, name: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {name if number == 1 else plural or name + 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return names as a sentence lists them."""
    if not names[1:]:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def after(value_s: float | None) -> str:
    """Return how long after its begin something was known; a dash: never, or not known."""
    if value_s is None:
        return UNKNOWN
    if abs(value_s) < AT_ONCE_S:
        return "at once"
    return f"{seconds(-value_s)} before" if value_s < 0 else seconds(value_s)


def together(text: str) -> str:
    """Return words in which no figure is parted from its unit."""
    return text.replace(" %", "\u00a0%")


def day(at_unix_s: float) -> str:
    """Return a day as people write it."""
    year, month, number = moments.day(at_unix_s).split("-")
    return f"{int(number)} {MONTHS[int(month) - 1]} {year}"


def part(number: int, whole: int) -> str:
    """Return so many of so many, and the share."""
    return f"{number:,} of {whole:,} ({share(number / whole)})" if whole else f"{number:,}"


MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
