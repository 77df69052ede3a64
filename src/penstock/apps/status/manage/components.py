"""Components: how each is, who says so, and people's own word on it; one with its history."""

from typing import Final, cast

from starlette.responses import Response

from penstock.apps.status.api import components, verdicts
from penstock.apps.status.api.fields import ChosenState
from penstock.apps.status.api.verdicts import HistoryQuery
from penstock.apps.status.manage import showing
from penstock.apps.status.manage.view import Page, View, done
from penstock.web.endpoint import InvalidError, Role

LIST: Final = "/manage/components"
SHOWN: Final = 50  # changes of what the watch said


def list_page(view: View) -> str:
    """Return the list."""
    rows = components.list_components(view.call())
    return view.page("manage_components.html", title="Components", rows=rows, showing=showing)


def one_page(view: View) -> str:
    """Return one component, with what the watch said of it."""
    row = components.get_component(view.call())
    query = HistoryQuery(component=row.id, limit=SHOWN)
    past = verdicts.list_history(view.call(query=query)).items
    return view.page("manage_component.html", title=row.name, row=row, past=past, showing=showing)


def set_state(view: View) -> Response:
    """Say how a component is, or release it."""
    state = view.form.get("state", "")
    place = f"{LIST}/{view.path['id']}"

    def work() -> None:
        if state == showing.AS_IS:
            components.release_state(view.call())
            return
        if state not in dict(showing.CHOICES):
            raise InvalidError(f"{state!r} is no state", "state")
        components.put_state(view.call(components.NewState(cast("ChosenState", state))))

    told = f"It is shown as {showing.state(state)[1].lower()} until you release it."
    return done(view, work, place, told if state else "Released.", one_page)


def describe(view: View) -> Response:
    """Describe a component."""
    body = components.NewDescription(view.form.get("description", "")[:300])
    place = f"{LIST}/{view.path['id']}"
    return done(
        view, lambda: components.put_description(view.call(body)), place, "Saved.", one_page
    )


PAGES: Final = (
    Page(path=LIST, handler=list_page),
    Page(path=f"{LIST}/{{id}}", handler=one_page, marks=LIST),
    Page(
        path=f"{LIST}/{{id}}/state",
        handler=set_state,
        method="POST",
        role=Role.OPERATOR,
        marks=LIST,
    ),
    Page(
        path=f"{LIST}/{{id}}/description",
        handler=describe,
        method="POST",
        role=Role.OPERATOR,
        marks=LIST,
    ),
)
