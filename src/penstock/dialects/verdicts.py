"""What becomes of each field of a request that goes to another dialect: the tables, put to use.

    carried        with the same meaning; nothing is said
    approximated   in other words, or only where the model allows: named in ``x-penstock-dropped``
    dropped        left out, since the answer keeps its meaning: named in ``x-penstock-dropped``
    refused        400 that names the field: without it the answer would mean something else

A field that stands in no row is dropped. Values that ask for nothing (null, false, an empty list)
are never named. A table is handed in by the dialect whose it is, so that dialects know of this
module and not of each other.

Source: DIALECTS 3, 8 and 9 of the reference shelf.
"""

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import json_fields
from penstock.dialects.concepts import Concepts, Verdict


def name_of(concept: str, concepts: Concepts) -> str:
    """Return the name of a concept in the caller's words; its id if the caller has none."""
    known = concepts.get(concept)
    return (known.name if known is not None else "") or concept


def leftovers(
    concepts: Concepts,
    fields: dict[str, msgspec.Raw],
    handled: frozenset[str],
    prefix: str = "",
) -> list[str]:
    """Return the names of the fields that are dropped, each after ``prefix`` (``"text."``).

    Raises CallerError for one that is refused. ``handled`` are those that the dialect reads itself.
    """
    dropped: list[str] = []
    for field, raw in fields.items():
        if field in handled or json_fields.is_empty(raw) or bytes(raw) == b"false":
            continue
        name = prefix + field
        if _is_refused(name, concepts):
            raise refusal(name)
        dropped.append(name)
    return dropped


def refusal(field: str, why: str = "") -> CallerError:
    """Return the error for a field that no translation can carry."""
    reason = why or "the upstream speaks another dialect, which has no counterpart"
    return CallerError(
        f"{field} cannot be carried: {reason}.", code="unsupported_parameter", param=field
    )


def image_type(media_type: str, place: str) -> str:
    """Return the type of an image's data; raises CallerError for what is none, or is not said."""
    if not media_type.lower().startswith("image/"):
        raise refusal(place, f"{media_type!r} is no type of an image")
    return media_type


def _is_refused(name: str, concepts: Concepts) -> bool:
    return any(
        known.name == name and known.verdict is Verdict.REFUSED for known in concepts.values()
    )
