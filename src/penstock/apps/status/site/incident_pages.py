"""One page an incident: scope, timeline, evidence with the detection marks, post-mortem.

A page is kept by all that it shows, PAGES_MAX of them: of hundreds of incidents only those that
changed are rendered. So a page of an incident that is over holds nothing that changes by itself:
its times are absolute, and what it says last is when the incident changed.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.apps.status.naming import PROVIDERS
from penstock.apps.status.site import incident_rows, wording
from penstock.apps.status.site.files import File
from penstock.apps.status.site.shell import Shell, page
from penstock.apps.status.view import Detection, Evidence, IncidentView, View
from penstock.web.charts import over_time
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.over_time import Band, Look, Mark, Series, Span
from penstock.web.markdown import markdown, plain
from penstock.web.quantities import number, share

PAGES_MAX: Final = 2048  # several years of a busy service; 40 kB each at worst
INTERVALS_MAX: Final = 120  # of a chart; more are put together
HEIGHT: Final = 150

Names = tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """One update as it is shown."""

    shape: str
    at_unix_s: float
    status: str
    words: Drawn
    changes: Sequence[tuple[str, str, str, str]]  # component, from in words, shape, to in words


class Part(NamedTuple):
    """One component of an incident's scope."""

    id: str  # empty: it is no longer shown
    name: str
    shape: str
    word: str


class Noticed(NamedTuple):
    """One detector's row."""

    who: str
    one: Detection
    lead: str


def files(view: View, shell: Shell) -> dict[str, File]:
    """Return the pages of all incidents and maintenance, by path."""
    names = {one.id: one.name for one in view.components if not one.is_group}
    found: dict[str, File] = {}
    for one in (*view.incidents, *view.maintenances):
        parts = {*one.components, *(part.code for said in one.updates for part in said.affected)}
        known = tuple(sorted((name, names[name]) for name in parts if name in names))
        now_unix_s = view.rendered_unix_s if one.is_open else 0.0
        found[f"/incidents/{one.id}"] = _page(shell, one, known, now_unix_s)
    return found


@functools.lru_cache(maxsize=PAGES_MAX)
def _page(shell: Shell, one: IncidentView, known: Names, now_unix_s: float) -> File:
    names = dict(known)
    shape, words = wording.impact(one)
    return page(
        "incident",
        shell,
        "",
        one=one,
        now_unix_s=now_unix_s,
        shape_name=shape,
        impact=words,
        status=wording.status(one.status),
        times=incident_rows.times(one),
        parts_touched=scope(one, names),
        updates=updates(one, names),
        noticed=[
            Noticed(wording.DETECTORS.get(seen.detector, seen.detector), seen, lead_words(seen))
            for seen in sorted(one.detections, key=lambda seen: seen.at_unix_s)
        ],
        lead=lead(one),
        culprit=culprit(one),
        charts=charts(one, one.evidence) if one.evidence is not None else (),
        postmortem=markdown(one.postmortem) if one.postmortem else "",
        safe_link=one.provider_link.startswith(("https://", "http://")),
        when=wording.when,
    )


def scope(one: IncidentView, names: Mapping[str, str]) -> list[Part]:
    """Return what is touched, each in the state that was said of it last."""
    states: dict[str, tuple[str, str]] = {}
    for said in reversed(one.updates):
        for part in said.affected:
            states[part.code] = (part.name, part.new_status)
    for name in one.components:
        states.setdefault(name, (names.get(name, ""), ""))
    found: list[Part] = []
    for code, (said_name, word) in states.items():
        name = names.get(code, said_name)
        if name:
            state = wording.state_of(word)
            shape = wording.SHAPES[state] if state is not None else "unknown"
            told = wording.WORDS[state] if state is not None else ""
            found.append(Part(code if code in names else "", name, shape, told))
    return found


def updates(one: IncidentView, names: Mapping[str, str]) -> list[Told]:
    """Return the timeline, the newest first."""
    shape, _ = wording.impact(one)
    found: list[Told] = []
    for said in one.updates:
        is_over = said.status in wording.OVER
        changes = [
            (names.get(part.code, part.name), _word(part.old_status), *_state(part.new_status))
            for part in said.affected
            if part.old_status != part.new_status
        ]
        at_unix_s = said.display_unix_s or said.created_unix_s
        told = wording.status(said.status)
        found.append(Told("good" if is_over else shape, at_unix_s, told, plain(said.body), changes))
    return found


