"""Reports that it fails for a person: filed at the status page, by the chat's own token.

    filed      the page says what became of it: counted, repeated, crowded, full
    kept       the page cannot be reached: tried again for ``KEEP_S``, and the person is told so.
               Older ones are dropped: the page would take them for reports of now
    too many   of one person, or of all: refused

Who reports is told to the page by an opaque name. A person who has not come in, because that is
what fails, has one made from the network address, by a salt that only this process knows.
"""

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from penstock.apps.chat.shapes import ReportAnswer, ReportBody
from penstock.core.errors import PenstockError
from penstock.web.endpoint import InvalidError

FILE_S: Final = 3.0  # for which a person waits for the page
KEEP_S: Final = 600.0  # the page counts a person once in as long
KEPT_MAX: Final = 500
PERSON_MAX: Final = 5  # in ``WINDOW_S``
ALL_MAX: Final = 300
WINDOW_S: Final = 600.0
PEOPLE_MAX: Final = 10_000
REFUSED: Final = 400
TRY_LATER: Final = frozenset({408, 429})
FAULTS: Final = 500
PATH: Final = "/api/v1/reports"
VERSION: Final = "web"


class Filed(msgspec.Struct, frozen=True):
    """What the page says."""

    why: str = ""
    reports_hour: int = 0
    status_url: str = ""


class TooManyReportsError(PenstockError):
    """Somebody reports more than helps."""

    status = 429
    code = "too_many_reports"
    remedy = "What you have reported is known; look at the status page."


class _Kept(msgspec.Struct):
    component: str  # as the person named it
    category: str
    words: str
    person: str
    at_s: float


class Ground(msgspec.Struct, frozen=True):
    """What filing needs."""

    url: Callable[[], str]
    token: Callable[[], str]
    component: Callable[[str], str]  # from what people name to the page's id; empty: not known
    salt: bytes


class Reports:
    """Files reports. May be called from any thread."""

    def __init__(self, ground: Ground, transport: httpx.BaseTransport | None = None) -> None:
        self._ground = ground
        self._client = httpx.Client(timeout=FILE_S, trust_env=False, transport=transport)
        self._lock = threading.Lock()
        self._lately: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._kept: deque[_Kept] = deque(maxlen=KEPT_MAX)

    def __len__(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def stranger(self, address: str) -> str:
        """Return the opaque name of one who has not come in."""
        digest = hashlib.blake2b(address.encode(), digest_size=12, key=self._ground.salt)
        return f"st-{digest.hexdigest()}"

    def file(self, body: ReportBody, person: str, now_s: float) -> ReportAnswer:
        """File a report, or keep it; raises TooManyReportsError, InvalidError."""
        self._count(person, now_s)
        words = " ".join(body.words.split())
        report = _Kept(body.component, body.category, words, person, now_s)
        filed = self._send(report)
        if filed is None:
            with self._lock:
                self._kept.append(report)
            return ReportAnswer("kept", KEPT_TEXT)
        return ReportAnswer(filed.why, _text(filed), filed.reports_hour, filed.status_url)

    def turn(self, now_s: float) -> None:
        """Try again what is kept; stops at the first that cannot be filed."""
        while True:
            with self._lock:
                while self._kept and now_s - self._kept[0].at_s > KEEP_S:
                    self._kept.popleft()
                if not self._kept:
                    return
                report = self._kept[0]
            try:
                if self._send(report) is None:
                    return
            except InvalidError:
                pass  # the page does not know such a component, and never will
            with self._lock:
                if self._kept and self._kept[0] is report:
                    self._kept.popleft()

    def _count(self, person: str, now_s: float) -> None:
        with self._lock:
            mine = self._lately.setdefault(person, deque())
            self._lately.move_to_end(person)
            while len(self._lately) > PEOPLE_MAX:
                self._lately.popitem(last=False)
            for times in (mine, self._all):
                while times and now_s - times[0] > WINDOW_S:
                    times.popleft()
            if len(mine) >= PERSON_MAX or len(self._all) >= ALL_MAX:
                whose = "You have" if len(mine) >= PERSON_MAX else "People have"
                raise TooManyReportsError(f"{whose} sent many reports in the last ten minutes.")
            mine.append(now_s)
            self._all.append(now_s)

    def _send(self, report: _Kept) -> Filed | None:
        """Return what the page says; None: it cannot be asked now. Raises InvalidError."""
        url, token = self._ground.url(), self._ground.token()
        component = self._ground.component(report.component)
        if not (url and token and component):
            return None
        document = {
            "component": component,
            "category": report.category,
            "words": report.words,
            "account": report.person,
            "version": VERSION,
        }
        headers = {"authorization": f"Bearer {token}"}
        try:
            answer = self._client.post(url.rstrip("/") + PATH, json=document, headers=headers)
            if answer.status_code >= FAULTS or answer.status_code in TRY_LATER:
                return None
            if answer.status_code >= REFUSED:
                raise InvalidError(f"the status page refused it: {answer.status_code}", "component")
            return msgspec.json.decode(answer.content, type=Filed)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
            return None


KEPT_TEXT: Final = (
    "The status page cannot be reached just now. Your report is kept for ten minutes, and filed if"
    " the page is back by then."
)


def _text(filed: Filed) -> str:
    others = filed.reports_hour - 1
    said = "You are the first to say so in this hour."
    if others > 0:
        people = "1 other person says" if others == 1 else f"{others} other people say"
        said = f"{people} so in this hour."
    match filed.why:
        case "counted":
            return f"Thank you, your report has come in. {said}"
        case "repeated":
            return f"We have your report already: it counts for ten minutes. {said}"
        case _:
            return "Thank you. There are too many reports at once: yours is not counted."
