"""What an incident of the watch says: what fails, what works, whose fault it is, what comes next.

Plain, short, active; figures where they are known. Pure: from plain values to text.
"""

import enum
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.apps.status.incidents.moments import clock_words, span_words
from penstock.apps.status.naming import PROVIDERS
from penstock.watch.assessment import Culprit
from penstock.watch.component import State

TITLE_MAX: Final = 200  # of names that nobody would give
NAMED_MAX: Final = 3  # components by name; more are counted
NEARLY_ALL: Final = 0.9
MOST: Final = 0.5
TENTH: Final = 0.095  # from here on in steps of ten


class News(enum.Enum):
    """What an update begins with."""

    NOTHING = "No change since {}."
    FOUND = "We know where the trouble is."
    WORSE = "It has got worse."
    MORE = "We know more."
    SCOPE = ""  # what has joined, left, or fails too says so itself
    BACK = "It has come back."


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A component that fails."""

    name: str
    state: State
    ratio: float | None = None  # of its exchanges or probes
    about: str = ""  # failed, slow or wrong
    carried_by: str = ""
    is_unseen: bool = False  # it failed when it was seen last


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """All that an update speaks of."""

    now_unix_s: float
    failing: tuple[Failing, ...]
    working: tuple[str, ...] = ()  # names, the nearest to what fails first
    added: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()  # said to work, and fails now: another incident's
    culprit: Culprit = Culprit.UNKNOWN
    culprit_name: str = ""
    provider: str = ""  # of a model that fails
    next_unix_s: float = 0.0
    since_unix_s: float = 0.0  # of the last update; 0: there is none
    news: News = News.SCOPE


def title(failing: Sequence[Failing]) -> str:
    """Return the name of an incident."""
    names = [one.name for one in failing]
    worst = max((one.state for one in failing), key=HARMED.index)
    many = len(names) > 1
    if worst is State.DEGRADED:
        found = f"Trouble with {joined(names)}"
    else:
        found = (
            f"{joined(names)} {'fail' if many else 'fails'}{' in part' * (worst is State.PARTIAL)}"
        )
    return found[:TITLE_MAX]


def body(scope: Scope) -> str:
    """Return the text of an update while something fails."""
    sentences = [*_changes(scope), *_failing(scope.failing)]
    if scope.elsewhere:
        verb = _verb(scope.elsewhere, "fails", "fail")
        sentences.append(f"{joined(scope.elsewhere)} {verb} too: another incident speaks of it.")
    if scope.working:
        sentences.append(f"{joined(scope.working)} {_verb(scope.working, 'works', 'work')}.")
    carriers = list(dict.fromkeys(one.carried_by for one in scope.failing if one.carried_by))
    if carriers:
        verb = _verb(carriers, "answers", "answer")
        whose = "its" if len(scope.failing) == 1 else "their"
        sentences.append(f"{joined(carriers)} {verb} in {whose} place meanwhile.")
    sentences.append(_fault(scope))
    sentences.append(_next(scope))
    return " ".join(sentences)


def monitoring(names: Sequence[str], since_unix_s: float, over_unix_s: float, now_s: float) -> str:
    """Return the text that says that all works again."""
    verb = "work" if len(names) > 1 else "works"
    return (
        f"{joined(names)} {verb} again since {clock_words(since_unix_s, now_s)}. We watch whether "
        f"it lasts; if it does, this is over at {clock_words(over_unix_s, now_s)}."
    )


def resolved(names: Sequence[str], from_unix_s: float, to_unix_s: float, now_unix_s: float) -> str:
    """Return the last text."""
    verb = "have" if len(names) > 1 else "has"
    began, ended = (clock_words(one, now_unix_s) for one in (from_unix_s, to_unix_s))
    return (
        f"This is over. {joined(names)} {verb} worked without trouble since {ended}. It began at "
        f"{began} and lasted {span_words(to_unix_s - from_unix_s)}."
    )


def watching(names: Sequence[str], next_unix_s: float, now_unix_s: float) -> str:
    """Return the text for when nothing fails for sure, and not all is well."""
    by = clock_words(next_unix_s, now_unix_s)
    return (
        f"{joined(names)}: it looks better, but we are not sure of it yet. "
        f"We go on watching; next update by {by}."
    )


def merged(name: str) -> str:
    """Return the last text of an incident that turned out to be another one's."""
    return f"This is part of another incident, where we go on: {name}."


