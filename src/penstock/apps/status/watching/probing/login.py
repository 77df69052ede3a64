"""A log-in probe: a fresh log-in by form, and a page that needs the session that it gives.

    1  GET the page; it must have a form with a password
    2  POST the form with all of its fields, from the page's own origin
    3  GET where that leads, or the page itself; it must answer 2xx, and show no such form
    4  log out by the form that the page or the account has, so that no session is left behind

    failed    form: no form to be seen; refused: it does not let us in; session: it lets us in, and
              then does not know us; http_5xx and others
    unknown   limit: too many log-ins, by its own rule; no_password: ours cannot be read; behind: it
              lets us in, and then the page that the session leads to is the one that fails

Sessions that exist are not asked: an outage of log-in alone leaves them as they are.
"""

from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.form import Form, log_in_form, log_out_form
from penstock.apps.status.watching.probing.http import status_word
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.watch.evidence import ProbeResult

REDIRECTS_MAX: Final = 5
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
ACCOUNT: Final = "/account"  # where the console has its way out


class StopError(Exception):
    """The probe has ended with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.how)
        self.outcome = outcome


async def probe(
    url: str, who: tuple[str, str], times: tuple[float, float], means: Means
) -> Outcome:
    """Log in once. ``times``: how long it may take, and from when on it is slow."""
    within_s, slow_s = times
    host = urlsplit(url).hostname or ""
    is_in = False

    async def work() -> Outcome:
        nonlocal is_in
        began_s = means.now_s()
        try:
            async with result.client(means.tls, within_s) as http:
                at = await _let_in(http, url, who)
                is_in = True
                page, at = await _known(http, at)
                total_s = means.now_s() - began_s
                await leave(http, page, at)
        except StopError as stopped:
            return stopped.outcome
        return result.ended(slow_s, total_s, host=host)

    outcome = await result.bounded(work, within_s, host)
    is_behind = is_in and outcome.result is ProbeResult.FAILED and not _is_of_session(outcome.how)
    return result.unknown("behind", host) if is_behind else outcome


async def enter(http: httpx.AsyncClient, url: str, who: tuple[str, str]) -> tuple[str, str]:
    """Log in; returns the page that the session leads to, and where it is."""
    return await _known(http, await _let_in(http, url, who))


def _is_of_session(how: str) -> bool:
    """Tell whether a failure says that the session is not known: a form, 401, round and round."""
    return how == "session" or how.startswith(("http_3", "http_4"))


async def _let_in(http: httpx.AsyncClient, url: str, who: tuple[str, str]) -> str:
    """Send the form; returns where the session leads to."""
    first = await _get(http, url)
    form = log_in_form(first.text)
    if form is None:
        raise StopError(result.failed("form"))
    sent = await _post(http, form, str(first.url), form.filled(*who))
    if sent.status_code == TOO_MANY:
        raise StopError(result.unknown("limit"))
    if sent.status_code >= SERVER_ERROR:
        raise StopError(result.failed(status_word(sent.status_code)))
    if not sent.has_redirect_location and (not sent.is_success or log_in_form(sent.text)):
        raise StopError(result.failed("refused"))
    return urljoin(str(sent.url), sent.headers.get("location", ""))


async def _known(http: httpx.AsyncClient, at: str) -> tuple[str, str]:
    """Fetch what only a session gets; returns the page, and where it is."""
    page = await _get(http, at)
    if log_in_form(page.text) is not None:
        raise StopError(result.failed("session"))
    return page.text, str(page.url)


async def leave(http: httpx.AsyncClient, page: str, at: str) -> None:
    """End the session, where the page or the account shows how."""
    form = log_out_form(page)
    if form is None:
        account = await http.get(urljoin(at, ACCOUNT))
        form, at = log_out_form(account.text), str(account.url)
    if form is not None:
        await _post(http, form, at, form.fields)


async def _get(http: httpx.AsyncClient, url: str) -> httpx.Response:
    """Fetch a page, also behind redirects within the same host."""
    for _ in range(REDIRECTS_MAX):
        response = await http.get(url)
        if not response.has_redirect_location:
            if not response.is_success:
                raise StopError(result.failed(status_word(response.status_code)))
            return response
        to = urljoin(url, response.headers["location"])
        if urlsplit(to).hostname != urlsplit(url).hostname:
            break
        url = to
    raise StopError(result.failed("http_3xx"))


async def _post(
    http: httpx.AsyncClient, form: Form, page_url: str, fields: dict[str, str]
) -> httpx.Response:
    parts = urlsplit(page_url)
    to = urljoin(page_url, form.action)
    if urlsplit(to).netloc != parts.netloc:  # a password goes to whoever asked for it only
        raise StopError(result.failed("form"))
    origin = f"{parts.scheme}://{parts.netloc}"
    return await http.post(to, data=fields, headers={"origin": origin, "referer": page_url})
