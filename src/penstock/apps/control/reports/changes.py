"""Changes of limits, from the audit log: whose, what it was, what it is, how much traffic it meets.

Of an audited entry only that is read which says how much its owner may have (``LIMITING``): names,
notes and hashes of keys are not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from penstock.apps.control.queries.load import ChangeRow

LIMITING: Final = (
    "tier", "tier_max", "weight", "contract", "limits", "may_degrade_model", "ttft_timeout_s",
)  # fmt: skip


class Change(msgspec.Struct, frozen=True):
    """A limit that was changed; empty: there was, or is, none."""

    at_unix_s: float
    kind: str
    whose: str
    field: str
    before: str
    after: str
    share_ratio: float | None  # of the period's exchanges that are this tenant's


class _Entry(msgspec.Struct):
    """What the book's entries have in common."""

    tenant: dict[str, Any] = {}
    key: dict[str, Any] = {}


class _Limits(msgspec.Struct):
    tenant: str
    fields: dict[str, str]


NONE: Final = _Entry()


def of(
    rows: Iterable[ChangeRow], exchanges: Mapping[str, int], named: Callable[[str], str]
) -> tuple[Change, ...]:
    """Return the changes; ``exchanges`` are the tenants', ``named`` says how they are called."""
    return tuple(one for row in rows for one in _changes(row, exchanges, named))


def _changes(
    row: ChangeRow, exchanges: Mapping[str, int], named: Callable[[str], str]
) -> Iterator[Change]:
    if row.kind not in ("tenant", "key"):
        yield Change(row.at_unix_s, row.kind, "", row.action, "", "", None)
        return
    before, after = _limits(row.before, row.kind), _limits(row.after, row.kind)
    tenant = after.tenant or before.tenant
    whole = sum(exchanges.values())
    share = exchanges[tenant] / whole if whole and tenant in exchanges else None
    whose = f"a key of {named(tenant)}" if row.kind == "key" else named(tenant)
    for field in dict.fromkeys((*before.fields, *after.fields)):
        was, is_now = before.fields.get(field, ""), after.fields.get(field, "")
        if was != is_now:
            yield Change(row.at_unix_s, row.kind, whose, field, was, is_now, share)


def _limits(raw: str, kind: str) -> _Limits:
    try:
        entry = msgspec.json.decode(raw, type=_Entry) if raw else NONE
    except msgspec.MsgspecError:
        entry = NONE
    inner = entry.tenant if kind == "tenant" else entry.key
    tenant = inner.get("id" if kind == "tenant" else "tenant")
    found: dict[str, str] = {}
    for name in LIMITING:
        found |= dict(_told(name, inner.get(name)))
    return _Limits(str(tenant or ""), found)


def _told(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        parts = msgspec.convert(value, dict[str, Any])
        for key, one in parts.items():
            yield from _told(f"{name}.{key}", one)
    elif value is not None:
        yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()
