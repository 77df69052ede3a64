"""``penstock status incident``, ``component`` and ``postmortem``: operators take over."""

import argparse
import sys
from typing import Final

import msgspec

from penstock.cli import operating, status_api, status_show
from penstock.cli.status_api import Adding, Api
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError

STATUSES: Final = ("investigating", "identified", "monitoring")
IMPACTS: Final = ("none", "minor", "major", "critical")
RELEASE: Final = "release"
STEPS: Final = {
    "publish": "publish a draft",
    "take-over": "take an incident of the watch into people's hands",
    "hand-back": "leave an incident to the watch again",
}
DONE: Final = {"publish": "published", "take-over": "taken over", "hand-back": "handed back"}
COMPONENT: Final = "NAME=STATE"
STATE_WORDS: Final = ", ".join(status_api.SHORTHANDS)


class Made(msgspec.Struct):
    """An incident after something was done."""

    id: str
    name: str
    status: str
    is_draft: bool


class Text(msgspec.Struct):
    """The text of a post-mortem."""

    text: str


class Component(msgspec.Struct):
    """A component after something was done."""

    name: str
    state: str
    source: str


def add_to(add: Adding) -> None:
    """Add the commands of this module."""
    incident = add("incident", help="open, tell of and resolve incidents")
    step_of: Adding = incident.add_subparsers(
        dest="step", required=True, metavar="COMMAND"
    ).add_parser
    _add_list(step_of)
    _add_open(step_of)
    _add_update(step_of)
    for name, words in STEPS.items():
        step = step_of(name, help=words)
        step.add_argument("id", metavar="ID", help="the incident, or how its id begins")
        step.set_defaults(does=_step)
    discard = step_of("discard", help="remove a draft")
    discard.add_argument("id", metavar="ID", help="the draft, or how its id begins")
    discard.set_defaults(does=_discard)
    resolve = step_of("resolve", help="resolve an incident; its components are released")
    resolve.add_argument("id", metavar="ID", help="the incident, or how its id begins")
    resolve.add_argument("--body", default="This is over.", help="the last words on it")
    resolve.set_defaults(does=_resolve)
    component = add(
        "component", help="say how a component is, whatever the watch says; or release it"
    )
    component.add_argument("name", metavar="NAME", help="the component's name or id")
    component.add_argument("state", metavar="STATE", help=f"{STATE_WORDS}; or {RELEASE}")
    component.set_defaults(does=_component)
    postmortem = add("postmortem", help="write an incident's post-mortem out")
    postmortem.add_argument("id", metavar="ID", help="the incident, or how its id begins")
    postmortem.add_argument(
        "--format", choices=("markdown", "html", "json"), default="markdown", help="the format"
    )
    postmortem.set_defaults(does=_postmortem)


def _add_list(add: Adding) -> None:
    listing = add("list", help="list incidents, the newest first, drafts too")
    listing.add_argument("--all", action="store_true", help="also those that are over")
    listing.add_argument("--json", action="store_true", help="write one incident a line, as JSON")
    listing.set_defaults(does=_list)


def _add_open(add: Adding) -> None:
    opening = add("open", help="open an incident")
    opening.add_argument("name", metavar="NAME", help="its title: what fails, for whom")
    opening.add_argument("--body", required=True, help="what is known, what we do, when we speak")
    opening.add_argument("--status", choices=STATUSES, default="investigating", help="the status")
    opening.add_argument(
        "--component",
        action="append",
        default=[],
        metavar=COMPONENT,
        help=f"what it touches; states: {STATE_WORDS}; may be repeated",
    )
    opening.add_argument("--impact", choices=IMPACTS, default="", help="instead of the one found")
    opening.add_argument("--draft", action="store_true", help="publish it later")
    opening.add_argument("--quiet", action="store_true", help="tell no subscribers")
    opening.set_defaults(does=_open)


