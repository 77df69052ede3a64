"""The status process's operator API as commands use it: over HTTP, with a token of the directory.

It needs nobody else: with control and the gateway dead it answers. What it refuses is told with the
field and the remedy.
"""

import argparse
import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

import httpx
import msgspec

from penstock.cli import state
from penstock.config import private_file
from penstock.core.errors import StoreError

PREFIX: Final = "/api/v1"
ANSWER_S: Final = 15.0  # the process itself gives up on its database after 10
SHORTHANDS: Final = {
    "operational": "operational",
    "degraded": "degraded_performance",
    "partial": "partial_outage",
    "major": "major_outage",
    "maintenance": "under_maintenance",
}

T = TypeVar("T")
Adding = Callable[..., argparse.ArgumentParser]  # a parser's add_parser


class Component(msgspec.Struct):
    """What commands need to know of a component."""

    id: str
    name: str


class Named(msgspec.Struct):
    """What commands need to know of an incident or a maintenance."""

    id: str
    name: str


class Api:
    """The operator API. For one thread."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: object = None, /, **query: Any) -> bytes:
        """Return the answer's body; raises StoreError if it is refused."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._client.request(method, PREFIX + path, content=content, params=query)
        except httpx.TimeoutException as error:
            may_be_done = "" if method == "GET" else "; what was asked may be done all the same"
            words = f"the status process has not answered within {ANSWER_S:g} s{may_be_done}"
            raise StoreError(f"{words}: see run/status.log") from error
        except httpx.HTTPError as error:
            words = "the status process has gone away: try again, or see run/status.log"
            raise StoreError(words) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer)

    def get(self, kind: type[T], path: str, /, **query: Any) -> T:
        """Return one thing."""
        return msgspec.json.decode(self.call("GET", path, **query), type=kind)

    def component(self, name: str) -> Component:
        """Return the component that is meant by an id or a name; raises StoreError."""
        return _meant(name, self.get(list[Component], "/components"), "component")

    def states(self, given: Sequence[str]) -> dict[str, str]:
        """Return ids and states from ``NAME=STATE``; raises StoreError."""
        found: dict[str, str] = {}
        for one in given:
            name, equals, word = one.rpartition("=")
            if not equals:
                raise StoreError(f"{one!r} is not NAME=STATE, such as API=partial")
            found[self.component(name).id] = state_of(word)
        return found

    def incident(self, id_: str) -> str:
        """Return the id that begins so; raises StoreError."""
        return _begun(id_, self.get(list[Named], "/incidents", limit=500), "incident")

    def maintenance(self, id_: str) -> str:
        """Return the id that begins so; raises StoreError."""
        return _begun(id_, self.get(list[Named], "/maintenances", limit=500), "maintenance")


@contextlib.contextmanager
def opened(home: state.State) -> Generator[Api]:
    """Give the operator API of this state directory; raises StoreError if nobody answers."""
    url = state.url_of(home, "status")
    if not url:
        raise StoreError(
            "the status process does not run. Start it: penstock up, or alone: penstock status. "
            f"The last site lies in {home.root / 'site'}"
        )
    token = private_file.read(home.root / "control.token").strip()
    headers = {"authorization": f"Bearer {token}"}
    # A proxy has no business between us.
    with httpx.Client(base_url=url, headers=headers, timeout=ANSWER_S, trust_env=False) as client:
        yield Api(client)


def state_of(word: str) -> str:
    """Return a state from its word, or from a short one; raises StoreError."""
    if word in SHORTHANDS.values():
        return word
    if word not in SHORTHANDS:
        raise StoreError(f"{word!r} is no state: take one of {', '.join(SHORTHANDS)}")
    return SHORTHANDS[word]


def _meant(name: str, among: Sequence[Component], what: str) -> Component:
    exact = [one for one in among if name in (one.id, one.name)]
    found = exact or [one for one in among if one.name.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in among)
    many = "several are" if found else "there is no"
    raise StoreError(f"{many} {what} {name!r}; there are: {names}")


def _begun(id_: str, among: Sequence[Named], what: str) -> str:
    found = [one.id for one in among if one.id.startswith(id_)] if id_ else []
    if len(found) == 1:
        return found[0]
    if found:
        raise StoreError(f"{len(found)} of the {what}s begin with {id_!r}: give more of the id")
    raise StoreError(f"there is no {what} {id_!r}: 'penstock status {what} list' shows them")


def _refusal(answer: httpx.Response) -> StoreError:
    try:
        told: dict[str, Any] = msgspec.json.decode(answer.content)["error"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return StoreError(f"the status process answered {answer.status_code}")
    place = str(told.get("param", "")).removeprefix("body.")
    words = str(told.get("message", ""))
    if place and not words.startswith(place):
        words = f"{place}: {words}"
    return StoreError(f"{words}. {told.get('remedy', '')}".strip())
