"""The watch: evidence in, a verdict for each component out.

Evidence is kept until the next ``judge`` and then taken in order of its own time, so that neither
the order in which it came nor how often somebody judges changes what is found. An instant ahead of
``now`` counts as now. ``judge`` has these steps:

    evidence -> dossiers -> signs -> what they say alone -> what is shared, and what is dragged down
    -> episodes -> culprits

``learned`` is all that is remembered: baselines, scores, episodes, and what came since the last
``judge``. A watch that is begun with it says what this one would have said.

Pure: reads no clock. Owned by one loop; not thread-safe.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.watch import accounting, judging, together, words
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.case import Case
from penstock.watch.component import Component, State
from penstock.watch.culprit import Blame, Court, Finding
from penstock.watch.dossier import Dossier, Episode, Memory
from penstock.watch.evidence import Counts, Kind, Post, Probe, ProbeResult, Report, Silence
from penstock.watch.explaining import NO_SPILL, Spill, spill_of
from penstock.watch.settings import Settings

RESULTS: Final = {result: at for at, result in enumerate(ProbeResult)}  # any order, always the same
PENDING_MAX: Final = 50_000  # events between two judgements; more are taken at once, as they are
SPILL_EVERY_S: Final = 10.0  # how often the largest series is looked up
REPORT_AGE_MAX_S: Final = 600.0

STANDS_S: Final = 300.0  # for which a culprit is named until it outlasts the worst of an outage
WIDE: Final = frozenset({Culprit.SHARED, Culprit.PROVIDER})  # a tail of these looks like others
TAIL_RATIO: Final = 0.5  # of what failed: below it is the tail of an outage


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """All that a watch remembers; msgspec's JSON keeps it."""

    version: int = 1
    at_unix_s: float = 0.0
    memories: dict[str, Memory] = {}
    probes: tuple[Probe, ...] = ()
    counts: tuple[Counts, ...] = ()
    reports: tuple[Report, ...] = ()
    posts: tuple[Post, ...] = ()
    silences: tuple[Silence, ...] = ()


