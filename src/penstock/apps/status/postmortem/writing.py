"""A post-mortem as Markdown, as a page of its own, and as JSON.

The text is made from the record; what people have to write stands as an empty section with one
line that says what belongs there. Amounts and counts name their source where it is not this page.
Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

import penstock
from penstock.apps.status.naming import PROVIDERS
from penstock.apps.status.postmortem.facts import Impact, PostMortem
from penstock.apps.status.site import wording
from penstock.web import moments, quantities
from penstock.web.markdown import markdown as rendered
from penstock.web.page import render

NOT_YET: Final = "Not available yet: control has not answered. It is filled in as soon as it does."
WHO: Final = {"watch": "Watch", "page": "Our page", "people": "Operator", "provider": "Provider"}
TO_WRITE: Final = (
    ("Summary", "What happened, in two sentences that a customer understands."),
    ("Causes", "What broke, and why it could. Not what somebody should have done."),
    ("Contributing factors", "What made it more likely, worse or longer."),
    ("What went well", ""),
    ("What went badly", ""),
    ("Where we were lucky", ""),
)
ACTIONS: Final = ("Action", "Type (prevent, detect, mitigate, learn)", "Owner", "By")


def markdown(it: PostMortem) -> str:
    """Return the draft as Markdown."""
    return "\n".join(_lines(it)).strip() + "\n"


def page(it: PostMortem, text: str) -> str:
    """Return a post-mortem's text, as it is now, as a page that needs nothing else."""
    return render(
        "apps/status/postmortem.html",
        title=f"Post-mortem: {it.name}",
        it=it,
        lasted=wording.span(it.lasted_s),
        impact=wording.IMPACTS.get(it.impact_word, ("unknown", it.impact_word)),
        text=rendered(text.partition("\n")[2] if text.startswith("# ") else text),
        made=f"Drafted {moments.utc(it.made_unix_s)} by penstock {penstock.__version__}",
    )


def json(it: PostMortem, text: str) -> bytes:
    """Return the facts and the text as JSON."""
    return msgspec.json.format(msgspec.json.encode({"facts": it, "text": text}), indent=1)


def _lines(it: PostMortem) -> Iterator[str]:
    yield f"# Post-mortem: {it.name}"
    yield ""
    yield "Drafted from the record. Causes and lessons are for people to write."
    yield ""
    yield from _table(("", ""), _head(it))
    for title, hint in TO_WRITE[:1]:
        yield from _section(title, hint)
    yield from _section("What was affected")
    yield from _scope(it)
    yield from _section("What customers saw")
    yield from _customers(it.impact)
    yield from _section("How it was noticed")
    yield from _detection(it)
    yield from _section("What failover did")
    yield from _failover(it.impact)
    for title, hint in TO_WRITE[1:]:
        yield from _section(title, hint)
    yield from _section("Actions")
    yield from _table(ACTIONS, [("", "", "", "")])
    yield from _section("Timeline (UTC)")
    yield from _timeline(it)
    yield from _section("Record")
    yield from _record(it)


def _head(it: PostMortem) -> list[tuple[str, str]]:
    shape, impact = wording.IMPACTS.get(it.impact_word, ("", it.impact_word))
    del shape
    rows = [
        ("Incident", it.id),
        ("Impact", impact),
        ("Began", moments.utc(it.started_unix_s)),
        ("First post", f"{_utc(it.published_unix_s)}{_after(it.published_unix_s, it)}"),
        ("Cause known", f"{_utc(it.identified_unix_s)}{_after(it.identified_unix_s, it)}"),
        ("Over", f"{_utc(it.resolved_unix_s)}, after {wording.span(it.lasted_s)}"),
        ("Whose fault", _culprit(it)),
        ("Opened by", "the watch" if it.origin == "watch" else "people"),
    ]
    return [(name, words) for name, words in rows if words]


def _culprit(it: PostMortem) -> str:
    name = PROVIDERS.get(it.culprit_name, it.culprit_name)
    return name or wording.CULPRITS.get(it.culprit, it.culprit)


def _scope(it: PostMortem) -> Iterator[str]:
    rows = [
        (
            one.name,
            _state(one.worst),
            _clock(one.from_unix_s),
            _clock(one.to_unix_s),
            wording.span(one.outage_s) if one.outage_s else "none",
        )
        for one in it.scope
    ]
    yield from _table(("Component", "Worst state", "From", "To", "Time of outage"), rows)


def _state(word: str) -> str:
    state = wording.state_of(word)
    return wording.WORDS[state] if state is not None else word


