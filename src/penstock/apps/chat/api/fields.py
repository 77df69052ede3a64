"""What bodies of the chat's API are made of, and how it says no."""

from typing import Annotated, Final

import msgspec

from penstock.apps.chat.shapes import Id
from penstock.core.errors import PenstockError
from penstock.web.endpoint import ConflictError

PROMPT_CHARS_MAX: Final = 32_000  # some pages
FILES_MAX: Final = 64  # named in a body; the configuration's limit is below
# SQLite's functions take a zero byte for the end of a text.
Words = Annotated[str, msgspec.Meta(pattern="^[^\\x00]*$")]
Prompt = Annotated[str, msgspec.Meta(max_length=PROMPT_CHARS_MAX, pattern="^[^\\x00]*$")]
Parent = Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9_-]{8,64})?$")]
Files = Annotated[list[Id], msgspec.Meta(max_length=FILES_MAX)]


class TakenError(ConflictError):
    """The id names something else already: of whom is not said."""

    code = "id_taken"
    remedy = "Make another id, and send it again."


class AnsweringError(ConflictError):
    """What is asked for has to wait until an answer has ended."""

    code = "answer_running"
    remedy = "Wait for the answer, or stop it."


class FullError(PenstockError):
    """A limit of this installation for one person has been reached."""

    status = 409
    code = "limit_reached"
    remedy = "Delete what is not needed any more."


class CrowdedError(PenstockError):
    """The waiting room is full."""

    status = 503
    code = "waiting_room_full"
    remedy = "Your message is kept here: send it again in a few minutes."
    should_retry = True


class TooManyError(PenstockError):
    """A person has too many answers under way, or has had what a guest may have."""

    status = 429
    code = "too_many"
    remedy = "Wait for answers that are under way."
