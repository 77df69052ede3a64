"""Live drills: what is on, the button that stops it, and the form that begins one.

    /live-drills         the page; while one is on, the red button stands above everything
    /live-drills/now     its figures, which the page fetches again every two seconds
    POST /live-drills    begins one; what is wrong is told beside its field
    POST /live-drills/stop   stops it, whoever has begun it

State: work while it is on, degraded if it was stopped by itself, bad if a worker has refused it,
unknown if none was seen.
"""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from penstock.apps.control.alerting import configured
from penstock.apps.control.api import live_drills as api
from penstock.apps.control.api.live_drills import MINUTES, MINUTES_MAX, RADIUS, DrillNow, NewDrill
from penstock.apps.control.console import fields
from penstock.apps.control.console.fields import Fields
from penstock.apps.control.console.view import Page, View, see_other
from penstock.core.errors import PenstockError
from penstock.core.fault import FaultKind
from penstock.core.live_faults import ACTIONS
from penstock.snapshot.live_drill import AIMS, ON, OVER, PLAIN_AIMS, REFUSED, STOPPED, Told, reason
from penstock.web import serving
from penstock.web.endpoint import InvalidError, Role
from penstock.web.quantities import number, share

PATH: Final = "/live-drills"
MINUTE_S: Final = 60.0
SAID_STATUS: Final = (403, 409, 422)
KINDS: Final = {
    FaultKind.HTTP_529: "529: overloaded",
    FaultKind.HTTP_503: "503: unavailable",
    FaultKind.HTTP_5XX: "500, 502 or 503",
    FaultKind.HTTP_500: "500: its own error",
    FaultKind.HTTP_502: "502: bad gateway",
    FaultKind.HTTP_504: "504: too late",
    FaultKind.HTTP_429: "429: over our limit there",
    FaultKind.HTTP_401: "401: our key refused",
    FaultKind.HTTP_403: "403: our account refused",
    FaultKind.RESET: "the connection dies before an answer",
    FaultKind.HANG: "silence, then an answer",
    FaultKind.SLOW_TTFT: "a slow first token",
    FaultKind.STALL: "silence in mid-stream, then it goes on",
    FaultKind.STREAM_CUT: "the stream breaks off",
}
PLACES: Final = {
    "body.faults": "kind", "body.reason": "reason", "body.blast_radius_ratio": "radius",
}  # fmt: skip
STATES: Final = {ON: "work", OVER: "good", STOPPED: "degraded", REFUSED: "bad"}
AT_FIRST: Final = {
    "kind": FaultKind.HTTP_529.value,
    "share": "100",
    "radius": f"{RADIUS * 100:g}",
    "minutes": f"{MINUTES:g}",
    "delay_s": "5",
    **{f"tier_{word}": "1" for word in PLAIN_AIMS},
}


def live_drills(view: View) -> str:
    """Return the page."""
    return _page(view, dict(AT_FIRST), {})


def now(view: View) -> str:
    """Return what changes while a drill is on."""
    return view.page("live_drills_now.html", **_now(view, api.show(view.call())))


def begin(view: View) -> Response:
    """Begin a drill; a form that will not do comes back with what is wrong."""
    form = Fields(view.form)
    errors = form.errors
    try:
        body = _body(form)
        made = api.begin(view.call(body)) if body is not None else None
    except PenstockError as error:
        if error.status not in SAID_STATUS:
            raise
        made, errors = None, fields.errors_of(error, PLACES)
    if made is not None and made.drill is not None:
        return see_other(PATH, f"{made.drill.id} is on. The red button stops it.")
    return serving.page(_page(view, dict(view.form), errors), InvalidError.status)


def stop(view: View) -> Response:
    """Stop what is on."""
    api.stop(view.call())
    return see_other(PATH, "Stopped: nothing is struck from now on.")


