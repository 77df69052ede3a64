"""The post-mortem of an incident: written by people, published when they say so.

put        replaces the text; one that is published is corrected by it
publish    of an incident that is over: its status is postmortem, and an update says where to
           read it, once
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, update

from penstock.apps.status.incidents import saying
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.parts import Parts
from penstock.apps.status.queries import document
from penstock.apps.status.tables import incidents
from penstock.web.endpoint import ConflictError, InvalidError

TEXT_MAX: Final = 200_000  # characters of Markdown: a book's chapter
STATUS: Final = "postmortem"


def put(connection: Connection, incident: str, text: str, now_unix_s: float) -> None:
    """Write the text, in Markdown; raises MissingError, InvalidError or ConflictError."""
    row = _row(connection, incident)
    kept = msgspec.structs.replace(
        document.read(row.document), postmortem=saying.text(text, "text", TEXT_MAX)
    )
    document.write(connection, incident, kept)
    _changed(connection, incident, now_unix_s)


def publish(
    connection: Connection, parts: Parts, incident: str, author: str, now_unix_s: float
) -> None:
    """Publish the text; raises MissingError, InvalidError or ConflictError."""
    row = _row(connection, incident)
    kept = document.read(row.document)
    if row.status not in saying.CLOSED:
        raise ConflictError("the incident is not over: resolve it first")
    if kept.postmortem_unix_s:
        raise ConflictError("the post-mortem is published already")
    if not kept.postmortem:
        raise InvalidError("there is no text yet: write it first", "text")
    kept = msgspec.structs.replace(kept, postmortem_unix_s=now_unix_s)
    document.write(connection, incident, kept)
    body = f"The post-mortem is published: {parts.url}/incidents/{incident}"
    said = Said(status=STATUS, body=body, author=author)
    saying.say(connection, parts, saying.row_of(connection, incident), said, now_unix_s)


def _row(connection: Connection, incident: str) -> Any:
    row = saying.row_of(connection, incident)
    if row.kind != "incident":
        raise ConflictError("this is a maintenance, no incident")
    if row.is_draft:
        raise ConflictError("the incident is a draft: publish or discard it")
    return row


def _changed(connection: Connection, incident: str, now_unix_s: float) -> None:
    mine = incidents.c.id == incident
    connection.execute(update(incidents).where(mine).values(updated_unix_s=now_unix_s))
