"""What a dialect calls each concept of a request, and what it makes of one from elsewhere.

Every dialect has a table ``CONCEPTS`` of these, under the same ids. The verdict on a field is that
of the dialect it goes to. Where only one dialect has a field, all tables say the same of it, so
that the one that reads it knows too. ``pairs.py`` puts the tables side by side.
"""

import enum
from collections.abc import Mapping

import msgspec


class Verdict(enum.Enum):
    """What becomes of a field."""

    CARRIED = "carried"
    APPROXIMATED = "approximated"
    DROPPED = "dropped"
    REFUSED = "refused"


class Concept(msgspec.Struct, frozen=True):
    """One concept in one dialect.

    ``name`` is the field, empty if the dialect has none; a name with a dot lies deeper, one without
    stands at the top of the body. ``verdict`` is what writing to this dialect does with it.
    """

    name: str
    verdict: Verdict
    note: str = ""


Concepts = Mapping[str, Concept]
