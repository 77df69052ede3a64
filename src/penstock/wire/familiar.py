"""A head that has been read before: recognised byte for byte instead of parsed again.

A client sends the same head with every request on a connection, but for the length of its body. A
request is familiar if it is, byte for byte, an earlier one with another number as that length, and
if its whole body has come with it. The parser has found that head well-formed and unambiguous, and
a length is nothing but digits, so there is nothing left for it to say. Everything else, and the
first two requests of a connection, goes through the parser.

Heads are kept for all connections of a server together, since a client opens many.
"""

import re
from typing import Final

from penstock.wire.call import Call, Link

KEPT_MAX: Final = 256  # heads; one is about a kilobyte, and what is left beside it less
LESSONS_MAX: Final = 4  # heads of a connection that never came again, before we stop to learn
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)


class Head:
    """What a head says, around the length of the body.

    ``memo`` is the handler's: what it knows of a call by its head alone.
    """

    __slots__ = ("_after", "_around_bytes", "_before", "_headers", "_query", "_target", "memo")

    def __init__(self, before: bytes, after: bytes, call: Call) -> None:
        self.memo: object = None
        self._before = before
        self._after = after
        self._around_bytes = len(before) + len(after)
        self._target = call.target
        self._query = call.query
        self._headers = call.headers

    def read(self, data: bytes, link: Link, body_bytes_max: int) -> Call | None:
        """Return the request if ``data`` is this head with a whole body, and nothing behind it."""
        rest = len(data) - self._around_bytes  # the body, and its length in digits
        length = rest - len(b"%d" % rest)
        digits = b"%d" % length
        head = self._before + digits + self._after
        if length > body_bytes_max or not data.startswith(head):
            return None
        body = data[len(head) :]
        if len(body) != length:  # a length just below a power of ten is guessed wrong, and parsed
            return None
        headers = self._headers.copy()
        headers[b"content-length"] = digits
        call = Call(link, b"POST", self._target, self._query, headers, body)
        call.head = self
        return call


class Heads:
    """The heads that a server has seen more than once. Owned by one event loop."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, bytes], Head] = {}

    def learn(self, data: bytes, call: Call) -> Head | None:
        """Return the head of a parsed request, if it is one that can be recognised.

        ``data`` is what was read in one piece while ``call`` was parsed from it.
        """
        head_bytes = len(data) - len(call.body)
        is_plain = call.method == b"POST" and call.keeps_alive and b"expect" not in call.headers
        if not is_plain or b"transfer-encoding" in call.headers or b"upgrade" in call.headers:
            return None
        found = _LENGTH.search(data, 0, head_bytes)
        is_alone = data.find(b"\r\n\r\n") + 4 == head_bytes  # one head, one body, no more
        if found is None or not is_alone or int(found[1]) != len(call.body):
            return None
        around = (data[: found.start(1)], data[found.end(1) : head_bytes])
        head = self._kept.get(around)
        if head is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            head = self._kept[around] = Head(*around, call)
        return head
