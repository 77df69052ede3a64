"""Tenants: the list, one of them with what it has used, and the forms that change them.

/tenants               ?q= tier= after=
/tenants/new           form, POST makes one
/tenants/NAME          limits, budgets with what is used, terms, keys, refusals
/tenants/NAME/edit     form, POST changes it, unless somebody else has since
/tenants/NAME/delete   asks; POST forgets it
"""

from typing import Final

import msgspec
from starlette.responses import Response

from penstock.apps.control.api import tenants as api
from penstock.apps.control.console import fields, links, periods, story, tenant_form
from penstock.apps.control.console.view import Page, View, see_other
from penstock.apps.control.queries import owned, usage
from penstock.apps.control.queries.usage import Slice, Span
from penstock.config.tenancy import Contract, Limits, Tenant
from penstock.core.errors import PenstockError
from penstock.core.sla import CALCULATORS
from penstock.ledger.book import TenantEntry
from penstock.web import serving
from penstock.web.charts import bars
from penstock.web.endpoint import ConflictError, MissingError, Role
from penstock.web.quantities import number

PAGE: Final = 100
SPARK_DAYS: Final = 30
REFUSED_DAYS: Final = 7
MARKS: Final = "/tenants"


class Line(msgspec.Struct, frozen=True):
    """One tenant of the list."""

    entry: TenantEntry
    keys: int
    charged_microusd: int  # this month

    @property
    def used_ratio(self) -> float | None:
        """The share of the month's budget that is used; None without one."""
        budget = self.entry.tenant.limits.budget_month_microusd
        return self.charged_microusd / budget if budget else None


class Budget(msgspec.Struct, frozen=True):
    """A budget, and what is used of it by the ledger."""

    name: str
    used_microusd: int
    budget_microusd: int | None

    @property
    def ratio(self) -> float | None:
        """The share that is used; None without a budget."""
        return self.used_microusd / self.budget_microusd if self.budget_microusd else None


def list_page(view: View) -> str:
    """Return the list."""
    wanted, tier = view.query.get("q", "").strip(), view.query.get("tier", "")
    after = view.query.get("after", "")
    with view.parts.store.reading() as connection:
        everyone = owned.tenants(connection)
        keys = owned.key_counts(connection)
        charged = usage.charged(connection, periods.month_began_s(view.now_unix_s))
    fitting = [one for one in everyone if _fits(one, wanted.lower(), tier)]
    rest = [one for one in fitting if one.tenant.id > after]
    lines = [
        Line(one, keys.get(one.tenant.id, 0), charged.get(one.tenant.id, 0)) for one in rest[:PAGE]
    ]
    unlisted = sorted(set(keys) - {one.tenant.id for one in everyone})
    more = {"q": wanted, "tier": tier, "after": lines[-1].entry.tenant.id} if lines else {}
    return view.page(
        "tenants.html",
        title="Tenants",
        lines=lines,
        number=len(fitting),
        said=said,
        is_any=bool(everyone),
        query={"q": wanted, "tier": tier},
        tiers=tenant_form.TIERS,
        unlisted=unlisted[:PAGE],
        may_change=view.actor.role >= Role.OPERATOR,
        older=links.href("/tenants", more) if len(rest) > PAGE else "",
        newest=links.href("/tenants", {"q": wanted, "tier": tier}) if after else "",
    )


def tenant_page(view: View) -> str:
    """Return one tenant."""
    name = view.path["id"]
    today_s = periods.midnight_s(periods.day_of(view.now_unix_s))
    span = Span(today_s - (SPARK_DAYS - 1) * periods.DAY_S, today_s + periods.DAY_S)
    month_s = periods.month_began_s(view.now_unix_s)
    with view.parts.store.reading() as connection:
        entry = owned.tenant(connection, name)
        keys = owned.keys_of(connection, name)
        since_s = min(month_s, span.since_s)
        days = usage.by_day(connection, Slice(Span(since_s, span.until_s), {"tenant": name}))
        refused = Span(today_s - (REFUSED_DAYS - 1) * periods.DAY_S, span.until_s)
        refusals = owned.refusals(connection, name, refused.since_s)
    if entry is None and not keys and not days:
        raise MissingError(f"there is no tenant named {name[:64]!r}")
    charges = {day: one.charge_microusd for day, one in days.items()}
    month = sum(amount for day, amount in charges.items() if day >= month_s)
    limits = (entry.tenant if entry else Tenant(id=name)).limits
    values = [charges.get(day, 0) for day in range(span.since_s, span.until_s, periods.DAY_S)]
    return view.page(
        "tenant.html",
        title=entry.name if entry and entry.name else name,
        name=name,
        entry=entry,
        keys=keys,
        budgets=[
            Budget("Today", charges.get(today_s, 0), limits.budget_day_microusd),
            Budget("This month", month, limits.budget_month_microusd),
        ],
        spark=bars.spark(values, f"charged by day over {SPARK_DAYS} days"),
        charged_microusd=sum(values),
        exchanges=sum(one.exchanges for day, one in days.items() if day >= span.since_s),
        usage_href=links.href("/usage", {"span": "30d", "by": "route", "tenant": name}),
        reason=story.reason,
        refusals=[
            (one, links.exchanges(refused, {"tenant": name, "status": str(one.status)}))
            for one in refusals
        ],
        calculators=CALCULATORS,
        may_change=view.actor.role >= Role.OPERATOR,
    )