class Watch:
    """Detector of all components."""

    def __init__(
        self,
        components: Sequence[Component],
        settings: Settings | None = None,
        learned: Learned | None = None,
    ) -> None:
        self._settings = settings or Settings()
        kept = _copy(learned) if learned else Learned()
        self._now_unix_s = kept.at_unix_s
        self._components: dict[str, Component] = {}
        self._dossiers: dict[str, Dossier] = {}
        self._probes = list(kept.probes)
        self._counts = list(kept.counts)
        self._reports = list(kept.reports)
        self._posts = list(kept.posts)
        self._silences = list(kept.silences)
        self._spill: Spill = NO_SPILL
        self._memories = kept.memories
        self.use(components)

    def use(self, components: Sequence[Component]) -> None:
        """A changed list; who stays keeps what is known, who goes is forgotten."""
        self._components = {component.id: component for component in components}
        found: dict[str, Dossier] = {}
        for one in self._components:
            known = self._dossiers.get(one)
            memory = self._memories.pop(one, None) or Memory()
            found[one] = known or Dossier(one, self._settings, memory)
        self._dossiers = found
        self._memories = {}

    def on_probe(self, probe: Probe) -> None:
        """A probe ended."""
        self._probes.append(probe)
        self._bound()

    def on_counts(self, counts: Counts) -> None:
        """Telemetry of a span."""
        self._counts.append(counts)
        self._bound()

    def on_report(self, report: Report) -> None:
        """Somebody says that it fails."""
        self._reports.append(report)
        self._bound()

    def on_post(self, post: Post) -> None:
        """A provider's page was read, or could not be."""
        self._posts.append(post)
        self._bound()

    def on_silence(self, silence: Silence) -> None:
        """A source cannot be reached."""
        self._silences.append(silence)
        self._bound()

    def judge(self, now_unix_s: float) -> tuple[Assessment, ...]:
        """What is known now, of each component in the order of the list."""
        now_unix_s = self._now_unix_s = max(now_unix_s, self._now_unix_s)
        self._digest(now_unix_s)
        cases = {one: self._case(dossier, now_unix_s) for one, dossier in self._dossiers.items()}
        if any(case.verdict for case in cases.values()):
            together.share(cases, self._settings)
            together.drag(cases)
        for one, case in cases.items():
            memory = self._dossiers[one].memory
            if case.verdict or memory.episode:
                bad_unix_s = judging.last_bad_unix_s(self._dossiers[one], case.verdict, now_unix_s)
                at = (now_unix_s, bad_unix_s)
                memory.episode = judging.follow(
                    memory.episode, case.verdict, case.signs, at, self._settings
                )
            case.episode = memory.episode
        return self._assess(cases, now_unix_s)

    def learned(self) -> Learned:
        """All that is remembered, as a value of its own."""
        return _copy(
            Learned(
                at_unix_s=self._now_unix_s,
                memories={one: dossier.memory for one, dossier in self._dossiers.items()},
                probes=tuple(self._probes),
                counts=tuple(self._counts),
                reports=tuple(self._reports),
                posts=tuple(self._posts),
                silences=tuple(self._silences),
            )
        )

    def _bound(self) -> None:
        kept = len(self._probes) + len(self._counts) + len(self._reports) + len(self._posts)
        if kept + len(self._silences) > PENDING_MAX:
            self._digest(max(self._now_unix_s, *self._instants()))

    def _instants(self) -> list[float]:
        found = [one.at_unix_s for one in (*self._probes, *self._reports)]
        return [0.0, 0.0, *found, *(one.to_unix_s for one in self._counts)]

    def _digest(self, now_unix_s: float) -> None:
        self._digest_ratios(now_unix_s)
        for silence in sorted(self._silences, key=lambda one: one.at_unix_s):
            if silence.component in self._dossiers:
                self._dossiers[silence.component].on_silence(silence)
        for post in sorted(self._posts, key=lambda one: (one.at_unix_s, one.words)):
            if post.component in self._dossiers:
                self._dossiers[post.component].on_post(post)
        self._silences.clear()
        self._posts.clear()
        self._digest_reports(now_unix_s)

    def _digest_ratios(self, now_unix_s: float) -> None:
        for probe in sorted(self._probes, key=_probe_order):
            if probe.component in self._dossiers:
                at_unix_s = min(probe.at_unix_s, now_unix_s)
                self._dossiers[probe.component].on_probe(probe, at_unix_s)
        for counts in sorted(self._counts, key=_counts_order):
            if counts.component in self._dossiers:
                at_unix_s = min(counts.to_unix_s, now_unix_s)
                self._dossiers[counts.component].on_counts(counts, at_unix_s)
        self._probes.clear()
        self._counts.clear()

    def _digest_reports(self, now_unix_s: float) -> None:
        slot = -1.0
        for report in sorted(self._reports, key=_report_order):
            at_unix_s = min(report.at_unix_s, now_unix_s)
            dossier = self._dossiers.get(report.component)
            if dossier is None or at_unix_s < now_unix_s - REPORT_AGE_MAX_S:
                continue
            if at_unix_s // SPILL_EVERY_S != slot:
                slot = at_unix_s // SPILL_EVERY_S
                self._find_spill(at_unix_s)
            spilled = self._spill.on(report.component, self._settings)
            dossier.on_report(report, at_unix_s, spilled)
        self._reports.clear()
        self._find_spill(now_unix_s)
        for one, dossier in self._dossiers.items():
            dossier.ballot.advance(now_unix_s, self._spill.on(one, self._settings))

    def _find_spill(self, now_unix_s: float) -> None:
        self._spill = spill_of(
            {
                one: dossier.ballot.per_min(now_unix_s)
                for one, dossier in self._dossiers.items()
                if dossier.ballot.state.votes
            }
        )

    def _case(self, dossier: Dossier, now_unix_s: float) -> Case:
        settings = self._settings
        seen = [dossier.sign(kind, now_unix_s) for kind in judging.SEEING]
        is_living = not all(sign.is_silent for sign in seen)
        weight = max(sign.weight for sign in seen)
        episode = dossier.memory.episode
        reports = dossier.report_sign(
            now_unix_s,
            is_healthy=is_living and weight < settings.possible_ratio,
            may_learn=episode is None or episode.verdict is not Verdict.PROBLEM,
        )
        signs = (reports, *seen, dossier.page_sign(now_unix_s))
        ratio = None
        if is_living:
            since_unix_s = now_unix_s - settings.window_s
            if episode:
                since_unix_s = max(since_unix_s, episode.onset_unix_s)
            ratio = judging.failing_ratio(dossier, (since_unix_s, now_unix_s), settings)
        return Case(
            component=self._components[dossier.id],
            signs=signs,
            verdict=judging.verdict_of(
                signs,
                now_unix_s,
                settings,
                is_contradicted=judging.is_contradicted(dossier, seen[0], seen[1], settings),
            ),
            is_living=is_living,
            weight=weight,
            failing_ratio=ratio,
            is_connection=weight > 0.0 and judging.is_connection(dossier),
        )

    def _assess(self, cases: dict[str, Case], now_unix_s: float) -> tuple[Assessment, ...]:
        if not any(case.episode for case in cases.values()):
            return tuple(self._calm(case, now_unix_s) for case in cases.values())
        findings = {one: self._finding(case, now_unix_s) for one, case in cases.items()}
        court = Court(findings, self._settings, now_unix_s)
        return tuple(
            self._assessment(cases, one, court.blame(findings[one]), now_unix_s) for one in cases
        )

    def _calm(self, case: Case, now_unix_s: float) -> Assessment:
        reasons = case.reasons
        few = self._dossiers[case.component.id].ballot.few_networks() if case.is_living else ""
        if few:
            reasons = (*reasons, words.clients(few))
        return Assessment(
            component=case.component.id,
            at_unix_s=now_unix_s,
            state=State.OPERATIONAL if case.is_living else State.UNKNOWN,
            failing_ratio=case.failing_ratio,
            culprit=Culprit.CLIENT if few else Culprit.NOBODY,
            culprit_name=few,
            reasons=reasons,
            signs=case.signs,
        )

    def _finding(self, case: Case, now_unix_s: float) -> Finding:
        one, episode = case.component.id, case.episode
        dossier = self._dossiers[one]
        amiss, began_unix_s = accounting.NONE, 0.0
        if episode:
            since_unix_s = max(episode.onset_unix_s, now_unix_s - self._settings.window_s)
            amiss = judging.amiss(dossier, (since_unix_s, now_unix_s), self._settings)
            span_s = now_unix_s - since_unix_s
            earliest_unix_s = accounting.began_unix_s(episode.onset_unix_s, span_s, amiss)
            began_unix_s = episode.began_unix_s = max(episode.began_unix_s, earliest_unix_s)
        return Finding(
            component=case.component,
            verdict=case.told,
            weight=case.weight,
            onset_unix_s=episode.onset_unix_s if episode else 0.0,
            confirmed_unix_s=episode.confirmed_unix_s if episode else 0.0,
            began_unix_s=began_unix_s,
            amiss=amiss,
            probes=dossier.memory.probes,
            before=episode.before if episode else {},
            usual_ratio=dossier.ratios[Kind.PROBES, "failed"].usual_ratio,
            is_late=judging.is_late(dossier),
            is_living=case.is_living,
            is_shared=case.is_shared,
            is_page_only=case.is_page_only,
            is_connection=case.is_connection,
            is_seen=_is_seen(case, self._settings),
            few_networks=dossier.ballot.few_networks(),
            one_kind=dossier.ballot.one_kind() if episode else "",
        )

    def _assessment(
        self, cases: dict[str, Case], one: str, blame: tuple[Culprit, str], now_unix_s: float
    ) -> Assessment:
        case = cases[one]
        episode = case.episode
        if episode is None:
            return self._calm(case, now_unix_s)
        blame = _held(case, episode, blame, now_unix_s)
        state = judging.state_now(case.told, case.failing_ratio, self._settings)
        state = judging.state_held(episode, state, now_unix_s, self._settings)
        carried = together.carried_by(cases, one)
        gone_s = now_unix_s - episode.last_bad_unix_s
        reasons = list(case.reasons)
        if case.below:
            reasons.append(words.rests_on(case.below))
        if case.verdict < case.told:
            reasons.append(words.holding(gone_s, self._settings.hold_s))
        if carried:
            reasons.append(words.carried(carried))
        return Assessment(
            component=one,
            at_unix_s=now_unix_s,
            verdict=case.told,
            state=state if case.is_living or case.is_raised or case.below else State.UNKNOWN,
            failing_ratio=case.failing_ratio,
            culprit=blame[0],
            culprit_name=blame[1],
            reasons=tuple(reasons),
            signs=case.signs,
            onset_unix_s=episode.onset_unix_s,
            detected=dict(episode.detected),
            confirmed_unix_s=episode.confirmed_unix_s,
            carried_by=carried,
        )


