"""Keys: made, shown once, rotated with an overlap, revoked; on the page of their tenant.

    /tenants/NAME/keys/new   form, POST makes one and shows it, this once
    /keys/NAME               what it may, and its life
    /keys/NAME/rotate        POST: a new one in its place, both work until the overlap ends
    /keys/NAME/revoke        POST: 401 within a second

The page that shows a key is the answer to the form itself: a key never stands in an address.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from penstock.apps.control.api import keys as api
from penstock.apps.control.api.keys import MadeKey
from penstock.apps.control.console import fields, links, tenant_form
from penstock.apps.control.console.fields import Fields
from penstock.apps.control.console.view import Page, View, see_other
from penstock.apps.control.endpoint import Role
from penstock.config.tenancy import Limits, TierName
from penstock.core.errors import PenstockError
from penstock.web import serving

MARKS: Final = "/tenants"
OVERLAPS: Final = (
    ("0", "none: the old one ends now"),
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
    ("2592000", "30 days"),
)
PLACES: Final = {
    "id": "id",
    "keys": "id",
    "routes": "routes",
    "tier_max": "tier_max",
    "expires_unix_s": "expires",
    "overlap_s": "overlap_s",
    **{f"limits.{one}": f"limits_{one}" for one in Limits.__struct_fields__},
}
UNCHANGED_STATUS: Final = (409, 422)  # said beneath the fields, rather than as a page


def new_form(view: View) -> str:
    """Return the empty form."""
    return _form(view, {"may_keep": "1"}, {})


def make(view: View) -> Response:
    """Make a key, and show it."""
    asked, errors = read(view.form, view.path["tenant"], view.now_unix_s)

    def again(found: dict[str, str]) -> str:
        return _form(view, dict(view.form), found)

    return _made(view, errors, lambda: api.make_key(view.call(asked)), again)


def key_page(view: View) -> str:
    """Return one key."""
    return _key(view, {}, {})


def rotate(view: View) -> Response:
    """Make a key in another's place, and show it."""
    form = Fields(view.form)
    overlap = form.text("overlap_s")
    errors = {} if overlap in dict(OVERLAPS) else {"overlap_s": "choose how long both work"}
    asked = api.Rotation(id=form.text("id"), overlap_s=float(overlap) if not errors else 0.0)

    def again(found: dict[str, str]) -> str:
        return _key(view, dict(view.form), found)

    return _made(view, errors, lambda: api.rotate_key(view.call(asked)), again)


def revoke(view: View) -> Response:
    """Take a key away."""
    name = view.path["id"]
    row = api.get_key(view.call())
    api.revoke_key(view.call())
    return see_other(
        links.tenant(row.entry.key.tenant),
        f"Key {name} revoked: whoever uses it gets a 401 from now on.",
    )


def read(
    form: Mapping[str, str], tenant: str, now_unix_s: float
) -> tuple[api.NewKey, dict[str, str]]:
    """Return the key that fields ask for, and what is wrong with them by field."""
    found = Fields(form)
    tier = found.text("tier_max")
    if tier and tier not in tenant_form.TIERS:
        found.errors["tier_max"] = f"{tier!r} is no tier: choose one"
        tier = ""
    if not found.text("id"):
        found.errors["id"] = "give a name: letters, digits and . _ -, at most 64"
    asked = api.NewKey(
        id=found.text("id"),
        tenant=tenant,
        routes=tuple(found.text("routes").replace(",", " ").split()),
        may_keep=found.ticked("may_keep"),
        tier_max=TierName(tier) if tier else None,
        may_assert_user=found.ticked("may_assert_user"),
        limits=tenant_form.limits(found),
        expires_unix_s=_expiry(found, now_unix_s),
        note=found.text("note"),
    )
    return asked, found.errors


def _expiry(found: Fields, now_unix_s: float) -> float | None:
    raw = found.text("expires")
    if not raw:
        return None
    try:
        day = dt.datetime.fromisoformat(raw).replace(tzinfo=dt.UTC)
    except ValueError:
        found.errors["expires"] = f"{raw!r} is no day: write it as 2027-01-31"
        return None
    if day.timestamp() <= now_unix_s:
        found.errors["expires"] = f"{raw} is past: give a later day, or none"
    return day.timestamp()


def _made(
    view: View,
    errors: dict[str, str],
    work: Callable[[], MadeKey],
    again: Callable[[dict[str, str]], str],
) -> Response:
    """Return the page that shows a key, or the form again with what is wrong."""
    if errors:
        return serving.page(again(errors), 422)
    try:
        made = work()
    except PenstockError as error:
        if error.status not in UNCHANGED_STATUS:
            raise
        return serving.page(again(fields.errors_of(error, PLACES)), 422)
    html = view.page(
        "key_made.html",
        title=f"Key {made.row.entry.key.id}",
        secret=made.secret,
        key=made.row.entry.key,
        tenant_href=links.tenant(made.row.entry.key.tenant),
        url=_gateway(view),
    )
    return serving.page(html, 201)


def _gateway(view: View) -> str:
    """Return where callers ask, as the configuration has it."""
    plan = view.parts.publisher.plan()
    gateway = plan.config.gateway if plan else None
    if gateway is None:
        return "http://127.0.0.1:8400"
    scheme = "https" if gateway.tls_cert_file else "http"
    return f"{scheme}://{gateway.host}:{gateway.port}"


def _form(view: View, values: dict[str, str], errors: dict[str, str]) -> str:
    tenant = view.path["tenant"]
    plan = view.parts.publisher.plan()
    return view.page(
        "key_form.html",
        title="New key",
        tenant=tenant,
        tenant_href=links.tenant(tenant),
        action=f"{links.tenant(tenant)}/keys/new",
        values=values,
        errors=errors,
        tiers=tenant_form.TIERS,
        routes=[one.name for one in plan.config.routes] if plan else [],
    )


def _key(view: View, values: dict[str, str], errors: dict[str, str]) -> str:
    row = api.get_key(view.call())
    key = row.entry.key
    is_revoked = bool(row.entry.revoked_unix_s)
    is_over = key.expires_unix_s is not None and key.expires_unix_s <= view.now_unix_s
    return view.page(
        "key.html",
        title=f"Key {key.id}",
        row=row,
        entry=row.entry,
        key=key,
        values=values,
        errors=errors,
        overlaps=OVERLAPS,
        tenant_href=links.tenant(key.tenant),
        action=f"/keys/{quote(key.id, safe='')}",
        usage_href=links.href("/usage", {"span": "30d", "by": "route", "key": key.id}),
        exchanges_href=links.href("/exchanges", {"key": key.id}),
        is_revoked=is_revoked,
        is_over=is_over,
        may_change=view.actor.role >= Role.OPERATOR and not is_revoked,
    )


PAGES: Final = (
    Page(path="/tenants/{tenant}/keys/new", handler=new_form, role=Role.OPERATOR, marks=MARKS),
    Page(
        path="/tenants/{tenant}/keys/new",
        handler=make,
        method="POST",
        role=Role.OPERATOR,
        marks=MARKS,
    ),
    Page(path="/keys/{id}", handler=key_page, marks=MARKS),
    Page(path="/keys/{id}/rotate", handler=rotate, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/keys/{id}/revoke", handler=revoke, method="POST", role=Role.OPERATOR, marks=MARKS),
)