def _add_update(add: Adding) -> None:
    updating = add("update", help="post an update; a watch's incident is taken over by it")
    updating.add_argument("id", metavar="ID", help="the incident, or how its id begins")
    updating.add_argument("--body", required=True, help="what is new")
    updating.add_argument("--status", choices=(*STATUSES, "resolved"), help="default: as it is")
    updating.add_argument(
        "--component",
        action="append",
        default=[],
        metavar=COMPONENT,
        help="all that it touches from now on; without any: as before; may be repeated",
    )
    updating.add_argument("--quiet", action="store_true", help="tell no subscribers")
    updating.set_defaults(does=_update)


def _list(api: Api, given: argparse.Namespace) -> int:
    raw = api.call("GET", "/incidents", state="all" if given.all else "open")
    if given.json:
        status_show.lines(raw)
        return 0
    terminal = Terminal()
    found = msgspec.json.decode(raw, type=list[status_show.Open])
    for one in found:
        terminal.state(*status_show.incident_line(one))
    if not found:
        terminal.line("There are no incidents." if given.all else "No incident is open.")
    return 0


def _open(api: Api, given: argparse.Namespace) -> int:
    body = {
        "name": given.name,
        "body": given.body,
        "status": given.status,
        "components": api.states(given.component),
        "impact_override": given.impact,
        "is_draft": given.draft,
        "is_delivered": not given.quiet,
    }
    made = msgspec.json.decode(api.call("POST", "/incidents", body), type=Made)
    return _told(made, "drafted" if made.is_draft else "published")


def _update(api: Api, given: argparse.Namespace) -> int:
    id_ = api.incident(given.id)
    place = operating.place("incidents", id_)
    body = {
        "body": given.body,
        "status": given.status or api.get(Made, place).status,
        "components": api.states(given.component) if given.component else None,
        "is_delivered": not given.quiet,
    }
    made = msgspec.json.decode(api.call("POST", f"{place}/updates", body), type=Made)
    return _told(made, f"updated: {made.status}")


def _resolve(api: Api, given: argparse.Namespace) -> int:
    place = operating.place("incidents", api.incident(given.id), "resolve")
    made = msgspec.json.decode(api.call("POST", place, {"body": given.body}), type=Made)
    return _told(made, "resolved")


def _step(api: Api, given: argparse.Namespace) -> int:
    place = operating.place("incidents", api.incident(given.id), given.step)
    made = msgspec.json.decode(api.call("POST", place), type=Made)
    return _told(made, DONE[given.step])


def _discard(api: Api, given: argparse.Namespace) -> int:
    id_ = api.incident(given.id)
    api.call("DELETE", operating.place("incidents", id_))
    Terminal(is_error=True).state("good", f"{id_} discarded")
    return 0


def _component(api: Api, given: argparse.Namespace) -> int:
    place = operating.place("components", api.component(given.name).id, "state")
    if given.state == RELEASE:
        raw = api.call("DELETE", place)
    else:
        raw = api.call("PUT", place, {"state": status_api.state_of(given.state)})
    one = msgspec.json.decode(raw, type=Component)
    shape, words = status_show.STATES[one.state]
    Terminal(is_error=True).state(shape, f"{one.name}: {words}, as said by {one.source}")
    return 0


def _postmortem(api: Api, given: argparse.Namespace) -> int:
    place = operating.place("incidents", api.incident(given.id), "post-mortem")
    match given.format:
        case "html":
            sys.stdout.write(api.call("GET", f"{place}.html").decode())
        case "json":
            sys.stdout.write(api.call("GET", place).decode() + "\n")
        case _:
            text = api.get(Text, place).text
            if not text:
                raise StoreError("there is no text yet: it is drafted when the incident is over")
            sys.stdout.write(text)
    return 0


def _told(made: Made, words: str) -> int:
    """Say what was done; the id alone goes to standard output, for scripts."""
    Terminal(is_error=True).state("good", f"{made.name}: {words}")
    sys.stdout.write(f"{made.id}\n")
    return 0