def _held(case: Case, episode: Episode, blame: Blame, now_unix_s: float) -> Blame:
    """Return whose fault it is; what is left of an outage is not blamed on others.

    A tail shows less than the outage did, and less of what it was the fault of. So the culprit
    stays while the verdict is only held; and one that several rest on, which stood for
    ``STANDS_S``, also while fewer than ``TAIL_RATIO`` of those fail who did.
    """
    stands = (episode.culprit, episode.culprit_name)
    is_tail = (
        episode.culprit in WIDE
        and now_unix_s - episode.culprit_since_unix_s >= STANDS_S
        and case.failing_ratio is not None
        and case.failing_ratio < TAIL_RATIO * episode.culprit_ratio
    )
    if episode.culprit is not Culprit.NOBODY and (case.verdict < case.told or is_tail):
        return stands
    if blame != stands:
        episode.culprit, episode.culprit_name = blame
        episode.culprit_since_unix_s, episode.culprit_ratio = now_unix_s, 0.0
    episode.culprit_ratio = max(episode.culprit_ratio, case.failing_ratio or 0.0)
    return blame


def _is_seen(case: Case, settings: Settings) -> bool:
    """Probes or telemetry say so, or did in this episode."""
    if case.weight >= settings.possible_ratio or case.told is Verdict.PROBLEM:
        return True
    detected = case.episode.detected if case.episode else {}
    return any(kind.value in detected for kind in judging.SEEING)


def _probe_order(probe: Probe) -> tuple[float, int, str, str]:
    return probe.at_unix_s, RESULTS[probe.result], probe.how, probe.probe


def _counts_order(counts: Counts) -> tuple[float, float, int, int, int]:
    return counts.to_unix_s, counts.from_unix_s, counts.failed, counts.good, counts.slow


def _report_order(report: Report) -> tuple[float, str, str, str]:
    return report.at_unix_s, report.component, report.voter, report.network


def _copy(learned: Learned) -> Learned:
    return msgspec.json.decode(msgspec.json.encode(learned), type=Learned)
