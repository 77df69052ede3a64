"""Slack's incoming webhooks, and Mattermost's, which take the same.

    text          all that is to be said: Mattermost shows it, Slack in notifications
    attachments   Slack and Mattermost: a bar in the colour of the state, and the evidence

Only what both understand is used. In text ``&``, ``<`` and ``>`` are written as entities, so that
no name can become a link or a mention.
Source: Slack, "Sending messages using incoming webhooks" and "Formatting message text";
Mattermost, "Incoming webhooks".
"""

from typing import Any, Final

import msgspec

from penstock.notify.message import Message
from penstock.notify.outbound import Outbound
from penstock.notify.webhook import JSON, accepted

COLOURS: Final = {"page": "#c0392b", "ticket": "#d68910", "": "#5f6b76"}
RESOLVED: Final = "#1e8449"
SHAPES: Final = {"page": "\u25a0", "ticket": "\u25d0", "": "\u25cb"}
GOOD: Final = "\u25cf"
TEXT_MAX: Final = 3000  # characters: Slack cuts a section there
CONSOLE: Final = "Open in the console"


async def send(outbound: Outbound, url: str, message: Message, link_words: str = CONSOLE) -> None:
    """Send a message; raises OutboundError."""
    body = msgspec.json.encode(payload(message, link_words))
    accepted(await outbound.post(url, body, {"content-type": JSON}))


def payload(message: Message, link_words: str = CONSOLE) -> dict[str, Any]:
    """Return what the webhook gets."""
    is_over = message.kind == "resolved"
    shape = GOOD if is_over else SHAPES.get(message.severity, SHAPES[""])
    title = f"{shape} {escaped(message.title)}"
    lines = [escaped(line) for line in message.lines]
    if message.link:
        lines.append(f"<{message.link}|{escaped(link_words)}>")
    return {
        "text": title[:TEXT_MAX],
        "attachments": [
            {
                "color": RESOLVED if is_over else COLOURS.get(message.severity, COLOURS[""]),
                "fallback": title[:TEXT_MAX],
                "text": "\n".join(lines)[:TEXT_MAX],
            }
        ],
    }


def escaped(text: str) -> str:
    """Return text that means nothing but itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
