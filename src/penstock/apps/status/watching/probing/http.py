"""An HTTP probe: one GET, whose status and text are looked at.

good      2xx, and the text that it should hold is there
wrong     2xx without that text: somebody else answers, or something else than it should
failed    any other status, a redirect too; no connection; no end in time
"""

from urllib.parse import urlsplit

import httpx

from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.watch.evidence import ProbeResult


async def probe(url: str, expects: str, times: tuple[float, float], means: Means) -> Outcome:
    """Fetch once. ``times``: how long it may take, and from when on it is slow."""
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
        if expects and expects not in text:
            return Outcome(result=ProbeResult.WRONG, how="wrong", total_s=total_s, host=host)
        return result.ended(slow_s, total_s, host=host)

    return await result.bounded(work, within_s, host)


def status_word(status: int) -> str:
    """Return the fixed word for a status that is not good."""
    return f"http_{status // 100}xx"


async def text_of(response: httpx.Response) -> str:
    """Return the beginning of a page, as text."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > result.ANSWER_BYTES_MAX:
            break
    return body.decode("utf-8", "replace")