def _page(view: View, values: dict[str, str], errors: dict[str, str]) -> str:
    found = api.show(view.call())
    upstreams = [one.name for one in configured(view.parts.publisher).upstreams]
    return view.page(
        "live_drills.html",
        title="Live drills",
        may_act=view.actor.role >= Role.OPERATOR,
        kinds=[(kind.value, words) for kind, words in KINDS.items() if kind in ACTIONS],
        upstreams=[("*", "all of them"), *upstreams],
        aims=AIMS,
        values=values,
        errors=errors,
        minutes_max=f"{MINUTES_MAX:g}",
        **_now(view, found),
    )


def _now(view: View, found: DrillNow) -> dict[str, object]:
    drill = found.drill
    workers = [one for one in found.workers if drill is None or one.drill == drill.id]
    latest = max((one.changed_unix_s for one in workers), default=0.0)
    shown = drill.id if drill is not None else _last(workers, latest)
    workers = [one for one in workers if one.drill == shown]
    return {
        "found": found,
        "drill": drill,
        "left_minutes": (drill.ends_unix_s - view.now_unix_s) / MINUTE_S if drill else 0.0,
        "headline": _headline(found, workers),
        "figures": _figures(workers),
        "workers": [(one, STATES.get(one.state, "unknown")) for one in workers],
    }


def _last(workers: Sequence[Told], latest_unix_s: float) -> str:
    return next((one.drill for one in workers if one.changed_unix_s == latest_unix_s), "")


def _headline(found: DrillNow, workers: Sequence[Told]) -> tuple[str, str, str]:
    """Return state, the answer, and what is behind it."""
    drill = found.drill
    why = reason(workers)
    is_struck = any(one.state == ON for one in workers)
    if drill is not None and any(one.state == REFUSED for one in workers):
        return "bad", "The gateway has refused the drill", why
    if drill is not None and (is_struck or not workers):
        words = f"Begun by {drill.by}: {drill.reason}"
        return "work", "A live drill is on: the gateway fails on purpose", words
    if why:
        return "degraded", "The last drill was stopped before its end", why
    if not found.is_allowed:
        return "unknown", "Live drills are not allowed here", ""
    return "good", "No live drill is on", ""


def _figures(workers: Sequence[Told]) -> list[tuple[str, str, str]]:
    """Return name, value and comparison of what was struck."""
    seen, struck = sum(one.seen for one in workers), sum(one.struck for one in workers)
    spared = sum(one.spared for one in workers)
    ratio = share(struck / seen) if seen else "-"
    return [
        ("Exchanges begun", number(seen), "since the drill began"),
        ("Struck", number(struck), f"{ratio} of them"),
        ("Spared", number(spared), "by the blast radius"),
    ]


def _body(form: Fields) -> NewDrill | None:
    minutes = form.number("minutes", MINUTES_MAX)
    ratio, radius = form.percent("share"), form.percent("radius")
    delay_s = form.number("delay_s", MINUTES_MAX * MINUTE_S)
    if not form.text("reason"):
        form.errors["reason"] = "Say why: it stands in the audit log"
    needed = {"minutes": minutes, "share": ratio, "radius": radius, "delay_s": delay_s}
    for name, value in needed.items():
        if value is None and name not in form.errors:
            form.errors[name] = "Give a number above 0"
    if form.errors:
        return None
    fault = {
        "kind": form.text("kind"),
        "share_ratio": ratio,
        "tiers": tuple(word for word in AIMS if form.ticked(f"tier_{word}")),
        "delay_s": delay_s,
        "lasts_s": (minutes or 0.0) * MINUTE_S,
        **{name: form.text(name) or "*" for name in ("tenant", "route", "upstream", "model")},
    }
    return api.read_body(
        {"faults": [fault], "reason": form.text("reason"), "blast_radius_ratio": radius}
    )


PAGES: Final = (
    Page(path=PATH, handler=live_drills),
    Page(path=f"{PATH}/now", handler=now, marks=PATH),
    Page(path=PATH, handler=begin, method="POST", role=Role.OPERATOR),
    Page(path=f"{PATH}/stop", handler=stop, method="POST", role=Role.OPERATOR, marks=PATH),
)