def joined(names: Iterable[str]) -> str:
    """Return names as people list them: "API, Log-in and 4 more"."""
    some = list(names)
    if len(some) > NAMED_MAX:
        some = [*some[: NAMED_MAX - 1], f"{len(some) - NAMED_MAX + 1} more"]
    if len(some) <= 1:
        return "".join(some)
    return f"{', '.join(some[:-1])} and {some[-1]}"


def _changes(scope: Scope) -> Iterable[str]:
    if scope.news is not News.SCOPE:
        yield scope.news.value.format(clock_words(scope.since_unix_s, scope.now_unix_s))
    if scope.recovered:
        yield f"{joined(scope.recovered)} {_verb(scope.recovered, 'works', 'work')} again."
    if scope.added and scope.news is not News.BACK:
        yield f"New since the last update: {joined(scope.added)}."


def _failing(failing: Sequence[Failing]) -> Iterable[str]:
    """Yield a sentence for all that fail alike."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in failing:
        alike.setdefault(_how(one), []).append(one.name)
    for (single, several), names in alike.items():
        yield f"{joined(names)} {_verb(names, single, several)}."


def _how(one: Failing) -> tuple[str, str]:
    """Return how a component fails, of one and of several."""
    if one.is_unseen:
        return UNSEEN, UNSEEN
    if one.ratio is None or one.ratio < MEASURABLE:
        if one.state is State.DEGRADED:
            return DEGRADED.get(one.about, ("has trouble", "have trouble"))
        return ("fails", "fail") if one.state is State.MAJOR else ("fails in part", "fail in part")
    if one.ratio >= NEARLY_ALL:
        share = "for nearly everyone"
    elif one.ratio >= MOST:
        share = "for most people"
    else:
        percent = one.ratio * 100
        shown = round(percent, -1) if one.ratio >= TENTH else max(1, round(percent))
        share = f"in about {shown:.0f} of 100 tries"
    return f"fails {share}", f"fail {share}"


def _fault(scope: Scope) -> str:
    name = PROVIDERS.get(scope.culprit_name, scope.culprit_name)
    of = PROVIDERS.get(scope.provider, scope.provider)
    known = {
        Culprit.PROVIDER: f"The fault is at {name or 'the provider'}, not here.",
        Culprit.MODEL: f"The fault is in one model{' of ' * bool(of)}{of}, {name}.",
        Culprit.SHARED: f"The cause is {name or 'something that all of these rest on'}.",
        Culprit.LOGIN: "The trouble is with logging in; what needs no log-in is not affected.",
        Culprit.US: "The fault is on our side.",
    }
    return known.get(scope.culprit, "We do not know yet whose fault it is.")


def _next(scope: Scope) -> str:
    ours = scope.culprit not in (Culprit.PROVIDER, Culprit.MODEL)
    what = "We are on it" if ours else "We lead traffic around it where we can"
    return f"{what}; next update by {clock_words(scope.next_unix_s, scope.now_unix_s)}."


def _verb(names: Sequence[str], single: str, several: str) -> str:
    return single if len(names) == 1 else several


HARMED: Final = (State.DEGRADED, State.PARTIAL, State.MAJOR)
MEASURABLE: Final = 0.03  # below, it has only begun, or something else than failures is the trouble
DEGRADED: Final = {
    "slow": ("is slow", "are slow"),
    "wrong": ("gives wrong answers", "give wrong answers"),
}
UNSEEN: Final = "cannot be seen by us at the moment"