def _customers(impact: Impact | None) -> Iterator[str]:
    if impact is None:
        yield NOT_YET
        return
    head = ("Tier", "Exchanges", "Served", "Failed", "Shed", "Minutes affected", "Credits due")
    yield from _table(
        head,
        [
            (
                one.tier,
                quantities.number(one.exchanges),
                quantities.number(one.served),
                quantities.number(one.failed),
                quantities.number(one.shed),
                str(one.affected_minutes),
                quantities.money(one.credits_microusd),
            )
            for one in impact.tiers
        ],
    )
    yield ""
    yield "Credits are those of the whole month so far, as the ledger has it."
    if impact.missing_exchanges:
        yield f"{impact.missing_exchanges} records could not be written and are in no figure."
    burnt = [one for one in impact.objectives if one.burnt_ratio is not None]
    if burnt:
        yield ""
        rows = [
            (one.objective, str(one.bad), str(one.total), quantities.share(one.burnt_ratio or 0.0))
            for one in burnt
        ]
        yield from _table(("Objective", "Bad", "All", "Of its error budget"), rows)


def _detection(it: PostMortem) -> Iterator[str]:
    rows = [
        (
            wording.DETECTORS.get(one.detector, one.detector),
            _clock(one.at_unix_s),
            wording.span(one.after_s),
            _lead(one.lead_s),
            one.words,
        )
        for one in it.detectors
    ]
    head = ("Who", "At", "After it began", "Before the provider's post", "What it saw")
    yield from _table(head, rows)
    yield ""
    if it.provider_posted_unix_s:
        words = f" ({it.provider_words})" if it.provider_words else ""
        yield f"The provider posted first at {_utc(it.provider_posted_unix_s)}{words}."
    else:
        yield "The provider has posted nothing that we could read."
    yield (
        f"User reports: {it.reports}, of networks: {it.report_networks}; "
        f"{it.probes_failed} of {it.probes} probes failed."
    )


def _failover(impact: Impact | None) -> Iterator[str]:
    if impact is None:
        yield NOT_YET
        return
    rows = [
        (
            one.tier,
            quantities.number(one.failovers),
            quantities.number(one.continued),
            quantities.number(one.substituted),
            quantities.number(one.shortened),
            quantities.money(one.credits_without_failover_microusd),
        )
        for one in impact.tiers
    ]
    head = (
        "Tier", "Exchanges that failed over", "Streams continued", "Answered by another model",
        "Shortened", "Credits without failover",
    )  # fmt: skip
    yield from _table(head, rows)
    if impact.substitutes:
        yield ""
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for one in impact.substitutes:  # control tells them by tier
            instead, served = sums.get((one.route, one.model), (0, 0))
            sums[one.route, one.model] = (instead + one.substituted, served + one.served)
        some = [(*key, str(instead), str(served)) for key, (instead, served) in sums.items()]
        yield from _table(("Route", "Answered by", "Instead of another", "Of its answers"), some)
    bad = [one for one in impact.attempts if one.outcome not in ("success", "ignored")]
    if bad:
        yield ""
        some = [(one.upstream, one.outcome, str(one.attempts)) for one in bad]
        yield from _table(("Upstream", "Attempts that ended as", "How many"), some)


def _timeline(it: PostMortem) -> Iterator[str]:
    rows = [
        (moments.utc(one.at_unix_s)[5:19], WHO.get(one.who, one.who), one.words)
        for one in it.timeline
    ]
    yield from _table(("At", "Who", "What"), rows)
    if it.timeline_left_out:
        yield ""
        yield f"{it.timeline_left_out} more changes of verdicts are left out."


def _record(it: PostMortem) -> Iterator[str]:
    sent = ", ".join(f"{count} by {kind}" for kind, count in sorted(it.messages.items()))
    yield f"- Messages sent: {sent or 'none'}"
    yield f"- Evidence: SHA-256 {it.evidence_sha256}"


def _section(title: str, hint: str = "") -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    if hint:
        yield f"> {hint}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    for row in rows:
        yield _row(row)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_cell(one) for one in cells) + " |"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "/")


def _utc(at_unix_s: float) -> str:
    return moments.utc(at_unix_s) if at_unix_s > 0 else ""


def _clock(at_unix_s: float) -> str:
    return moments.utc(at_unix_s)[11:19] if at_unix_s > 0 else ""


def _after(at_unix_s: float, it: PostMortem) -> str:
    """Return how long after the begin something was; nothing if it never was."""
    if at_unix_s <= 0:
        return ""
    return f", after {wording.span(max(0.0, at_unix_s - it.started_unix_s))}"


def _lead(lead_s: float | None) -> str:
    if lead_s is None:
        return "-"
    return wording.span(lead_s) if lead_s >= 0 else f"{wording.span(-lead_s)} later"