def _word(word: str) -> str:
    state = wording.state_of(word)
    return wording.WORDS[state] if state is not None else word.replace("_", " ")


def _state(word: str) -> tuple[str, str]:
    state = wording.state_of(word)
    return (wording.SHAPES[state] if state is not None else "unknown", _word(word))


def lead_words(seen: Detection) -> str:
    """Return how long before the provider's own post somebody noticed."""
    if seen.lead_s is None:
        return ""
    if abs(seen.lead_s) < wording.MINUTE_S:
        return "at the same time"
    return f"{wording.span(abs(seen.lead_s))} {'earlier' if seen.lead_s > 0 else 'later'}"


def lead(one: IncidentView) -> str:
    """Return the best lead over the provider's own post in a sentence; empty if there is none."""
    leads = [
        (seen.lead_s, seen.detector)
        for seen in one.detections
        if seen.lead_s is not None and seen.detector != "page"
    ]
    if not leads:
        return ""
    best_s, who = max(leads)
    provider = _provider(one) or "the provider"
    name = wording.DETECTORS.get(who, who)
    if best_s < wording.MINUTE_S:
        return f"Nobody here noticed before {provider} posted on its own page."
    return f"{name} noticed {wording.span(best_s)} before {provider} posted on its own page."


def culprit(one: IncidentView) -> str:
    """Return whose fault it is, in words; empty if nothing is said of it."""
    if one.culprit in ("provider", "model"):
        return _provider(one) or one.culprit.capitalize()
    return wording.CULPRITS.get(one.culprit, "")


def _provider(one: IncidentView) -> str:
    """Return the culprit's name as it is written: Anthropic, a model's id; empty if not known."""
    return PROVIDERS.get(one.culprit_name, one.culprit_name)


def charts(one: IncidentView, evidence: Evidence) -> list[Drawn]:
    """Return the three small charts: reports, probes, traffic; who noticed when is marked."""
    end_s = one.resolved_unix_s or evidence.from_unix_s + evidence.grain_s * max(
        len(evidence.reports),
        len(evidence.probes_failed_ratio),
        len(evidence.exchanges_failed_ratio),
    )
    bands = [Band(one.started_unix_s, end_s, "", "bad")] if one.started_unix_s else []
    found: list[Drawn] = []
    for detector, title, note, values in (
        ("reports", "User reports", "people", evidence.reports),
        ("probes", "Probes", "share that failed", evidence.probes_failed_ratio),
        ("telemetry", "Traffic", "share of exchanges that failed", evidence.exchanges_failed_ratio),
    ):
        if any(value is not None for value in values):
            is_count = detector == "reports"
            span, kept = together(evidence, values, is_sum=is_count)
            look = Look(
                title,
                f"{note}, by {wording.span(span.step_s)}",
                number if is_count else share,
                HEIGHT,
                is_named=False,
                top=4.0 if is_count else 1.0,
            )
            series = [Series(title, "series-1", kept)]
            found.append(over_time.lines(look, span, series, bands, _marks(one, detector)))
    return found


def together(
    evidence: Evidence, values: Sequence[float | None], *, is_sum: bool
) -> tuple[Span, list[float | None]]:
    """Return values of fewer intervals: sums of counts, means of what is known of shares."""
    size = -(-len(values) // INTERVALS_MAX)
    found: list[float | None] = []
    for at in range(0, len(values), size):
        known = [value for value in values[at : at + size] if value is not None]
        total = sum(known)
        found.append((total if is_sum else total / len(known)) if known else None)
    return Span(evidence.from_unix_s, evidence.grain_s * size, len(found)), found


def _marks(one: IncidentView, detector: str) -> list[Mark]:
    found = [
        Mark(seen.at_unix_s, f"noticed {wording.clock(seen.at_unix_s)}")
        for seen in one.detections
        if seen.detector == detector
    ][:1]
    if one.provider_posted_unix_s:
        who = _provider(one) or "provider"
        words = f"{who} posted {wording.clock(one.provider_posted_unix_s)}"
        found.append(Mark(one.provider_posted_unix_s, words))
    return found
