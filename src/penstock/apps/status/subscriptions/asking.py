"""What somebody asks for who wants to be told: which kind, at which address, of which components.

    email     one address in ASCII, without quotes, comments or spaces: nothing that could end a
              header or name a second receiver
    webhook   an address that ``notify/outbound`` may call
    slack     the same, whatever the chat system is called
    phone     is refused in words: this page sends no text messages
    components   ids of the page; a group stands for its members; none: all, also those to come

Pure.
"""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from penstock.notify import outbound
from penstock.notify.outbound import RefusedError
from penstock.web.endpoint import InvalidError

EMAIL_CHARS_MAX: Final = 254  # RFC 5321
LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL: Final = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    rf"@(?P<host>{LABEL}(?:\.{LABEL})+)",
    re.ASCII,
)
LOCAL_CHARS_MAX: Final = 64
COMPONENTS_MAX: Final = 200  # as many as a page has
NO_PHONE: Final = "this page sends no text messages: give an e-mail address or a webhook"


class Kind(enum.Enum):
    """How somebody is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"


class Asked(msgspec.Struct, frozen=True):
    """What is asked for, checked."""

    kind: Kind
    address: str
    components: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What two ways to write one address have in common."""
        return self.address.lower() if self.kind is Kind.EMAIL else self.address

    @property
    def mailbox(self) -> str:
        """Whose box it is, as far as one can tell: what follows a plus is a box's own business."""
        local, _, host = self.key.rpartition("@")
        return f"{local.partition('+')[0]}@{host}"


def asked(
    kind: str,
    address: str,
    chosen: Iterable[str],
    known: Mapping[str, Sequence[str]],
    *,
    may_be_private: bool = False,
) -> Asked:
    """Return what is asked for; raises InvalidError. ``known``: members by id of what there is."""
    try:
        which = Kind(kind.strip().lower() or Kind.EMAIL.value)
    except ValueError as error:
        words = NO_PHONE if kind.lower() in {"sms", "phone"} else "choose e-mail, webhook or Slack"
        raise InvalidError(words, "kind") from error
    address = address.strip()
    if which is Kind.EMAIL:
        address = as_email(address)
    else:
        try:
            outbound.checked(address, may_be_private=may_be_private)
        except RefusedError as error:
            raise InvalidError(error.message, "address") from error
    return Asked(which, address, components(chosen, known))


def as_email(text: str) -> str:
    """Return an address with its host in lower case; raises InvalidError."""
    match = EMAIL.fullmatch(text) if len(text) <= EMAIL_CHARS_MAX else None
    if match is None or len(match["local"]) > LOCAL_CHARS_MAX:
        hint = "" if text.isascii() else "; letters beyond ASCII cannot be served yet"
        raise InvalidError(f"this is no e-mail address such as name@example.org{hint}", "address")
    return f"{match['local']}@{match['host'].lower()}"


def components(chosen: Iterable[str], known: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the ids that are chosen, groups taken apart; raises InvalidError."""
    found: dict[str, None] = {}
    for id_ in chosen:
        if not id_:
            continue
        if id_ not in known:
            raise InvalidError("one of the components is not on this page any more", "components")
        found.update(dict.fromkeys(known[id_] or [id_]))
    return tuple(sorted(found))[:COMPONENTS_MAX]