def new_form(view: View) -> str:
    """Return the empty form."""
    given = {"id": view.query.get("id", "")}
    return _form(view, tenant_form.shown(TenantEntry(tenant=Tenant(id=""))) | given, {})


def make(view: View) -> Response:
    """Make a tenant, unless there is one by the name."""
    entry, errors = tenant_form.read(view.form)
    name = entry.tenant.id
    with view.parts.store.reading() as connection:
        is_there = owned.tenant(connection, name) is not None
    if is_there:
        errors["id"] = "there is a tenant by this name: take another, or edit that one"
    elif not name:
        errors["id"] = "give a name: letters, digits and . _ -, at most 64"
    return _put(view, entry, errors, api.PutQuery(), is_new=True)


def edit_form(view: View) -> str:
    """Return the form of a tenant."""
    row = api.get_tenant(view.call())
    return _form(view, tenant_form.shown(row.entry), {}, row.updated_unix_s)


def change(view: View) -> Response:
    """Change a tenant."""
    form = {**view.form, "id": view.path["id"]}
    entry, errors = tenant_form.read(form)
    try:
        seen = float(view.form.get("updated_unix_s", ""))
    except ValueError:
        seen = None
    return _put(view, entry, errors, api.PutQuery(updated_unix_s=seen), is_new=False)


def ask_to_delete(view: View) -> str:
    """Return the question before a tenant is forgotten."""
    name = api.get_tenant(view.call()).entry.tenant.id
    return view.page(
        "confirm.html",
        title=f"Delete {name}?",
        crumbs=[("/tenants", "Tenants"), (links.tenant(name), name)],
        words=f"Tier, limits and terms of {name} are forgotten; its exchanges stay in the ledger. "
        "Keys that still work are in the way: revoke them first.",
        action=f"{links.tenant(name)}/delete",
        verb=f"Delete {name}",
        back=links.tenant(name),
    )


def delete(view: View) -> Response:
    """Forget a tenant; its living keys are in the way, and the page says which."""
    name = view.path["id"]
    api.delete_tenant(view.call(query=api.DeleteQuery()))
    return see_other("/tenants", f"Tenant {name} deleted. Its exchanges stay in the ledger.")


def _put(
    view: View, entry: TenantEntry, errors: dict[str, str], query: api.PutQuery, *, is_new: bool
) -> Response:
    name = entry.tenant.id
    if not errors:
        call = msgspec.structs.replace(view.call(entry, query), path={"id": name})
        try:
            api.put_tenant(call)
        except (ConflictError, PenstockError) as error:
            if error.status not in {409, 422}:
                raise
            errors = fields.errors_of(error, tenant_form.PLACES)
    if errors:
        html = _form(view, dict(view.form), errors, query.updated_unix_s, is_new=is_new)
        return serving.page(html, 422)
    done = "made. Make its first key below." if is_new else "saved; it counts within a second."
    return see_other(links.tenant(name), f"Tenant {name} {done}")


def _form(
    view: View,
    values: dict[str, str],
    errors: dict[str, str],
    updated_unix_s: float | None = None,
    *,
    is_new: bool = True,
) -> str:
    name = view.path.get("id", "")
    usual = tenant_form.shown(TenantEntry(tenant=Tenant(id="")))
    shown: dict[str, str] = dict.fromkeys(usual, "") if errors else usual
    return view.page(
        "tenant_form.html",
        title=f"Edit {name}" if name else "New tenant",
        name=name,
        values=shown | values,
        errors=errors,
        updated_unix_s=updated_unix_s,
        tiers=tenant_form.TIERS,
        calculators=[("", "nothing is promised")]
        + [(one, f"{one}: {found.words}") for one, found in CALCULATORS.items()],
        is_new=is_new and not name,
    )


def said(limits: Limits | Contract) -> str:
    """Return what is limited, or owed, in a line; budgets stand beside it."""
    told = (
        (limits.requests_per_min, "requests/min"),
        (limits.tokens_per_min, "tokens/min"),
        (limits.concurrency, "at once"),
    )
    return ", ".join(f"{number(amount)} {unit}" for amount, unit in told if amount is not None)


def _fits(one: TenantEntry, wanted: str, tier: str) -> bool:
    is_tier = not tier or one.tenant.tier.value == tier
    return is_tier and (wanted in one.tenant.id.lower() or wanted in one.name.lower())


PAGES: Final = (
    Page(path="/tenants", handler=list_page),
    Page(path="/tenants/new", handler=new_form, role=Role.OPERATOR, marks=MARKS),
    Page(path="/tenants/new", handler=make, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/tenants/{id}", handler=tenant_page, marks=MARKS),
    Page(path="/tenants/{id}/edit", handler=edit_form, role=Role.OPERATOR, marks=MARKS),
    Page(path="/tenants/{id}/edit", handler=change, method="POST", role=Role.OPERATOR, marks=MARKS),
    Page(path="/tenants/{id}/delete", handler=ask_to_delete, role=Role.OPERATOR, marks=MARKS),
    Page(
        path="/tenants/{id}/delete", handler=delete, method="POST", role=Role.OPERATOR, marks=MARKS
    ),
)
