"""The top-level fields of a JSON body, read only as far as routing needs them.

Values stay raw: a body of megabytes is checked for well-formedness once and never rebuilt.
Raw values are not checked for UTF-8, and JSON may be nested deeper than we can follow: whoever
decodes one catches ``MALFORMED``.
"""

import re
from typing import Final

import msgspec

from penstock.core.errors import DialectError

MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_WHOLE: Final = msgspec.json.Decoder(int)
_PLACE: Final = re.compile(r"`\$\.(.+)`$")
_LIST: Final = ord("[")
_EMPTY: Final = (b"null", b"[]", b"{}")
_EMPTY_BYTES_MAX: Final = 4


def decode(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the fields; raises DialectError that says where the JSON is broken."""
    try:
        return _FIELDS.decode(body)
    except MALFORMED as error:
        raise DialectError(f"the body is not a JSON object: {error}") from error


def place_of(error: Exception) -> str:
    """Return the path that an error of the parser names; empty if it names none."""
    found = _PLACE.search(str(error))
    return found.group(1) if found else ""


def text(fields: dict[str, msgspec.Raw], name: str) -> str:
    """Return a required, non-empty string."""
    raw = fields.get(name)
    if raw is None:
        raise DialectError(f"{name} is missing", param=name)
    try:
        value = _TEXT.decode(raw)
    except MALFORMED as error:
        raise DialectError(f"{name} must be a string: {error}", param=name) from error
    if not value:
        raise DialectError(f"{name} must not be empty", param=name)
    return value


def flag(fields: dict[str, msgspec.Raw], name: str) -> bool:
    """Return a truth; absent and null are False."""
    raw = fields.get(name)
    if raw is None:
        return False
    value = bytes(raw)
    if value == b"true":
        return True
    if value in (b"false", b"null"):
        return False
    raise DialectError(f"{name} must be true or false", param=name)


def count(fields: dict[str, msgspec.Raw], name: str, default: int) -> int:
    """Return a whole number of at least 1; absent and null are the default."""
    raw = fields.get(name)
    if raw is None or bytes(raw) == b"null":
        return default
    try:
        value = _WHOLE.decode(raw)
    except MALFORMED as error:
        raise DialectError(f"{name} must be a whole number: {error}", param=name) from error
    if value < 1:
        raise DialectError(f"{name} must be at least 1", param=name)
    return value


def word(fields: dict[str, msgspec.Raw], name: str) -> str:
    """Return a string that may be absent; empty for what is none: others will say so."""
    raw = fields.get(name)
    if raw is None:
        return ""
    try:
        return _TEXT.decode(raw)
    except MALFORMED:
        return ""


def bound(fields: dict[str, msgspec.Raw], name: str) -> int:
    """Return an upper bound that may be absent; 0 for what is none: others will say so."""
    raw = fields.get(name)
    if raw is None:
        return 0
    try:
        return max(0, _WHOLE.decode(raw))
    except MALFORMED:
        return 0


def with_field(body: bytes, path: tuple[str, ...], name: str, value: msgspec.Raw) -> bytes:
    """Return JSON with one field of an object in it set; ``path`` leads to the object.

    What has no such object, or is no JSON, comes back as it was.
    """
    try:
        fields = _FIELDS.decode(body)
    except MALFORMED:
        return body
    if not path:
        return msgspec.json.encode(fields | {name: value})
    inner = fields.get(path[0])
    if inner is None:
        return body
    old = bytes(inner)
    new = with_field(old, path[1:], name, value)
    if new is old:
        return body
    return msgspec.json.encode(fields | {path[0]: msgspec.Raw(new)})


def may_have_parts(body: bytes) -> bool:
    """Tell whether a body has more than one list: a message in parts is a list within a list.

    To look for a byte takes a fraction of the time that looking for a word does.
    """
    return body.find(b"[", body.find(b"[") + 1) >= 0


def is_list(raw: msgspec.Raw) -> bool:
    """Tell whether a value is a list."""
    return memoryview(raw)[0] == _LIST


def is_empty(raw: msgspec.Raw) -> bool:
    """Tell whether a value is null, an empty list or an empty object."""
    view = memoryview(raw)
    return len(view) <= _EMPTY_BYTES_MAX and bytes(view) in _EMPTY
