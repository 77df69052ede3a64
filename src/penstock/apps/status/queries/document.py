"""What an incident remembers beside its columns: one JSON document.

detections   when each detector first noticed: reports, probes, telemetry, page, people
provider     its own first post about it, once there is one
proposal     what the watch would say now, where people hold the incident: only the newest
memory       what the policy needs to go on (see policy.py)
evidence     its charts, kept when it is over: what they are made from is thinned out later
"""

import msgspec
from sqlalchemy import Connection, update

from penstock.apps.status.tables import incidents
from penstock.apps.status.view import Detection, Evidence


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """When a detector noticed, and what it saw then."""

    detector: str  # reports, probes, telemetry, page, people
    at_unix_s: float
    words: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An update that the watch would post."""

    at_unix_s: float
    status: str
    body: str
    components: dict[str, str] = {}  # id -> state


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy has to know of an incident of the watch from one turn to the next."""

    cause: str = ""  # of which it is the incident: provider:anthropic, here ...
    name: str = ""  # that the watch gave it; people may have given it another
    culprit: str = ""  # as it was said last
    culprit_name: str = ""
    seen: str = ""  # as the evidence has it
    seen_name: str = ""
    seen_unix_s: float = 0.0  # since when
    said_unix_s: float = 0.0  # the last update
    promised_unix_s: float = 0.0  # by when the next one comes
    works: tuple[str, ...] = ()  # ids of components that were said to work
    worst: dict[str, str] = {}  # component -> the worst state that was said of it
    quiet: dict[str, float] = {}  # component -> since when it has been well; 0: it is not
    relapses: int = 0


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The document of one incident."""

    culprit: str = ""
    culprit_name: str = ""
    published_unix_s: float = 0.0  # our first post
    noticed: tuple[Noticed, ...] = ()  # by detector, each once
    provider_posted_unix_s: float = 0.0
    provider_words: str = ""
    provider_link: str = ""
    proposal: Proposal | None = None
    memory: Memory = Memory()
    evidence: Evidence | None = None  # the charts, once they change no more
    postmortem: str = ""  # Markdown
    postmortem_unix_s: float = 0.0  # when it was published; 0: it is a draft, or there is none

    def detections(self) -> tuple[Detection, ...]:
        """Return who noticed when, the first one first, each with its lead over the provider."""
        posted_unix_s = self.provider_posted_unix_s
        return tuple(
            Detection(
                detector=one.detector,
                at_unix_s=one.at_unix_s,
                words=one.words,
                lead_s=posted_unix_s - one.at_unix_s if posted_unix_s else None,
            )
            for one in sorted(self.noticed, key=lambda one: one.at_unix_s)
        )


def read(text: str) -> Document:
    """Return a document; an empty one where there is none, or none that we can read."""
    if not text:
        return Document()
    try:
        return msgspec.json.decode(text, type=Document)
    except msgspec.MsgspecError:
        return Document()


def written(document: Document) -> str:
    """Return a document as text."""
    return msgspec.json.encode(document).decode()


def write(connection: Connection, incident: str, document: Document) -> None:
    """Write an incident's document."""
    mine = incidents.c.id == incident
    connection.execute(update(incidents).where(mine).values(document=written(document)))
