"""What Slack and Mattermost get: the answer first, and no name that is more than a name."""

import asyncio
import json

import pytest
from tests.notify.receiver import receiving

from penstock.notify import slack
from penstock.notify.message import Message
from penstock.notify.outbound import Outbound, OutboundError

MESSAGE = Message(
    id="a1-1",
    kind="opened",
    severity="page",
    title="<!channel> & a <b>",
    lines=("one", "two > one"),
    link="http://127.0.0.1:8402/objectives",
)


def test_text_is_whole_and_harmless() -> None:
    payload = slack.payload(MESSAGE)
    assert payload["text"] == "■ &lt;!channel&gt; &amp; a &lt;b&gt;"
    (attachment,) = payload["attachments"]
    assert attachment["text"].splitlines() == [
        "one",
        "two &gt; one",
        "<http://127.0.0.1:8402/objectives|Open in the console>",
    ]


def test_state_is_colour_and_shape() -> None:
    over = Message(id="a", kind="resolved", severity="page", title="Over")
    seen = {
        (p["text"][0], p["attachments"][0]["color"]) for p in map(slack.payload, (MESSAGE, over))
    }
    assert len(seen) == 2
    assert len({shape for shape, _ in seen}) == 2


def test_a_long_message_is_cut() -> None:
    long = Message(id="a", kind="opened", severity="", title="t" * 9999, lines=("l" * 9999,))
    payload = slack.payload(long)
    assert len(payload["text"]) == len(payload["attachments"][0]["text"]) == slack.TEXT_MAX


def test_it_is_posted_and_a_refusal_is_told() -> None:
    async def run() -> bytes:
        caller = Outbound(may_be_private=True, within_s=5.0)
        async with receiving() as received:
            url = f"http://127.0.0.1:{received.port}/services/T/B/X"
            await slack.send(caller, url, MESSAGE)
            received.answers = [b"HTTP/1.1 404 No\r\ncontent-length: 10\r\n\r\nno_service"]
            with pytest.raises(OutboundError, match="404: no_service") as told:
                await slack.send(caller, url, MESSAGE)
            assert "/services" not in told.value.text
        return received.bodies[0]

    assert json.loads(asyncio.run(run())) == slack.payload(MESSAGE)
