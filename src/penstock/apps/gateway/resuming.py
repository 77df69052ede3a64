"""What callers do to have an answer kept, and to come back for it.

    Idempotency-Key                       any POST of a dialect: asked again, the same answer
    DELETE of the same path, with that    its exchange is ended, whatever it is at; again: the same
    "store": true                         a response is kept under its id
    GET    /v1/responses/ID               the response as it is now
    GET    /v1/responses/ID?stream=true&starting_after=N
                                          its events beyond number N, then live
    DELETE /v1/responses/ID               forget it
    POST   /v1/responses/ID/cancel        end it, if it is under way

``store`` must be said: the API's own default is true, and would have us keep everything. What is
not the caller's own is not found.
"""

import hashlib
import re
from typing import Final
from urllib.parse import parse_qs

import msgspec

from penstock.apps.gateway.caller import HttpCaller, head
from penstock.apps.gateway.context import RESUME as HEADER
from penstock.apps.gateway.keeper import RESPONSES, Keeper, Name, Owner, Scope, Wish, not_held
from penstock.apps.gateway.kept import FROM_START, NOT_KEPT, REPLAYED, KeptAnswer, Reader
from penstock.core.errors import CallerError, PenstockError
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.openai_responses import stored
from penstock.dialects.registry import DIALECTS
from penstock.snapshot.model import Key
from penstock.telemetry.metrics import Counters
from penstock.wire import clock
from penstock.wire.call import Call

NAME: Final = re.compile(rb"[\x21-\x7e]{1,255}")
NAME_REMEDY: Final = "Send 1 to 255 printable ASCII characters without spaces, such as a UUID."
NUMBER: Final = re.compile(r"[0-9]{1,9}")
PATH: Final = re.compile(r"/(?:openai/v1|openai|v1)/responses/([^/]+)(?:/(cancel))?")
JSON: Final = b"content-type: application/json\r\n"
DIALECT: Final = DIALECTS[RESPONSES]


