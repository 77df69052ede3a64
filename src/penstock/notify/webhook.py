"""Webhooks: a JSON object, signed as the Standard Webhooks specification has it.

    webhook-id          the same for each repeat of one message: keep what you have seen
    webhook-timestamp   when this try was made, in Unix seconds
    webhook-signature   "v1," and base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY"

    secret              as it is, or "whsec_" and base64 of the key; without one nothing is signed
    answer              2xx: taken. 410: never again. Anything else, a redirect too: tried again
    challenge           whoever subscribes proves that the address is theirs: it is sent
                        {"type": "challenge", "challenge": TOKEN} and has to send TOKEN back

A receiver should refuse a timestamp that is older than five minutes (``TOLERANCE_S``).
Source: standardwebhooks.com.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

import msgspec

from penstock.notify.message import Message
from penstock.notify.outbound import Answer, Outbound, OutboundError

JSON: Final = "application/json"
PREFIX: Final = "whsec_"
TOLERANCE_S: Final = 300.0
GONE: Final = 410
WORDS_MAX: Final = 200  # of a receiver's answer, in what operators are told


class GoneError(OutboundError):
    """The receiver says that it wants nothing any more."""

    code = "receiver_gone"
    remedy = "Remove the receiver, or give it a new address."


class Payload(msgspec.Struct, frozen=True):
    """What a webhook gets."""

    type: str  # alert.KIND, test
    timestamp: float  # Unix time of what is told
    data: Message


async def send(
    outbound: Outbound, url: str, secret: str, message: Message, now_unix_s: float
) -> None:
    """Send a message; raises OutboundError, or GoneError if it must not be tried again."""
    kind = message.kind if message.kind == "test" else f"alert.{message.kind}"
    body = msgspec.json.encode(Payload(kind, message.at_unix_s, message))
    accepted(await outbound.post(url, body, headers(secret, message.id, body, now_unix_s)))


def headers(secret: str, id_: str, body: bytes, now_unix_s: float) -> dict[str, str]:
    """Return the headers of one try."""
    found = {
        "content-type": JSON,
        "webhook-id": id_,
        "webhook-timestamp": str(int(now_unix_s)),
    }
    if secret:
        found["webhook-signature"] = sign(secret, id_, int(now_unix_s), body)
    return found


def sign(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body."""
    signed = f"{id_}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def is_signed(secret: str, given: dict[str, str], body: bytes, now_unix_s: float) -> bool:
    """Tell whether headers sign a body, as a receiver would."""
    try:
        timestamp = int(given.get("webhook-timestamp", ""))
    except ValueError:
        return False
    wanted = sign(secret, given.get("webhook-id", ""), timestamp, body)
    signatures = given.get("webhook-signature", "").split(" ")
    is_any = any(hmac.compare_digest(wanted.encode(), one.encode()) for one in signatures)
    return is_any and abs(now_unix_s - timestamp) <= TOLERANCE_S


def accepted(answer: Answer) -> None:
    """Raise OutboundError unless the receiver took the message."""
    if answer.is_taken:
        return
    kind = GoneError if answer.status == GONE else OutboundError
    raise kind(f"the receiver answered {answer.status}{_words(answer)}")


async def confirm(outbound: Outbound, url: str, challenge: str) -> bool:
    """Tell whether an address sends a challenge back; raises OutboundError if it cannot be asked.

    The challenge should be hard to guess, and used once.
    """
    body = msgspec.json.encode({"type": "challenge", "challenge": challenge})
    answer = await outbound.post(url, body, {"content-type": JSON})
    if not answer.is_taken:
        return False
    return hmac.compare_digest(_echo(answer.body), challenge.encode())


def _echo(body: bytes) -> bytes:
    """Return the challenge that an answer holds: in a JSON object, or as the whole text."""
    try:
        found = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError:
        return body.strip()
    return str(found.get("challenge", "")).encode()


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass  # then it is a secret that begins so
    return secret.encode()


def _words(answer: Answer) -> str:
    """Return the beginning of what a receiver said, if that is text."""
    text = answer.body[:WORDS_MAX].decode("utf-8", "replace").strip()
    return f": {text}" if text.isprintable() and text else ""
