"""Post-mortems: drafted from the record, written by people, published when they say so."""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.status.api import fields, incident_rows
from penstock.apps.status.call import Call
from penstock.apps.status.incidents import explaining
from penstock.apps.status.postmortem import drafting, turning, writing
from penstock.apps.status.postmortem.facts import PostMortem
from penstock.web.endpoint import ConflictError, Endpoint, File, MissingError, Role

RAISES: Final = (MissingError, ConflictError)


class PostMortemText(msgspec.Struct, frozen=True):
    """The text of a post-mortem."""

    incident: str
    name: str
    text: str  # Markdown; a draft from the record, until people write it; empty: not over
    published_unix_s: float  # 0: it is not
    facts: PostMortem | None  # what the record says; null while the incident is not over


class NewText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to write."""

    text: str  # Markdown


def get_text(call: Call) -> PostMortemText:
    """Return the text."""
    with call.parts.store.reading() as connection:
        return text_of(connection, call.path["id"], call.now_unix_s)


def get_page(call: Call) -> File:
    """Return the post-mortem as a page that needs nothing else."""
    with call.parts.store.reading() as connection:
        found = text_of(connection, call.path["id"], call.now_unix_s)
    if found.facts is None:
        raise ConflictError("the incident is not over")
    html = writing.page(found.facts, found.text)
    return File(f"post-mortem-{found.incident}.html", "text/html", html)


def put_text(call: Call) -> PostMortemText:
    """Write the text."""
    wanted: NewText = call.body
    return _changed(
        call,
        "write",
        lambda connection, incident: explaining.put(
            connection, incident, wanted.text, call.now_unix_s
        ),
    )


def publish(call: Call) -> PostMortemText:
    """Publish the text."""
    return _changed(
        call,
        "publish",
        lambda connection, incident: explaining.publish(
            connection, call.parts, incident, call.actor.name, call.now_unix_s
        ),
    )


def text_of(connection: Connection, incident: str, now_unix_s: float) -> PostMortemText:
    """Return the text of an incident, and its facts; raises MissingError."""
    found = incident_rows.incident(connection, incident)
    kept = found.document
    drafted = turning.kept(connection, incident)
    facts = drafted.facts if drafted is not None else None
    if facts is None and not found.view.is_open:
        facts = drafting.drafted(connection, incident, None, now_unix_s)
    text = kept.postmortem or (writing.markdown(facts) if facts is not None else "")
    return PostMortemText(found.view.id, found.view.name, text, kept.postmortem_unix_s, facts)


def _changed(call: Call, action: str, work: Callable[[Connection, str], object]) -> PostMortemText:
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        before = text_of(connection, call.path["id"], call.now_unix_s)
        work(connection, before.incident)
        after = text_of(connection, before.incident, call.now_unix_s)
        lengths = ({"characters": len(one.text)} for one in (before, after))
        call.audit(connection, action, ("post-mortem", before.incident), *lengths)
    call.parts.touch()
    return after


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/incidents/{id}/post-mortem",
        summary="Show the text of a post-mortem",
        tag="post-mortems",
        role=Role.VIEWER,
        handler=get_text,
        answer=PostMortemText,
        raises=(MissingError,),
    ),
    Endpoint(
        method="GET",
        path="/incidents/{id}/post-mortem.html",
        summary="Show a post-mortem as a page that needs nothing else",
        tag="post-mortems",
        role=Role.VIEWER,
        handler=get_page,
        answer=File,
        raises=RAISES,
    ),
    Endpoint(
        method="PUT",
        path="/incidents/{id}/post-mortem",
        summary="Write the text of a post-mortem, in Markdown",
        tag="post-mortems",
        role=Role.OPERATOR,
        handler=put_text,
        body=NewText,
        answer=PostMortemText,
        raises=RAISES,
    ),
    Endpoint(
        method="POST",
        path="/incidents/{id}/post-mortem/publish",
        summary="Publish a post-mortem; an update says so",
        tag="post-mortems",
        role=Role.OPERATOR,
        handler=publish,
        answer=PostMortemText,
        raises=RAISES,
    ),
)
