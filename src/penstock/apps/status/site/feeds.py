"""Atom and RSS: one entry for each incident and maintenance, revised in place.

    /history.atom, /history.rss      everything
    /components/ID.atom, .rss        what names this component, or a member of this group

entry     its id never changes: tag:HOST,YEAR:Incident/NUMBER, where the number is not the id that
          stands in the link. Published when it began to be told of, updated with its last update
content   the updates, the newest first, each exactly as Statuspage writes it, because readers parse
          it: <strong>Word</strong> - text. A status that goes on is told as "Update"
updated   of the feed: the newest of its entries', else of the page; so the same view gives the
          same bytes

A character that XML cannot hold is left out. A feed has the ENTRIES_MAX newest.
"""

import datetime as dt
import html
import re
from collections.abc import Iterable, Iterator
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penstock.apps.status.site import statuspage
from penstock.apps.status.site.files import API_AGE_S, ATOM, RSS, File
from penstock.apps.status.view import ComponentView, IncidentView, UpdateView, View

ENTRIES_MAX: Final = 50  # Statuspage has 25; a reader that looks once a month should miss none
TAG_YEAR: Final = 2005  # of the scheme that Statuspage's feeds have
NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LINES: Final = re.compile(r"\r\n?|\n")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed holds."""

    name: str  # of its path, without an ending: /history
    title: str
    entries: tuple[IncidentView, ...]


def files(view: View) -> dict[str, File]:
    """Return all feeds by path."""
    found: dict[str, File] = {}
    for feed in _feeds(view):
        found[f"{feed.name}.atom"] = _file(atom(view, feed), ATOM)
        found[f"{feed.name}.rss"] = _file(rss(view, feed), RSS)
    return found


def _file(text: str, kind: str) -> File:
    return File(text.encode(), kind, API_AGE_S, is_for_all=True)


def _feeds(view: View) -> Iterator[Feed]:
    every = sorted(
        (*view.incidents, *view.maintenances), key=lambda one: (-one.created_unix_s, -one.number)
    )
    title = f"{view.name} Status - Incident History"
    yield Feed(name="/history", title=title, entries=tuple(every[:ENTRIES_MAX]))
    for one in view.components:
        named = _concerning(every, one)
        title = f"{view.name} Status - {one.name} - Incident History"
        yield Feed(name=f"/components/{one.id}", title=title, entries=tuple(named[:ENTRIES_MAX]))


def _concerning(every: Iterable[IncidentView], one: ComponentView) -> list[IncidentView]:
    ids = {one.id, *one.members}
    return [each for each in every if ids & set(each.components)]


def atom(view: View, feed: Feed) -> str:
    """Return a feed in Atom (RFC 4287)."""
    root = _text(view.url)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<feed xml:lang="en-US" xmlns="http://www.w3.org/2005/Atom">',
        f"  <id>{_tag(view, feed.name)}</id>",
        f'  <link rel="alternate" type="text/html" href="{root}"/>',
        f'  <link rel="self" type="application/atom+xml" href="{root}{feed.name}.atom"/>',
        f"  <title>{_text(feed.title)}</title>",
        f"  <updated>{_second(_updated(view, feed))}</updated>",
        f"  <author>\n    <name>{_text(view.name)}</name>\n  </author>",
    ]
    for one in feed.entries:
        lines += [
            "  <entry>",
            f"    <id>{_tag(view, f'Incident/{one.number}')}</id>",
            f"    <published>{_second(one.created_unix_s)}</published>",
            f"    <updated>{_second(_revised(one))}</updated>",
            f'    <link rel="alternate" type="text/html" href="{_link(view, one)}"/>',
            f"    <title>{_text(one.name)}</title>",
            f'    <content type="html">{_text(content(one))}</content>',
            "  </entry>",
        ]
    return "\n".join([*lines, "</feed>\n"])


def rss(view: View, feed: Feed) -> str:
    """Return a feed in RSS 2.0."""
    root = _text(view.url)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">',
        "  <channel>",
        f"    <title>{_text(feed.title)}</title>",
        f"    <link>{root}</link>",
        f'    <atom:link rel="self" type="application/rss+xml" href="{root}{feed.name}.rss"/>',
        f"    <description>{_text(feed.title)}</description>",
        "    <language>en-US</language>",
        f"    <pubDate>{_mail(_updated(view, feed))}</pubDate>",
    ]
    for one in feed.entries:
        lines += [
            "    <item>",
            f"      <title>{_text(one.name)}</title>",
            f"      <description>{_text(content(one))}</description>",
            f"      <pubDate>{_mail(_revised(one))}</pubDate>",
            f"      <link>{_link(view, one)}</link>",
            f'      <guid isPermaLink="false">{_tag(view, f"Incident/{one.number}")}</guid>',
            "    </item>",
        ]
    return "\n".join([*lines, "  </channel>", "</rss>\n"])


def content(one: IncidentView) -> str:
    """Return an incident's updates as HTML, the newest first."""
    statuses = [each.status for each in one.updates]
    before = [*statuses[1:], ""][: len(statuses)]
    told = [
        _paragraph(each, is_going_on=each.status == earlier)
        for each, earlier in zip(one.updates, before, strict=True)
    ]
    if one.is_maintenance:
        told.insert(0, _scheduled(one))
    return " ".join(told)


def _paragraph(one: UpdateView, *, is_going_on: bool) -> str:
    word = "Update" if is_going_on else one.status.replace("_", " ").capitalize()
    body = LINES.sub("<br />", html.escape(one.body, quote=False))
    when = _moment(one.display_unix_s or one.created_unix_s)
    return f"<p> <small>{when}</small><br> <strong>{html.escape(word)}</strong> - {body} </p>"


def _scheduled(one: IncidentView) -> str:
    until = _moment(one.scheduled_until_unix_s)
    return f"<p> <small>{_moment(one.scheduled_for_unix_s)} - {until}</small> </p>"


def _moment(unix_s: float) -> str:
    found = dt.datetime.fromtimestamp(unix_s, dt.UTC)
    day, time = (
        f"<var data-var='date'>{found.day:>2}</var>",
        f"<var data-var='time'>{found:%H:%M}</var>",
    )
    return f"{found:%b} {day}, {time} UTC"


def _revised(one: IncidentView) -> float:
    return max(one.updated_unix_s, one.created_unix_s)


def _updated(view: View, feed: Feed) -> float:
    return max(map(_revised, feed.entries), default=view.created_unix_s)


def _tag(view: View, name: str) -> str:
    host = urlsplit(view.url).hostname or "localhost"
    return f"tag:{_text(host)},{TAG_YEAR}:{name}"


def _link(view: View, one: IncidentView) -> str:
    return _text(statuspage.link(view, one))


def _second(unix_s: float) -> str:
    return f"{dt.datetime.fromtimestamp(int(unix_s), dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _mail(unix_s: float) -> str:
    return format_datetime(dt.datetime.fromtimestamp(int(unix_s), dt.UTC), usegmt=True)


def _text(text: str) -> str:
    """Return text as XML has it, in double quotes too, without what it cannot hold."""
    return html.escape(NOT_XML.sub("", text), quote=False).replace('"', "&quot;")