class Resuming:
    """The caller's side of keeping. Owned by one event loop."""

    def __init__(self, counters: Counters) -> None:
        self.keeper = Keeper(clock.now_s, counters.miss)
        self._counters = counters

    def wish(
        self, call: Call, key: Key, route: str, dialect: Dialect, inquiry: Inquiry
    ) -> Wish | None:
        """Return what the caller wants kept; None if nothing. Raises CallerError for a bad key."""
        name = call.headers.get(HEADER)
        if name is None and not _wants_store(dialect, inquiry):
            return None
        owner = Owner(key.tenant, key.id)
        scope = None
        if name is not None:
            scope = Scope(owner, route, dialect.name, _plain(name))
        digest = hashlib.sha256(call.target + b"\0")  # a dialect may name the model there
        digest.update(call.body)
        return Wish(owner, scope, digest.digest())

    def replay(self, wish: Wish | None, call: Call) -> bool:
        """Answer from what is kept; False if this is the first time. Raises CallerError."""
        kept = self.keeper.find(wish) if wish is not None else None
        if kept is None:
            return False
        self._counters.replay("live" if kept.is_running else "whole")
        kept.read(Reader(kept, call, is_replay=True))
        return True

    def caller(self, wish: Wish, key: Key, caller: HttpCaller) -> HttpCaller | KeptAnswer:
        """Return who gets an exchange's answer: something that keeps it, if it is to be kept."""
        kept = None
        if not key.may_keep or not self.keeper.settings.is_enabled:
            self.keeper.miss("not_allowed")
        else:
            kept = self.keeper.begin(wish, caller.dialect, caller.id, caller.mark)
        if kept is None:
            caller.note(NOT_KEPT)
            return caller
        kept.read(Reader(kept, caller.call, is_replay=False))
        return kept

    def cancel(self, call: Call, key: Key, dialect: Dialect) -> None:
        """End what is kept under the call's Idempotency-Key; raises CallerError if nothing is."""
        name = _plain(call.headers[HEADER])
        found = self.keeper.cancel(Name(Owner(key.tenant, key.id), dialect.name, name))
        if not found:
            error = CallerError("Nothing is kept under this Idempotency-Key.", status=404)
            error.code = "exchange_not_found"
            error.remedy = "It has been forgotten, or was never asked with this key and path."
            raise error
        ids = [kept.id for kept in found]
        told = {"ids": ids, "is_cancelled": any(kept.is_cancelled for kept in found)}
        call.send(200, JSON, msgspec.json.encode(told))

    # --- responses by their id

    def on_response(self, call: Call, key: Key, response_id: str, action: str) -> None:
        """Answer a call on one response; raises CallerError for what cannot be done."""
        served = (b"POST",) if action else (b"GET", b"HEAD", b"DELETE")
        if call.method not in served:
            methods = ", ".join(method.decode() for method in served)
            raise CallerError(
                f"Only {methods} is served here.", status=405, code="method_not_allowed"
            )
        kept = self.keeper.find_response(Owner(key.tenant, key.id), response_id)
        if kept is None:
            raise not_found(response_id)
        if call.method == b"DELETE":
            self.keeper.forget(kept)
            gone = {"id": response_id, "object": "response", "deleted": True}
            call.send(200, JSON, msgspec.json.encode(gone))
        elif not kept.is_held and not action:
            raise not_held()
        elif call.method == b"GET" and _query(call, "stream") == "true":
            self._stream(kept, call)
        else:
            if action:
                kept.cancel(clock.now_s())
            self._counters.replay("response")
            lines = head(kept.dialect, kept.id, kept.mark) + JSON + REPLAYED
            call.send(200, lines, _object(kept, response_id))

    def _stream(self, kept: KeptAnswer, call: Call) -> None:
        after = _query(call, "starting_after")
        if after and NUMBER.fullmatch(after) is None:
            raise CallerError(
                "starting_after must be the number of an event.", param="starting_after"
            )
        if call.is_http_1_0:
            raise CallerError("A stream needs HTTP/1.1.", status=505, code="http_version")
        if not kept.is_stream:
            error = CallerError(
                "This response was not streamed, so it has no events.", param="stream"
            )
            error.remedy = "Leave out 'stream'."
            raise error
        number = int(after) if after else FROM_START
        self._counters.replay("response")
        kept.read(Reader(kept, call, is_replay=True, after=number))


def response_of(call: Call) -> tuple[str, str] | None:
    """Return which response a path names, and what is to be done with it; None if it does not."""
    match = PATH.fullmatch(call.target.decode("latin-1"))
    return (match[1], match[2] or "") if match is not None else None


def not_found(response_id: str) -> PenstockError:
    """Return the error for an id that is unknown, or somebody else's."""
    message = f"There is no response {response_id[:100]!r} here, or not any more."
    error = CallerError(message, status=404, code="response_not_found", param="response_id")
    error.remedy = "Responses are kept for requests with 'store': true or an Idempotency-Key."
    return error


def _wants_store(dialect: Dialect, inquiry: Inquiry) -> bool:
    raw = inquiry.fields.get("store")
    return dialect is DIALECT and raw is not None and bytes(raw) == b"true"


def _plain(name: bytes) -> str:
    """Return an Idempotency-Key; raises CallerError for what is none."""
    if NAME.fullmatch(name) is None:
        error = CallerError("The Idempotency-Key is empty, too long, or not plain ASCII.")
        error.code = "invalid_idempotency_key"
        error.remedy = NAME_REMEDY
        raise error
    return name.decode("ascii")


def _query(call: Call, name: str) -> str:
    values = parse_qs(call.query.decode("latin-1"), max_num_fields=50).get(name)
    return values[-1] if values else ""


def _object(kept: KeptAnswer, response_id: str) -> bytes:
    if not kept.is_stream:
        return kept.data
    status = "in_progress" if kept.is_running else "failed"
    status = "cancelled" if kept.is_cancelled else status
    return stored.response_object(kept.data, status, response_id)
