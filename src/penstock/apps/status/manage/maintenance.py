"""Maintenance: what is planned, with its steps; and a form that announces one."""

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from penstock.apps.status.api import components, maintenances
from penstock.apps.status.api.maintenances import MaintenancesQuery, NewMaintenance
from penstock.apps.status.call import Call
from penstock.apps.status.manage import showing
from penstock.apps.status.manage.view import Page, View, done
from penstock.web.endpoint import InvalidError, Role

LIST: Final = "/manage/maintenance"
HOUR_S: Final = 3600.0
FIELD: Final = "component-"
STEPS: Final[dict[str, tuple[Callable[[Call], object], str]]] = {
    "start": (maintenances.start, "It has begun."),
    "finish": (maintenances.finish, "It is over."),
    "cancel": (maintenances.cancel, "It is cancelled."),
}


def list_page(view: View) -> str:
    """Return what is planned, and the form."""
    found = maintenances.list_maintenances(view.call(query=MaintenancesQuery(limit=100)))
    next_hour_s = (view.now_unix_s // HOUR_S + 1) * HOUR_S
    return view.page(
        "manage_maintenance.html",
        title="Maintenance",
        opened=[one for one in found if one.status != "completed"],
        over=[one for one in found if one.status == "completed"],
        rows=components.list_components(view.call()),
        suggested=(showing.field_of(next_hour_s), showing.field_of(next_hour_s + HOUR_S)),
        showing=showing,
    )


def make(view: View) -> Response:
    """Announce a maintenance."""
    form = view.form

    def work() -> None:
        body = NewMaintenance(
            name=form.get("name", ""),
            body=form.get("body", ""),
            components=[name.removeprefix(FIELD) for name in form if name.startswith(FIELD)],
            from_unix_s=showing.instant(form.get("from", ""), "from"),
            until_unix_s=showing.instant(form.get("until", ""), "until"),
            begins_itself="itself" in form,
            ends_itself="itself" in form,
            is_delivered="delivered" in form,
        )
        maintenances.schedule(view.call(body))

    return done(view, work, LIST, "The maintenance is announced.", list_page)


def step(view: View) -> Response:
    """Begin, end or cancel a maintenance."""
    found = STEPS.get(view.form.get("step", ""))
    if found is None:
        raise InvalidError("the form names no step", "step")
    work, told = found
    return done(view, lambda: work(view.call()), LIST, told, list_page)


PAGES: Final = (
    Page(path=LIST, handler=list_page),
    Page(path=LIST, handler=make, method="POST", role=Role.OPERATOR),
    Page(path=f"{LIST}/{{id}}", handler=step, method="POST", role=Role.OPERATOR, marks=LIST),
)
