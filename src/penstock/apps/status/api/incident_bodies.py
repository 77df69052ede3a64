"""What operators send of incidents: one struct a call."""

from typing import Literal

import msgspec

from penstock.apps.status.api.fields import ChosenState, Impact, Instant
from penstock.web.endpoint import Limit

Open = Literal["investigating", "identified", "monitoring"]


class IncidentsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which incidents."""

    state: Literal["all", "open", "draft", "closed"] = "all"  # open: also drafts
    limit: Limit = 50


class NewIncident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to open an incident with."""

    name: str  # at most 200 characters
    body: str  # at most 8000 characters
    status: Open = "investigating"
    components: dict[str, ChosenState] = {}  # id -> state
    impact_override: Impact = ""  # empty: found from the components
    is_draft: bool = False
    is_delivered: bool = True  # subscribers are told
    started_unix_s: Instant = 0.0  # when it began; 0: now


class PastIncident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An incident that is over and was never written down; nobody is told."""

    name: str
    body: str
    components: dict[str, ChosenState] = {}
    from_unix_s: Instant
    to_unix_s: Instant
    impact_override: Impact = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is changed of an incident; null leaves it."""

    name: str | None = None
    impact_override: Impact | None = None


class NewUpdate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An update. Of a watch's incident it takes that over."""

    body: str
    status: Literal["investigating", "identified", "monitoring", "resolved"]
    components: dict[str, ChosenState] | None = None  # all of them after it; null: as before
    is_delivered: bool = True


class UpdateChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is corrected of an update; nobody is told again."""

    body: str | None = None
    display_unix_s: Instant | None = None


class Resolution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last words on an incident."""

    body: str = "This is over."
