"""A health probe: one state of a document in which a process tells of several, each by itself.

GET url     {"sessions": {"state": "ok"}, "oidc": {"state": "failing", "words": "..."}, ...}
good        the state that is meant is ``ok``
failed      it is anything else, by the state's own name; or the document cannot be had
unknown     it is ``off``: nobody is to come in this way
wrong       no such document, or no such state in it

So one way in that fails is told apart from others that do not: who has a session stays in while
nobody can log in.
"""

from urllib.parse import urlsplit

import msgspec

from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.http import status_word, text_of
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.watch.evidence import ProbeResult


class _State(msgspec.Struct):
    state: str = ""


async def probe(url: str, name: str, times: tuple[float, float], means: Means) -> Outcome:
    """Look once. ``times``: how long it may take, and from when on it is slow."""
    within_s, slow_s = times
    host = urlsplit(url).hostname or ""
    began_s = means.now_s()

    async def work() -> Outcome:
        async with (
            result.client(means.tls, within_s) as http,
            http.stream("GET", url) as response,
        ):
            text = await text_of(response)
        total_s = means.now_s() - began_s
        if not response.is_success:
            return result.failed(status_word(response.status_code), host, total_s=total_s)
        match state_of(text, name):
            case "ok":
                return result.ended(slow_s, total_s, host=host)
            case "off":
                return result.unknown("off", host)
            case "":
                return Outcome(result=ProbeResult.WRONG, how="wrong", total_s=total_s, host=host)
            case _:
                return result.failed(name, host, total_s=total_s)

    return await result.bounded(work, within_s, host)


def state_of(document: str, name: str) -> str:
    """Return a state of a document; empty if it has none of that name."""
    try:
        return msgspec.json.decode(document, type=dict[str, _State]).get(name, _State()).state
    except msgspec.MsgspecError:
        return ""
