"""Incidents: the list, one with its forms, a new one; and post-mortems."""

from collections.abc import Callable
from typing import Final, Literal, cast

from starlette.responses import Response

from penstock.apps.status.api import components, incidents, postmortems
from penstock.apps.status.api.fields import ChosenState, Impact
from penstock.apps.status.api.incident_bodies import (
    Change,
    IncidentsQuery,
    NewIncident,
    NewUpdate,
    Open,
    Resolution,
)
from penstock.apps.status.call import Call
from penstock.apps.status.manage import showing
from penstock.apps.status.manage.view import Page, View, done, see_other
from penstock.web import http
from penstock.web.endpoint import InvalidError, Role

LIST: Final = "/manage/incidents"
STEPS: Final[dict[str, tuple[Callable[[Call], object], str]]] = {
    "publish": (incidents.publish, "Published."),
    "take-over": (incidents.take_over, "It is in your hands: the watch only proposes now."),
    "hand-back": (incidents.hand_back, "The watch posts its updates again."),
}
Status = Literal["investigating", "identified", "monitoring", "resolved"]


def list_page(view: View) -> str:
    """Return the list."""
    found = incidents.list_incidents(view.call(query=IncidentsQuery(limit=200)))
    return view.page("manage_incidents.html", title="Incidents", found=found, showing=showing)


def one_page(view: View) -> str:
    """Return one incident, with what can be done about it."""
    one = incidents.get_incident(view.call())
    rows = components.list_components(view.call())
    touched = {part.component: part.state for part in one.components if not part.to_unix_s}
    return view.page(
        "manage_incident.html",
        title=one.name,
        one=one,
        is_over=one.status in ("resolved", "postmortem"),
        rows=rows,
        touched=touched,
        showing=showing,
    )


def new_page(view: View) -> str:
    """Return the form of a new incident."""
    rows = components.list_components(view.call())
    return view.page("manage_incident_new.html", title="New incident", rows=rows, showing=showing)


def make(view: View) -> Response:
    """Open an incident."""
    form = view.form
    try:
        body = NewIncident(
            name=form.get("name", ""),
            body=form.get("body", ""),
            status=cast("Open", _one_of("status", form.get("status", ""), showing.STATUSES)),
            components=cast("dict[str, ChosenState]", _states(view)),
            impact_override=cast(
                "Impact", _one_of("impact", form.get("impact", ""), showing.IMPACTS)
            ),
            is_draft="draft" in form,
            is_delivered="delivered" in form,
        )
        made = incidents.open_incident(view.call(body))
    except InvalidError as error:
        refused = error

        def fail() -> None:
            raise refused

        return done(view, fail, LIST, "", new_page)
    told = "Drafted; nobody is told yet." if made.is_draft else "Published."
    return see_other(f"{LIST}/{made.id}", told)


def update(view: View) -> Response:
    """Post an update."""
    form = view.form

    def work() -> None:
        statuses = (*showing.STATUSES, ("resolved", "Resolved"))
        chosen = _states(view) if "changes" in form else None
        body = NewUpdate(
            body=form.get("body", ""),
            status=cast("Status", _one_of("status", form.get("status", ""), statuses)),
            components=cast("dict[str, ChosenState] | None", chosen),
            is_delivered="delivered" in form,
        )
        incidents.post_update(view.call(body))

    return done(view, work, _place(view), "The update is posted.", one_page)


def resolve(view: View) -> Response:
    """Resolve an incident."""
    body = Resolution(body=view.form.get("body", ""))
    return done(
        view, lambda: incidents.resolve(view.call(body)), _place(view), "Resolved.", one_page
    )


def amend(view: View) -> Response:
    """Change name and impact."""
    form = view.form

    def work() -> None:
        impact = _one_of("impact", form.get("impact", ""), showing.IMPACTS)
        change = Change(name=form.get("name", ""), impact_override=cast("Impact", impact))
        incidents.change_incident(view.call(change))

    return done(view, work, _place(view), "Changed.", one_page)


def step(view: View) -> Response:
    """Publish, take over or hand back."""
    work, told = STEPS[view.form.get("step", "")] if view.form.get("step") in STEPS else _unknown()
    return done(view, lambda: work(view.call()), _place(view), told, one_page)


def ask_to_discard(view: View) -> str:
    """Return the question before a draft is removed."""
    one = incidents.get_incident(view.call())
    return view.page(
        "manage_confirm.html",
        title=f"Discard {one.name}?",
        words="The draft is removed. Nobody was told of it, and nobody will be.",
        action=f"{_place(view)}/discard",
        verb="Discard the draft",
        back=_place(view),
    )


def discard(view: View) -> Response:
    """Remove a draft."""
    return done(
        view, lambda: incidents.discard(view.call()), "/manage", "The draft is discarded.", one_page
    )


def postmortem_page(view: View) -> str:
    """Return the text of a post-mortem, and what can be done with it."""
    text = postmortems.get_text(view.call())
    return view.page("manage_postmortem.html", title=f"Post-mortem: {text.name}", text=text)


def write(view: View) -> Response:
    """Write the text, and publish it if asked."""
    is_publishing = "publish" in view.form

    def work() -> None:
        given = view.form.get("text", "").replace("\r\n", "\n")
        postmortems.put_text(view.call(postmortems.NewText(given)))
        if is_publishing:
            postmortems.publish(view.call())

    told = "The post-mortem is published." if is_publishing else "Saved."
    return done(view, work, f"{_place(view)}/post-mortem", told, postmortem_page)


def document(view: View) -> Response:
    """Return a post-mortem as a page of its own."""
    return http.file(postmortems.get_page(view.call()))


def _place(view: View) -> str:
    return f"{LIST}/{view.path['id']}"


def _states(view: View) -> dict[str, str]:
    found = showing.states(view.form)
    allowed = dict(showing.CHOICES)
    for component, state in found.items():
        if state not in allowed:
            raise InvalidError(f"{state!r} is no state", f"{showing.PREFIX}{component}")
    return found


def _one_of(name: str, value: str, among: tuple[tuple[str, str], ...]) -> str:
    if value not in dict(among):
        raise InvalidError(f"{value!r} is none of those that are there", name)
    return value


def _unknown() -> tuple[Callable[[Call], object], str]:
    raise InvalidError("the form names no step", "step")


PAGES: Final = (
    Page(path=LIST, handler=list_page),
    Page(path=f"{LIST}/new", handler=new_page, role=Role.OPERATOR, marks=LIST),
    Page(path=f"{LIST}/new", handler=make, method="POST", role=Role.OPERATOR, marks=LIST),
    Page(path=f"{LIST}/{{id}}", handler=one_page, marks=LIST),
    *(
        Page(
            path=f"{LIST}/{{id}}/{name}",
            handler=handler,
            method="POST",
            role=Role.OPERATOR,
            marks=LIST,
        )
        for name, handler in (
            ("update", update),
            ("resolve", resolve),
            ("amend", amend),
            ("step", step),
            ("discard", discard),
            ("post-mortem", write),
        )
    ),
    Page(path=f"{LIST}/{{id}}/discard", handler=ask_to_discard, role=Role.OPERATOR, marks=LIST),
    Page(path=f"{LIST}/{{id}}/post-mortem", handler=postmortem_page, marks=LIST),
    Page(path=f"{LIST}/{{id}}/post-mortem.html", handler=document, marks=LIST),
)
