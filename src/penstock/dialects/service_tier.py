"""What dialects call the tiers: asked for in a request, told in an answer, passed on upstream.

    word of a request                       asks for        goes on to an upstream
    auto, unspecified                       as the key has  yes
    default, standard, standard_only        standard        yes
    flex                                    batch           yes
    priority, fast, scale                   enterprise      if it is served as such
    control, enterprise, free, batch        so: our words   no
    any other                               as the key has  no

    served                common      OpenAI     Anthropic   Gemini
    control, enterprise   priority    priority   priority    priority
    standard, free        standard    default    standard    standard
    batch                 flex        flex       batch       flex

No word means one thing in one dialect and another in the next, so that one table serves all; each
understands those of the others. What a caller asks for must not buy more from a provider than it is
served as: a word that goes on no further is left out.

OpenAI tells the tier in a field of the answer, Anthropic in its usage, Gemini in a header.

Source: the request fields of the official SDKs; TIERING 1 of the reference shelf; Google's page on
priority inference, as to the header and to the old spelling SERVICE_TIER_PRIORITY.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from penstock.core.tier import NAMED, Tier
from penstock.dialects import json_fields
from penstock.dialects.contract import Inquiry
from penstock.dialects.message import Answer, Request

Rewrite = Callable[[bytes], bytes]
FIELD: Final = "service_tier"
FIELDS: Final = frozenset({FIELD, "serviceTier"})
_OLD_PREFIX: Final = "service_tier_"
_HARMLESS: Final[dict[str, Tier | None]] = {
    "auto": None,
    "unspecified": None,
    "default": Tier.STANDARD,
    "standard": Tier.STANDARD,
    "standard_only": Tier.STANDARD,
    "flex": Tier.BATCH,
}
_DEAR: Final[dict[str, Tier | None]] = dict.fromkeys(("priority", "fast", "scale"), Tier.ENTERPRISE)
ASKED: Final[Mapping[str, Tier | None]] = _HARMLESS | _DEAR | NAMED | {"standard": Tier.STANDARD}
# By tier: the word of the common model, which each dialect says in its own way.
COMMON: Final = ("priority", "priority", "standard", "standard", "flex")
# By dialect and tier: the header line by which it tells the tier, where it has one.
HEADER_LINES: Final[dict[str, tuple[bytes, ...]]] = {
    "gemini_generate": tuple(b"x-gemini-service-tier: %b\r\n" % word.encode() for word in COMMON)
}


def plain(word: str) -> str:
    """Return a caller's word as the tables have it."""
    return word.strip().lower().removeprefix(_OLD_PREFIX)


def told(inquiry: Inquiry) -> str:
    """Return the common word for the tier that serves a request; empty before it is admitted."""
    return "" if inquiry.served is None else COMMON[inquiry.served]


def told_in(answer: Answer, inquiry: Inquiry) -> Answer:
    """Return a translated answer that says which tier has served it."""
    if inquiry.served is None:
        return answer
    return msgspec.structs.replace(answer, service_tier=COMMON[inquiry.served])


def rewriter(inquiry: Inquiry, words: Mapping[str, str], path: tuple[str, ...]) -> Rewrite | None:
    """Return what makes the JSON of an answer say which tier has served it.

    Only a caller who has asked for a tier is told in this way: other answers pass untouched.
    ``words`` are the dialect's for the common ones, ``path`` leads to the object that tells.
    """
    if inquiry.served is None or not inquiry.service_tier:
        return None
    value = msgspec.Raw(msgspec.json.encode(words[COMMON[inquiry.served]]))
    return partial(json_fields.with_field, path=path, name=FIELD, value=value)


def may_go_on(word: str, served: Tier) -> bool:
    """Tell whether an upstream may hear a caller's word, in any dialect's spelling."""
    word = plain(word)
    return word in _HARMLESS or (word in _DEAR and served <= Tier.ENTERPRISE)


def outward(inquiry: Inquiry) -> Inquiry:
    """Return a request as it goes on in the same dialect; the same object if nothing is changed."""
    served, word = inquiry.served, inquiry.service_tier
    if served is None or not word or may_go_on(word, served):
        return inquiry
    fields = {name: raw for name, raw in inquiry.fields.items() if name not in FIELDS}
    return inquiry.saying(fields, msgspec.json.encode(fields))


def lowered(request: Request, served: Tier | None) -> Request:
    """Return a request as it goes on in another dialect; the same object if nothing is changed."""
    word = request.service_tier
    if served is None or not word or may_go_on(word, served):
        return request
    return msgspec.structs.replace(request, service_tier="")
