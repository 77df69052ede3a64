"""What goes between the chat's process and its pages: rows, events, and their meaning.

A text grows by deltas, each with its place: ``at`` counts UTF-16 units, as browsers do. Whoever
gets one keeps what is before ``at`` and appends; so nothing can be said twice, whatever comes
again. Rows in events leave the text out where the deltas have told it (``text`` is None); then
``text_units`` says how much there must be, and who has less asks for the message.

    event            data           durable
    hello            Hello          no     the first of each stream
    reset            {}             no     what was asked for is no longer in the log: load anew
    conversation     Conversation   yes    made or changed
    conversation_gone  Gone         yes
    message          Message        yes    made, or its state has changed
    delta            Delta          yes    of the text
    reasoning        Delta          yes    of the reasoning
    place            Place          no     of an answer in the waiting room, as it changes
    notices          Notices        no     banners; all of them, at the start and when they change

SSE: ``event: NAME``, ``data: JSON``, and for durable ones ``id: SEQ``; ``Last-Event-ID``, or
``?after=SEQ`` where a browser begins, goes on behind that. Times are Unix time in seconds.
"""

import enum
from typing import Annotated, Any, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]  # browsers make UUIDs
ROOT = ""  # the parent of a first message
AUTO = "auto"  # the model of whoever leaves it to the configuration


class AnswerState(enum.Enum):
    """Where an answer is; a person's own message is always ``done``."""

    WAITING = "waiting"  # not asked, or in a queue: a place may be known
    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"  # by its person; what had come stays
    BROKEN = "broken"  # something failed after text had come: it can be continued
    REFUSED = "refused"  # no text came: it can be asked again


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to be honest about at a place of an answer.

    kind   failover: somebody else answered from the start; continued: somebody else goes on from
           ``at``; shortened: the answer was cut by load; smaller: a smaller model by load;
           resumed: this process was restarted there
    """

    kind: str
    at: int = 0  # UTF-16 units
    model: str = ""  # who answers from here on
    upstream: str = ""
    because: str = ""  # "claude is overloaded": in words, for people


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why there is no answer, or no more of it."""

    code: str
    message: str  # what happened, and whose fault or limit it is
    remedy: str = ""
    request: str = ""  # an id to quote
    can_retry: bool = True


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image or a PDF of a message; its bytes are at /api/v1/files/ID."""

    id: str
    name: str
    kind: str  # image/png, image/jpeg, image/webp, image/gif, application/pdf
    bytes: int
    width: int = 0
    height: int = 0
    pages: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation's tree."""

    id: str
    conversation: str
    parent: str
    role: str  # user, assistant
    state: AnswerState
    text: str | None = ""  # None: as the deltas have told it
    text_units: int = 0
    reasoning: str | None = ""
    model: str = ""  # asked for; auto is possible
    answered_model: str = ""
    upstream: str = ""
    marks: tuple[Mark, ...] = ()
    error: Trouble | None = None
    finish: str = ""  # length: it can be continued
    files: tuple[File, ...] = ()
    siblings: tuple[str, ...] = ()  # with itself, by age; empty in events that do not change them
    created_unix_s: float = 0.0
    first_unix_s: float = 0.0  # of the first token
    ended_unix_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    id: str
    title: str
    is_titled: bool = False  # by its person
    is_pinned: bool = False
    is_running: bool = False  # an answer waits or streams
    model: str = ""
    system_prompt: str = ""
    leaf: str = ""
    created_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    snippet: str = ""  # where a search found it; the words stand between U+2068 and U+2069


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation and the end of its shown branch."""

    conversation: Conversation
    messages: tuple[Message, ...]  # from older to newer
    before: str = ""  # the id to ask for what is older; empty: this is the beginning
    seq: int = 0  # events up to here are in it


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A person's message and the answer that is under way."""

    conversation: Conversation
    user: Message | None  # none where an answer is made anew
    answer: Message


class Delta(msgspec.Struct, frozen=True):
    """More of a text."""

    message: str
    at: int
    text: str


class Gone(msgspec.Struct, frozen=True):
    """It has been deleted."""

    id: str


class Place(msgspec.Struct, frozen=True):
    """Where an answer is in the waiting room."""

    message: str
    position: int  # 1 is next; 0: it is being asked
    eta_s: float = -1.0  # until its first word; -1: cannot be said
    since_unix_s: float = 0.0
    reason: str = ""  # capacity: all are busy; gateway: it cannot be reached; person: others of
    # the same person first; told: it was told to come back at that time
    least_s: float = -1.0  # eight times in ten it takes longer than this, and
    most_s: float = -1.0  # not longer than this; -1: cannot be said


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A banner: one thing that is not as it should be, in one sentence."""

    id: str  # the same while it is the same
    level: str  # info, degraded, bad
    text: str
    href: str = ""  # where more is said, as the status page
    component: str = ""  # of the status page


class Notices(msgspec.Struct, frozen=True):
    """All banners that there are now, the gravest first."""

    notices: tuple[Notice, ...]


class ReportBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of what fails."""

    component: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # web, login, or a model
    category: Literal["timeout", "errors", "login", "slow", "wrong", "billing", ""] = ""
    words: Annotated[str, msgspec.Meta(max_length=140)] = ""  # as the status page takes them


class ReportAnswer(msgspec.Struct, frozen=True):
    """What became of a report."""

    why: str  # counted, repeated, crowded, full; kept: the page cannot be reached just now
    words: str  # for the person
    reports_hour: int = 0  # people who said so in the last hour, with this one
    status_url: str = ""


class Hello(msgspec.Struct, frozen=True):
    """The first event of a stream."""

    seq: int  # the last that there was
    boot: str  # of the process: another than before means that lists are to be loaded anew
    version: str  # of the pages: another than theirs means that they are old


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """One choice of the model picker."""

    id: str  # "auto", or a route's name
    name: str
    state: str = "unknown"  # as the status page calls it: operational, degraded_performance ...
    takes_images: bool = True
    takes_documents: bool = True


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in, and what may be done."""

    account: str
    name: str
    email: str  # empty: a guest
    tier: str  # free, standard
    is_guest: bool = False
    is_admin: bool = False
    models: tuple[Model, ...] = ()
    message_chars_max: int = 0
    file_bytes_max: int = 0
    files_message_max: int = 0
    status_url: str = ""
    settings: dict[str, Any] = {}  # theme, sends_with, ... as its pages keep them
