"""From signs to a verdict, an episode and a state.

    problem    probes or telemetry reach their threshold (probes more than that, while telemetry
               sees many exchanges and nothing amiss); or most of it, with reports or a page that
               agree; or together both_ratio. Reports and pages alone never
    possible   half a threshold of anything, or a page
    episode    none -> possible -> problem at once, as the evidence comes; back only once nothing
               bad was seen for hold_s (possible_hold_s), counted from the last bad event and not
               from when recovery became sure: a 5 min flap stays one episode
    state      by the failing ratio; slow and wrong answers degrade. Worse at once, better after
               hold_s; unknown where neither probes nor telemetry live

Nothing here looks at other components: one that recovers follows, whatever else fails. Pure.
"""

from collections.abc import Sequence
from typing import Final

from penstock.watch.accounting import Tally
from penstock.watch.assessment import Sign, Verdict
from penstock.watch.component import State
from penstock.watch.dossier import Dossier, Episode
from penstock.watch.evidence import Kind
from penstock.watch.explaining import CONNECTION_KINDS
from penstock.watch.settings import Settings

SEEING: Final = (Kind.PROBES, Kind.TELEMETRY)
LATE_KINDS: Final = frozenset({"timeout", "timed_out", "stall", "stalled", "hang"})
BADNESS: Final = (State.OPERATIONAL, State.DEGRADED, State.PARTIAL, State.MAJOR)


def verdict_of(
    signs: Sequence[Sign], now_unix_s: float, settings: Settings, *, is_contradicted: bool
) -> Verdict:
    """What the signs say together, now; ``is_contradicted``: telemetry does not bear probes out."""
    seeing = [sign for sign in signs if sign.kind in SEEING]
    strongest = max((sign.weight for sign in seeing), default=0.0)
    is_agreed = any(
        sign.verdict and (sign.weight >= 1.0 or _is_news(sign, now_unix_s, settings))
        for sign in signs
        if sign.kind not in SEEING
    )
    is_problem = (
        strongest >= (settings.contradicted_ratio if is_contradicted else 1.0)
        or (is_agreed and strongest >= settings.agreed_ratio)
        or _do_both_say_so(seeing, settings)
    )
    if is_problem:
        return Verdict.PROBLEM
    is_any = strongest >= settings.possible_ratio or any(sign.verdict for sign in signs)
    return Verdict.POSSIBLE if is_any else Verdict.NONE


def _is_news(sign: Sign, now_unix_s: float, settings: Settings) -> bool:
    """Whether a page has begun to tell of trouble lately: what it tells all day is no agreement."""
    return sign.kind is Kind.PAGE and now_unix_s - sign.since_unix_s <= settings.page_agrees_s


def is_contradicted(dossier: Dossier, probes: Sign, exchanges: Sign, settings: Settings) -> bool:
    """Whether telemetry saw many exchanges since probes began to fail, and nothing amiss."""
    if not probes.verdict or probes.about == "wrong" or exchanges.is_silent:
        return False
    if exchanges.weight >= settings.suspect_weight:
        return False
    seen = dossier.ratios[Kind.TELEMETRY, "failed"].window(probes.since_unix_s)[0]
    return seen >= settings.contradict_events_min


def _do_both_say_so(seeing: Sequence[Sign], settings: Settings) -> bool:
    weights = [sign.weight for sign in seeing]
    return (
        len(weights) > 1
        and min(weights) >= settings.suspect_weight
        and sum(weights) >= settings.both_ratio
    )


def last_bad_unix_s(dossier: Dossier, verdict: Verdict, now_unix_s: float) -> float:
    """When the last event was that bears out the verdict."""
    if verdict is not Verdict.PROBLEM:
        return now_unix_s
    hot = [
        detector.state.last_bad_unix_s
        for (kind, _), detector in dossier.ratios.items()
        if detector.state.is_hot and dossier.is_living(kind, now_unix_s)
    ]
    return max(hot, default=now_unix_s)


def follow(
    episode: Episode | None,
    verdict: Verdict,
    signs: Sequence[Sign],
    at: tuple[float, float],
    settings: Settings,
) -> Episode | None:
    """The episode after this verdict; ``at``: now, and the last bad event (Unix seconds)."""
    now_unix_s, bad_unix_s = at
    if episode is None:
        if verdict is Verdict.NONE:
            return None
        episode = Episode(onset_unix_s=now_unix_s, verdict=Verdict.NONE)
    for sign in signs:
        if sign.verdict:
            episode.detected.setdefault(sign.kind.value, now_unix_s)
    if verdict > episode.verdict:
        _rise(episode, verdict, signs, now_unix_s)
    if verdict and verdict is episode.verdict:
        episode.last_bad_unix_s = max(episode.last_bad_unix_s, bad_unix_s)
        return episode
    return _fall(episode, verdict, now_unix_s, settings)


