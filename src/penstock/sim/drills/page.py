"""The report's page: from a result to the values of ``web/templates/drill.html``.

    penstock.web.page.render("drill.html", **page(result))

Pure: nothing is read or looked up.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from penstock.sim.drills import figures, moments, plots, shapes, verdict, words
from penstock.sim.drills.shapes import Arm, Counts, Result, Seen
from penstock.web import moments as clocks
from penstock.web.charts.dots import Dot, DotPlot, DotRow
from penstock.web.charts.drawing import Drawn
from penstock.web.quantities import seconds, sentence, share

FROM_S: Final = 1.0  # of the axis of who knew when
KNEW: Final = (  # field, word, colour, shape
    ("watch_s", "watch", "accent", "disc"),
    ("page_s", "status page", "accent", "ring"),
    ("people_s", "first user report", "partial", "triangle"),
    ("provider_s", "provider's own post", "ink", "square"),
)


class Sheet(NamedTuple):
    """What one tier saw."""

    name: str
    colour: str
    words: str
    plots: tuple[Drawn, ...]


class Counted(NamedTuple):
    """The counts of one tier, or of the chat, a line for each arm."""

    name: str
    colour: str
    rows: tuple[tuple[Arm, Counts], ...]


def page(result: Result) -> dict[str, Any]:
    """Return the values of the page."""
    seen = named(result.seen, lambda at_s, _: plots.clock(result.timetable, at_s))
    uncut = named(result.uncut, lambda _, number: f"{number}")
    return {
        "title": title(result),
        "lead": lead(result),
        "cut": cut(result),
        "is_dated": is_of_outage(result),
        "made": made(result),
        "result": result,
        "verdict": verdict.verdict(result),
        "few": verdict.FEW,
        "hero": plots.hero(result.timetable, result.arms),
        "sheets": sheets(result),
        "counted": counted(result.arms),
        "customer": counted(result.customer),
        "replayed": plots.replayed(result.timetable),
        "windows": windows(result),
        "answered": plots.answered(result.timetable, result.arms[-1]) if result.arms else None,
        "knew": knew(seen),
        "notable": notable(seen),
        "notable_uncut": notable(uncut),
        "uncut": knew(uncut, "When each was known, the whole outage"),
        "w": words,
    }


def title(result: Result) -> str:
    """Return which outage it was."""
    who = words.provider(result.outage.provider)
    if not who or not is_of_outage(result):
        return sentence(result.outage.title)
    return f"{who}, {words.day(result.timetable.windows[0].from_unix_s)}, replayed"


def lead(result: Result) -> str:
    """Return what was done, in a sentence."""
    calls = sum(
        figures.find(arm, "", place).calls for arm in result.arms for place in figures.PLACES
    )
    how = words.MODES.get(result.mode, result.mode)
    when = words.day(result.began_unix_s)
    arms = f" in {words.count(len(result.arms), 'arm')} side by side" if result.arms[1:] else ""
    what = f"{sentence(result.outage.title.rstrip('.'))}. "
    return (
        f"{what if is_of_outage(result) else ''}Played on {when} in "
        f"{seconds(result.took_s)}, {result.mode} ({how}): {calls:,} calls{arms}."
    )


def is_of_outage(result: Result) -> bool:
    """Return whether it happened once: blows to our own parts did not, nor what a gateway made."""
    return result.mode not in {shapes.CHAOS, shapes.LIVE} and moments.is_dated(result.timetable)


def cut(result: Result) -> str:
    """Return which part of the outage was played."""
    table = result.timetable
    if not is_of_outage(result):
        return f"{seconds(table.played_s)}, in real time."
    whole = f"{seconds(table.played_s)} of {seconds(table.true_s)}"
    if table.played_s >= table.true_s:
        return f"Played whole, {seconds(table.played_s)}."
    clocks_words = (
        "virtual time" if result.mode == shapes.SIMULATED else "real time, clocks never made faster"
    )
    return (
        f"{words.count(len(table.windows), 'window')}, {whole}: around the changes, in "
        f"{clocks_words}; the steady stretches between are left out. A dotted line marks a cut."
    )


def made(result: Result) -> str:
    """Return when and by what a report was made."""
    at = clocks.utc(result.began_unix_s)
    return (
        f"Drill {result.name}, {result.mode}, begun {at}, by Penstock {result.version}. "
        "All times are UTC. result.json beside this page has all figures."
    )


def sheets(result: Result) -> list[Sheet]:
    """Return what each tier saw at the API, and people at the chat."""
    found = [
        Sheet(words.tier(tier), f"tier-{tier}", told(result.arms, tier), _plots(result, tier))
        for tier in figures.tiers(result.arms)
    ]
    if any(figures.find(arm, "", "chat").calls for arm in result.arms):
        chat = _plots(result, "", "chat")
        found.append(Sheet("Chat", "", told(result.arms, "", "chat"), chat))
    return found


def told(arms: Sequence[Arm], tier: str, place: str = "api") -> str:
    """Return how a tier fared, the last arm first."""
    parts: list[str] = []
    for arm in reversed(arms):
        one = figures.find(arm, tier, place)
        if one.success_ratio is None:
            continue
        whose = words.ARMS.get(arm.name, arm.name)
        parts.append(f"{share(one.success_ratio)} {whose}")
        if arm is arms[-1]:
            parts[-1] += _mended(one)
    return sentence(f"complete: {'; '.join(parts)}.") if parts else "Nobody called."


def _mended(one: Counts) -> str:
    """Return what was done for it to be so."""
    done = [
        f"{number:,} {what}"
        for number, what in (
            (one.substituted, "answered by another provider"),
            (one.continued, "continued in mid-answer"),
        )
        if number
    ]
    return f" ({', '.join(done)})" if done else ""


def _plots(result: Result, tier: str, place: str = "api") -> tuple[Drawn, ...]:
    made = [
        plots.compared(look, result.timetable, result.arms, tier, place) for look in plots.LOOKS
    ]
    return tuple(one for one in made if one is not None)


def counted(arms: Sequence[Arm]) -> list[Counted]:
    """Return the counts of all tiers and of the chat."""
    groups = [(tier, "api") for tier in figures.tiers(arms)]
    if any(figures.find(arm, "", "chat").calls for arm in arms):
        groups.append(("", "chat"))
    return [
        Counted(
            words.tier(tier) if place == "api" else "Chat",
            f"tier-{tier}" if tier else "",
            tuple((arm, figures.find(arm, tier, place)) for arm in arms),
        )
        for tier, place in groups
    ]


def windows(result: Result) -> list[tuple[str, str, str]]:
    """Return each window: when it was, how long, and what changed."""
    is_dated = moments.is_dated(result.timetable)
    return [
        (
            clocks.utc(one.from_unix_s) if is_dated else plots.clock(result.timetable, one.from_s),
            seconds(one.to_s - one.from_s),
            sentence(words.plain("; ".join(one.changes))) or "Nothing",
        )
        for one in result.timetable.windows
    ]


def named(seen: Sequence[Seen], when: Callable[[float, int], str]) -> list[Seen]:
    """Return components that failed several times with a name for each time."""
    times = Counter(one.component for one in seen)
    number: Counter[str] = Counter()
    made: list[Seen] = []
    for one in seen:
        number[one.component] += 1
        name = one.name or one.component
        if times[one.component] > 1 and one.failed_at_s is not None:
            name = f"{name}, {when(one.failed_at_s, number[one.component])}"
        made.append(msgspec.structs.replace(one, name=name))
    return made


def notable(seen: Sequence[Seen]) -> tuple[list[Seen], int]:
    """Return what failed or was wrongly told, and of how many others nothing is to be said."""
    told = [one for one in seen if one.failed_at_s is not None or one.is_right is False]
    return told, len(seen) - len(told)


def knew(seen: Sequence[Seen], name: str = "When each was known") -> Drawn | None:
    """Return who knew when, a row for each component that failed; None if none did."""
    rows = [
        DotRow(
            one.name,
            tuple(
                Dot(max(FROM_S, value), words.after(value), colour, shape, word)
                for field, word, colour, shape in KNEW
                if (value := getattr(one, field)) is not None
            ),
        )
        for one in seen
        if one.failed_at_s is not None
    ]
    if not any(row.dots for row in rows):
        return None
    note = "after it began to fail; a logarithmic axis"
    return DotPlot(name, note, rows).figure()
