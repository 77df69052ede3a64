"""What an operator API is made of: a table of endpoints, each with its role and its shapes.

A handler is a plain function: it gets a ``Call``, may block on the database (it runs in a thread),
returns a struct, or raises a PenstockError. Who may call, what is accepted, what comes back, the
OpenAPI document and the tests are all made from the same entry.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from penstock.core.errors import PenstockError, Problem

Item = TypeVar("Item")
Parts = TypeVar("Parts")
LIMIT_MAX: Final = 500  # entries in a page: a quarter of a megabyte
# PostgreSQL has no text with a zero byte in it.
Text = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\\x00]*$")]
Note = Annotated[str, msgspec.Meta(max_length=4000)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)]
WITHIN_S: Final = 10.0  # a frozen database must not hold a caller for longer
REPORT_WITHIN_S: Final = 60.0  # a month of a hundred tenants, while others keep the machine busy


class Role(enum.IntEnum):
    """What an operator may do; each may do what those before it may."""

    NOBODY = 0  # who has not logged in: health, log-in
    VIEWER = 1  # sees everything but secrets
    OPERATOR = 2  # changes tenants, keys, contracts, prices
    OWNER = 3  # changes operators and API tokens


class Actor(msgspec.Struct, frozen=True):
    """Who calls."""

    name: str = ""
    role: Role = Role.NOBODY
    address: str = ""
    is_machine: bool = False  # came with a token, not with a cookie
    account: str = ""  # of a person who has logged in
    session: str = ""  # its id
    since_unix_s: float = 0.0  # of the log-in


class NobodyError(PenstockError):
    """Nobody has said who calls."""

    status = 401
    code = "log_in_needed"
    remedy = "Log in, or send an API token as 'Authorization: Bearer ...'."


class ForbiddenError(PenstockError):
    """The actor's role does not reach."""

    status = 403
    code = "forbidden"
    remedy = "Ask an owner for the role."


class MissingError(PenstockError):
    """There is nothing by this name."""

    status = 404
    code = "not_found"
    remedy = "List what there is, and name one of those."


class ConflictError(PenstockError):
    """What is asked for contradicts what is there."""

    status = 409
    code = "conflict"
    remedy = "Look at what is there now, then ask again."


class InvalidError(PenstockError):
    """A field is wrong; ``param`` names it."""

    status = 422
    code = "invalid"
    remedy = "Correct the field that is named."

    def __init__(self, message: str, param: str = "") -> None:
        super().__init__(message)
        self.param = param


class BookError(InvalidError):
    """The book would not hold together; ``problems`` names each place."""

    remedy = "Correct what is named, then ask again."

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), problems[0].place)
        self.problems = problems


class UnservedError(PenstockError):
    """A change was saved, and the snapshot that callers are served by does not have it yet."""

    status = 503
    code = "saved_not_served"
    remedy = "The change is saved: do not ask again; control tries each second to publish it."


class Call(msgspec.Struct, Generic[Parts], frozen=True):
    """One call of an endpoint."""

    parts: Parts  # what the surface's handlers work with
    actor: Actor
    path: Mapping[str, str]  # what stands in the path's braces
    query: Any  # the endpoint's query struct
    body: Any  # the endpoint's body struct
    now_unix_s: float


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A part of a list, in its order."""

    items: list[Item]
    next: str = ""  # to be given as ``after`` for what comes next; empty: this is the end


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list."""

    after: Text = ""
    limit: Limit = 100


class File(msgspec.Struct, frozen=True):
    """An answer that is no JSON: a page, or a table to be kept."""

    name: str
    kind: str  # text/html, text/csv
    text: str


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint that takes no query."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the API."""

    method: str
    path: str  # below /api/v1
    summary: str
    tag: str
    role: Role
    handler: Callable[[Any], Any]  # gets a Call of its surface
    answer: Any  # the type that comes back; None: nothing, 204
    kinds: tuple[str, ...] = ()  # of a File, where it is neither text/html nor a table
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    status: int = 200
    needs_store: bool = True  # without it, threads that wait for the database are not waited for
    within_s: float = WITHIN_S  # the answer comes, or the caller is told that it does not
    raises: tuple[type[PenstockError], ...] = ()  # beside those that any may raise
