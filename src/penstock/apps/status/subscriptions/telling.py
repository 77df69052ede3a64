"""What people are told, in words: pure, from the view that the page is rendered from.

    an incident   its newest word and its name; what was said last; which components are how; since
                  when, or for how long it lasted; what was said before; where to look
    a component   how it was, and how it is
    a question    whether this address wants to be told, and what happens if nobody answers

The same words as the page's. An address is in no text.
"""

from typing import Final

from penstock.apps.status.site import statuspage
from penstock.apps.status.view import ComponentView, IncidentView, UpdateView, View
from penstock.notify.message import Message
from penstock.watch.component import State
from penstock.web.moments import utc
from penstock.web.quantities import seconds

BEFORE_MAX: Final = 20  # earlier updates in one message; the page has all of them
BODY_MAX: Final = 4000  # characters of one update
WORDS: Final = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Post-mortem",
    "scheduled": "Planned",
    "in_progress": "In progress",
    "verifying": "Verifying",
    "completed": "Completed",
}
STATES: Final = {
    State.OPERATIONAL.value: "works",
    State.DEGRADED.value: "is degraded",
    State.PARTIAL.value: "fails for some",
    State.MAJOR.value: "fails",
    State.MAINTENANCE.value: "is under maintenance",
}
SEVERITIES: Final = {"critical": "page", "major": "page", "minor": "ticket"}
OVER: Final = ("resolved", "postmortem", "completed")
CONFIRM_WORDS: Final = "Confirm"
MANAGE_WORDS: Final = "Change or end this subscription"
PAGE_WORDS: Final = "Open the status page"


def incident(view: View, one: IncidentView, id_: str, now_unix_s: float) -> Message:
    """Return what is told of an incident, or of a maintenance, as it stands."""
    newest, *before = one.updates
    is_over = one.status in OVER
    lines = [newest.body[:BODY_MAX], _parts(view, one), _times(one)]
    if before:
        lines.append("Before:")
        lines += [_earlier(each) for each in before[:BEFORE_MAX]]
    return Message(
        id=id_,
        kind="resolved" if is_over else "opened",
        severity=SEVERITIES.get(statuspage.impact(one), ""),
        title=f"{view.name}: {_word(newest.status)}: {one.name}",
        lines=tuple(line for line in lines if line),
        link=statuspage.link(view, one),
        at_unix_s=newest.display_unix_s or newest.created_unix_s or now_unix_s,
    )


def component(
    view: View, one: ComponentView, change: tuple[str, str], id_: str, at_unix_s: float
) -> Message:
    """Return what is told of a component's change."""
    old, new = change
    is_over = new == State.OPERATIONAL.value
    now = "works again" if is_over else STATES.get(new, new)
    return Message(
        id=id_,
        kind="resolved" if is_over else "opened",
        severity="page" if new == State.MAJOR.value else "ticket",
        title=f"{view.name}: {one.name} {now}",
        lines=(f"Since {utc(at_unix_s)}. Before, it {_was(old)}.",),
        link=view.url,
        at_unix_s=at_unix_s,
    )


def confirming(name: str, link: str, id_: str, now_unix_s: float) -> Message:
    """Return the question whether somebody wants to be told."""
    return Message(
        id=id_,
        kind="confirm",
        severity="",
        title=f"Do you want news of {name}'s status here?",
        lines=(
            f"Somebody asked {name} to send news of its status to this address.",
            "If that was you, open the link and press the button. It works for two days.",
            "If not, do nothing: nothing else will be sent.",
        ),
        link=link,
        at_unix_s=now_unix_s,
    )


def known(name: str, link: str, id_: str, now_unix_s: float) -> Message:
    """Return what somebody is told who asks again."""
    return Message(
        id=id_,
        kind="known",
        severity="",
        title=f"You get news of {name}'s status already",
        lines=(
            f"Somebody asked {name} again to send news of its status to this address.",
            "Nothing has changed. By the link you choose the components, or end it.",
        ),
        link=link,
        at_unix_s=now_unix_s,
    )


def _parts(view: View, one: IncidentView) -> str:
    by_id = {each.id: each for each in view.components}
    found = [by_id[id_] for id_ in one.components if id_ in by_id]
    if not found:
        return ""
    told = [f"{each.name} {STATES.get(each.state.value, 'is not known')}" for each in found]
    return f"Now: {', '.join(told)}."


def _times(one: IncidentView) -> str:
    if one.is_maintenance:
        until = one.scheduled_until_unix_s
        return f"From {utc(one.scheduled_for_unix_s)}" + (f" to {utc(until)}." if until else ".")
    began_unix_s = one.started_unix_s or one.created_unix_s
    if one.resolved_unix_s:
        lasted = seconds(max(0.0, one.resolved_unix_s - began_unix_s))
        return f"It began at {utc(began_unix_s)} and was over after {lasted}."
    return f"It began at {utc(began_unix_s)}."


def _earlier(one: UpdateView) -> str:
    at_unix_s = one.display_unix_s or one.created_unix_s
    return f"{utc(at_unix_s)}, {_word(one.status)}: {one.body[:BODY_MAX]}"


def _word(status: str) -> str:
    return WORDS.get(status, status.replace("_", " ").capitalize())


def _was(state: str) -> str:
    words = STATES.get(state, "was not known")
    return {"works": "worked", "fails": "failed", "fails for some": "failed for some"}.get(
        words, words.replace("is ", "was ", 1)
    )
