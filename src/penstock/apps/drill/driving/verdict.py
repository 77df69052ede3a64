"""How a try ended, as its sender can tell it: by status, error, text, and how the line ended.

    before content   429, or 503 or 529 that says when to come back, or a reason of a
                     gateway's for shedding                                        -> refused
                     any other error, silence, a cut line                          -> failed
    after content    an error event, a cut line                                    -> broken
    ended cleanly    no reason for the end, or "done" with words missing           -> truncated
                     "length", with words missing: shorter by load if told so      -> complete
                                                   else                            -> broken
                     other words than asked for                                    -> failed
                     all the words                                                 -> complete

An answer whose model said why it stopped has ended, however the line did afterwards. A whole
answer that is cut gives its sender nothing, so it failed.
"""

from typing import Final, NamedTuple

from penstock.apps.drill.driving.reading import LENGTH, STOP, Answer
from penstock.core.errors import SHED
from penstock.sim.drills import shapes

TOO_MANY: Final = 429
WAIT_STATUSES: Final = frozenset({503, 529})
ERROR_FROM: Final = 400
SHORTENED: Final = "shortened"
NO_END: Final = "no_end"
LOST: Final = "connection"


class Head(NamedTuple):
    """What came before the body."""

    status: int = 0  # 0: no answer came
    retry_after_s: float = 0.0
    should_retry: bool | None = None
    request_id: str = ""
    upstream: str = ""
    degraded: str = ""  # what load took from the answer, as told


class Verdict(NamedTuple):
    """How it ended, and the code of what was wrong."""

    end: str
    code: str = ""


def judge(head: Head, answer: Answer, expected: str, why: str, *, is_stream: bool) -> Verdict:
    """Return how a try ended; ``why`` is how the line did, empty if it is whole."""
    if head.status == 0:
        return Verdict(shapes.FAILED, LOST)
    if answer.trouble is not None:
        return _troubled(head, answer)
    if why and not answer.finish:
        has_begun = is_stream and bool(answer.pieces)
        return Verdict(shapes.BROKEN if has_begun else shapes.FAILED, LOST)
    return _compared(head, answer, expected)


def _troubled(head: Head, answer: Answer) -> Verdict:
    assert answer.trouble is not None
    code = answer.trouble.code
    if answer.pieces:
        return Verdict(shapes.BROKEN, code)
    says_when = head.retry_after_s > 0 and head.status in WAIT_STATUSES
    if head.status == TOO_MANY or says_when or code in SHED:
        return Verdict(shapes.REFUSED, code)
    return Verdict(shapes.FAILED, code)


def _compared(head: Head, answer: Answer, expected: str) -> Verdict:
    text = answer.text
    is_part = len(text) < len(expected) and expected.startswith(text)
    match answer.finish:
        case "":
            return Verdict(shapes.TRUNCATED, NO_END)
        case _ if text == expected:
            return Verdict(shapes.COMPLETE)
        case finish if finish == LENGTH and is_part:
            told = SHORTENED if head.degraded else LENGTH
            return Verdict(shapes.COMPLETE if head.degraded else shapes.BROKEN, told)
        case finish if finish == STOP and is_part:
            return Verdict(shapes.TRUNCATED, NO_END)
        case finish:
            return Verdict(shapes.FAILED, shapes.WRONG_WORDS if finish == STOP else finish)
