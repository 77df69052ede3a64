"""A key's fields in a form: read from it, and shown in it.

An end that is shown and sent back as it was stays as it was, to the second.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from penstock.apps.control.api import keys as api
from penstock.apps.control.api.keys import KeyRow
from penstock.apps.control.console import fields, tenant_form
from penstock.apps.control.console.fields import Fields
from penstock.config.tenancy import Limits, TierName

PLACES: Final = {
    "id": "id",
    "keys": "id",
    "routes": "routes",
    "tier_max": "tier_max",
    "expires_unix_s": "expires",
    "overlap_s": "overlap_s",
    **{f"limits.{one}": f"limits_{one}" for one in Limits.__struct_fields__},
}


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


def shown(row: KeyRow) -> dict[str, str]:
    """Return the fields of a key as a form shows them."""
    key = row.entry.key
    limits = key.limits
    return {
        "routes": ", ".join(key.routes),
        "may_keep": "1" if key.may_keep else "",
        "tier_max": key.tier_max.value if key.tier_max else "",
        "may_assert_user": "1" if key.may_assert_user else "",
        "expires": _day(key.expires_unix_s),
        "note": row.entry.note,
        "limits_requests_per_min": fields.whole(limits.requests_per_min),
        "limits_tokens_per_min": fields.whole(limits.tokens_per_min),
        "limits_concurrency": fields.whole(limits.concurrency),
        "limits_budget_day_microusd": fields.in_dollars(limits.budget_day_microusd),
        "limits_budget_month_microusd": fields.in_dollars(limits.budget_month_microusd),
    }


def change(
    form: Mapping[str, str], row: KeyRow, now_unix_s: float
) -> tuple[api.KeyChange, dict[str, str]]:
    """Return what a form changes of a key, and what is wrong with it by field."""
    before = row.entry.key
    is_same_end = form.get("expires", "").strip() == _day(before.expires_unix_s)
    named = {**form, "id": before.id}
    if is_same_end:
        named["expires"] = ""
    asked, errors = read(named, before.tenant, now_unix_s)
    try:
        seen = float(form.get("updated_unix_s", ""))
    except ValueError:
        seen = None
    wanted = api.KeyChange(
        updated_unix_s=seen,
        routes=asked.routes,
        may_keep=asked.may_keep,
        tier_max=asked.tier_max,
        may_assert_user=asked.may_assert_user,
        limits=asked.limits,
        expires_unix_s=before.expires_unix_s if is_same_end else asked.expires_unix_s,
        note=asked.note,
    )
    return wanted, errors


def _day(at_unix_s: float | None) -> str:
    if at_unix_s is None:
        return ""
    return dt.datetime.fromtimestamp(at_unix_s, dt.UTC).date().isoformat()