def _fall(
    episode: Episode, verdict: Verdict, now_unix_s: float, settings: Settings
) -> Episode | None:
    """Less than before is said once the hold is over."""
    is_problem = episode.verdict is Verdict.PROBLEM
    hold_s = settings.hold_s if is_problem else settings.possible_hold_s
    if now_unix_s - episode.last_bad_unix_s < hold_s:
        return episode
    if verdict is Verdict.NONE:
        return None
    episode.verdict, episode.last_bad_unix_s = verdict, now_unix_s
    return episode


def _rise(episode: Episode, verdict: Verdict, signs: Sequence[Sign], now_unix_s: float) -> None:
    since = {sign.kind: sign.since_unix_s for sign in signs if sign.verdict and sign.since_unix_s}
    # What people and pages say began at some other time: their score is seldom quite nothing.
    seen = [at_unix_s for kind, at_unix_s in since.items() if kind in SEEING]
    episode.onset_unix_s = min(seen or since.values(), default=episode.onset_unix_s)
    episode.verdict = verdict
    if verdict is Verdict.PROBLEM and not episode.confirmed_unix_s:
        episode.confirmed_unix_s = now_unix_s


def failing_ratio(
    dossier: Dossier, between: tuple[float, float], settings: Settings
) -> float | None:
    """Of its exchanges between two instants, or of its probes, too, where there are few.

    Once failover leads traffic away few come after the onset: the good ones of the same minute
    before it are left out, as soon as there are enough without them.
    """
    since_unix_s, now_unix_s = between
    telemetry = dossier.ratios[Kind.TELEMETRY, "failed"]
    own_unix_s = telemetry.onset_unix_s if telemetry.state.is_hot else since_unix_s
    seen, failed = telemetry.since(max(since_unix_s, own_unix_s))
    if dossier.is_living(Kind.TELEMETRY, now_unix_s) and seen >= settings.ratio_events_min:
        return failed / seen
    counts = [
        dossier.ratios[kind, "failed"].window(since_unix_s)
        for kind in SEEING
        if dossier.is_living(kind, now_unix_s)
    ]
    if len(counts) > 1 and counts[1][0] >= settings.ratio_events_min:
        counts = counts[1:]
    events = sum(seen for seen, _ in counts)
    return sum(bad for _, bad in counts) / events if events else None


def state_now(verdict: Verdict, ratio: float | None, settings: Settings) -> State:
    """By the failing ratio, where there is a problem."""
    if verdict is not Verdict.PROBLEM:
        return State.OPERATIONAL
    if ratio is None or ratio < settings.partial_ratio:
        return State.DEGRADED
    return State.MAJOR if ratio >= settings.major_ratio else State.PARTIAL


def state_held(episode: Episode, state: State, now_unix_s: float, settings: Settings) -> State:
    """Worse at once, better after hold_s."""
    is_worse = BADNESS.index(state) >= BADNESS.index(episode.state)
    if is_worse or now_unix_s - episode.state_unix_s >= settings.hold_s:
        episode.state, episode.state_unix_s = state, now_unix_s
    return episode.state


def amiss(dossier: Dossier, between: tuple[float, float], settings: Settings) -> Tally:
    """How many failed, were late or wrong between two instants: of exchanges, where there are any.

    Of probes where there are few.
    """
    since_unix_s, now_unix_s = between
    exchanges = _sum(dossier, Kind.TELEMETRY, since_unix_s)
    is_living = dossier.is_living(Kind.TELEMETRY, now_unix_s)
    if is_living and exchanges.events >= settings.ratio_events_min:
        return exchanges
    return _sum(dossier, Kind.PROBES, since_unix_s)


def _sum(dossier: Dossier, kind: Kind, since_unix_s: float) -> Tally:
    events = dossier.ratios[kind, "failed"].since(since_unix_s)[0]
    bad = sum(one.since(since_unix_s)[1] for (of, _), one in dossier.ratios.items() if of is kind)
    return Tally(events, min(events, bad))


def is_late(dossier: Dossier) -> bool:
    """Whether most of its failed probes lately took too long, or none has failed at all."""
    kinds = dossier.ratios[Kind.PROBES, "failed"].state.kinds
    return 2.0 * sum(kinds.get(name, 0.0) for name in LATE_KINDS) >= sum(kinds.values())


def is_connection(dossier: Dossier) -> bool:
    """Whether most of its failures lately are of connections and names."""
    kinds: dict[str, float] = {}
    for kind in SEEING:
        for name, number in dossier.ratios[kind, "failed"].state.kinds.items():
            kinds[name] = kinds.get(name, 0.0) + number
    of_connections = sum(kinds.get(name, 0.0) for name in CONNECTION_KINDS)
    return 2.0 * of_connections > sum(kinds.values())
