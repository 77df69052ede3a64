"""Keys: made, shown once, rotated with an overlap, revoked; on the page of their tenant.

    /tenants/NAME/keys/new   form, POST makes one and shows it, this once
    /keys/NAME               what it may, and its life
    /keys/NAME/rotate        POST: a new one in its place, both work until the overlap ends
    /keys/NAME/edit          form, POST changes limits, routes, end and note
    /keys/NAME/revoke        asks; POST: 401 within a second

The page that shows a key is the answer to the form itself: a key never stands in an address.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from penstock.apps.control.api import keys as api
from penstock.apps.control.api.keys import KeyRow, MadeKey
from penstock.apps.control.console import fields, key_form, links, tenant_form
from penstock.apps.control.console.fields import Fields
from penstock.apps.control.console.view import Page, View, see_other
from penstock.core.errors import PenstockError
from penstock.web import serving
from penstock.web.endpoint import ConflictError, Role

MARKS: Final = "/tenants"
OVERLAPS: Final = (
    ("0", "none: the old one ends now"),
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
    ("2592000", "30 days"),
)
UNCHANGED_STATUS: Final = (409, 422)  # said beneath the fields, rather than as a page


def new_form(view: View) -> str:
    """Return the empty form."""
    return _form(view, {"may_keep": "1"}, {})


def make(view: View) -> Response:
    """Make a key, and show it."""
    asked, errors = key_form.read(view.form, view.path["tenant"], view.now_unix_s)

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


def edit_form(view: View) -> str:
    """Return the form of a key."""
    row = api.get_key(view.call())
    if row.entry.revoked_unix_s:
        raise ConflictError(f"key {row.entry.key.id} is revoked: nothing of it can be changed")
    return _edit(view, row, key_form.shown(row), {}, row.updated_unix_s)


def change(view: View) -> Response:
    """Change what a key may, unless somebody else has since."""
    row = api.get_key(view.call())
    asked, errors = key_form.change(view.form, row, view.now_unix_s)
    if not errors:
        try:
            api.change_key(view.call(asked))
        except PenstockError as error:
            if error.status not in UNCHANGED_STATUS:
                raise
            errors = fields.errors_of(error, key_form.PLACES)
    if errors:
        html = _edit(view, row, dict(view.form), errors, asked.updated_unix_s)
        return serving.page(html, 422)
    name = row.entry.key.id
    return see_other(_href(name), f"Key {name} saved; it counts within a second.")


def ask_to_revoke(view: View) -> str:
    """Return the question before a key is revoked, for browsers without scripts."""
    key = api.get_key(view.call()).entry.key
    return view.page(
        "confirm.html",
        title=f"Revoke {key.id}?",
        crumbs=[("/tenants", "Tenants"), (links.tenant(key.tenant), key.tenant)],
        words=f"Key {key.id} of {key.tenant} stops working within a second. Exchanges that are "
        "under way end as they would. There is no way back: make a new key instead.",
        action=f"{_href(key.id)}/revoke",
        verb=f"Revoke {key.id}",
        back=_href(key.id),
    )


def revoke(view: View) -> Response:
    """Take a key away."""
    name = view.path["id"]
    row = api.get_key(view.call())
    api.revoke_key(view.call())
    return see_other(
        links.tenant(row.entry.key.tenant),
        f"Key {name} revoked: whoever uses it gets a 401 from now on.",
    )


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
        return serving.page(again(fields.errors_of(error, key_form.PLACES)), 422)
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
        is_new=True,
        back=links.tenant(tenant),
    )


def _edit(
    view: View,
    row: KeyRow,
    values: dict[str, str],
    errors: dict[str, str],
    updated_unix_s: float | None,
) -> str:
    key = row.entry.key
    plan = view.parts.publisher.plan()
    return view.page(
        "key_form.html",
        title=f"Edit key {key.id}",
        tenant=key.tenant,
        tenant_href=links.tenant(key.tenant),
        action=f"{_href(key.id)}/edit",
        values=values,
        errors=errors,
        tiers=tenant_form.TIERS,
        routes=[one.name for one in plan.config.routes] if plan else [],
        is_new=False,
        updated_unix_s=updated_unix_s,
        back=_href(key.id),
    )


def _href(name: str) -> str:
    return f"/keys/{quote(name, safe='')}"


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
        action=_href(key.id),
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
    Page(path="/keys/{id}/edit", handler=edit_form, role=Role.OPERATOR, marks=MARKS),
    Page(path="/keys/{id}/edit", handler=change, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/keys/{id}/revoke", handler=ask_to_revoke, role=Role.OPERATOR, marks=MARKS),
    Page(path="/keys/{id}/rotate", handler=rotate, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/keys/{id}/revoke", handler=revoke, method="POST", role=Role.OPERATOR, marks=MARKS),
)
