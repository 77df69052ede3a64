"""Reading LiteLLM's keys: an export of its table of verification tokens.

    JSON    a list of objects, {"keys": [...]} as /key/list answers, or one object a line
    CSV     with the table's column names in the first line

LiteLLM keeps the SHA-256 of a key in hex, as we do, so callers go on with the keys that they have.
A key that stands in the file itself (sk-...) is hashed. What a key had spent stays behind; budgets
are by day or month of UTC here, so only those come along.
"""

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import msgspec

from penstock.config.litellm import Notice
from penstock.config.tenancy import Limits
from penstock.snapshot.model import Key

KEYS_MAX: Final = 50_000
SHA256: Final = re.compile(r"[0-9a-f]{64}")
EVERYTHING: Final = frozenset({"all-team-models", "all-proxy-models", "*"})
DAYS: Final = frozenset({"1d", "24h", "daily"})
MONTHS: Final = frozenset({"30d", "31d", "1mo", "monthly"})


class ImportedKey(msgspec.Struct, frozen=True):
    """A key to make; ``expires_unix_s`` 0: never."""

    key: Key
    hint: str = ""
    expires_unix_s: float = 0.0


class ImportedKeys(msgspec.Struct):
    """What a file holds."""

    keys: list[ImportedKey] = []
    notices: list[Notice] = []
    rows: int = 0


def read(text: str, routes: frozenset[str]) -> ImportedKeys:
    """Return the keys; ``routes`` are those that exist. Raises ValueError if it is no such file."""
    found = ImportedKeys()
    taken: set[str] = set()
    for at, row in enumerate(_rows(text)):
        if at >= KEYS_MAX:
            raise ValueError(f"has more than {KEYS_MAX} keys")
        found.rows += 1
        place = f"keys[{at}]"
        digest = _digest(row)
        if not digest:
            found.notices.append(Notice(f"{place}.token", "is neither a SHA-256 nor a key"))
        elif _is_true(row.get("blocked")):
            found.notices.append(Notice(place, "is blocked", "make a new one if it is needed"))
        else:
            name = _fresh(_name(row, digest), taken)
            found.keys.append(_key(row, name, digest, routes, (place, found.notices)))
    return found


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    stripped = text.lstrip("\ufeff \t\r\n")
    if not stripped.startswith(("[", "{")):
        yield from csv.DictReader(io.StringIO(stripped))
        return
    try:
        whole = msgspec.json.decode(stripped)
    except msgspec.DecodeError:
        lines = [line for line in stripped.splitlines() if line.strip()]
        try:
            whole = [msgspec.json.decode(line) for line in lines]
        except msgspec.DecodeError as error:
            raise ValueError(f"is neither JSON nor CSV: {error}") from error
    if isinstance(whole, dict):
        table = cast("dict[str, Any]", whole)
        whole = table.get("keys", [table])
    for row in cast("list[Any]", whole):
        yield cast("Mapping[str, Any]", row) if isinstance(row, dict) else {"token": row}


def _digest(row: Mapping[str, Any]) -> str:
    token = str(row.get("token") or row.get("key") or row.get("api_key") or "").strip()
    if SHA256.fullmatch(token):
        return token
    return hashlib.sha256(token.encode()).hexdigest() if token.startswith("sk-") else ""


def _name(row: Mapping[str, Any], digest: str) -> str:
    wanted = str(row.get("key_alias") or row.get("key_name") or "")
    return _clean(wanted) or f"litellm-{digest[:8]}"


def _clean(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:56]


def _fresh(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name)
    return name


def _key(
    row: Mapping[str, Any],
    name: str,
    digest: str,
    routes: frozenset[str],
    told: tuple[str, list[Notice]],
) -> ImportedKey:
    place, notices = told
    allowed = [str(one) for one in _list(row.get("models"))]
    named = () if EVERYTHING.intersection(allowed) else tuple(allowed)
    for one in named:
        if one not in routes:
            notices.append(Notice(f"{place}.models", f"{name}: there is no route {one!r}"))
    kept = tuple(one for one in named if one in routes)
    if named and not kept:
        kept = named  # none of them exists: the key may do nothing, rather than everything
    tenant = _clean(str(row.get("team_id") or row.get("user_id") or "")) or name
    entry = Key(
        id=name,
        tenant=tenant,
        sha256=digest,
        routes=kept,
        limits=_limits(row, name, place, notices),
    )
    for field in ("aliases", "permissions", "guardrails", "model_max_budget", "soft_budget"):
        if row.get(field) not in (None, "", {}, [], "{}", "[]"):
            notices.append(Notice(f"{place}.{field}", f"{name}: has no counterpart"))
    return ImportedKey(entry, str(row.get("key_name") or "")[:16], _expiry(row, place, notices))


def _limits(row: Mapping[str, Any], name: str, place: str, notices: list[Notice]) -> Limits:
    budget, every = _microusd(row.get("max_budget")), str(row.get("budget_duration") or "")
    if budget is not None and every not in DAYS | MONTHS:
        notices.append(
            Notice(
                f"{place}.max_budget",
                f"{name}: a budget {f'for {every}' if every else 'for ever'}",
                "a budget by day or month",
            )
        )
    return Limits(
        requests_per_min=_whole(row.get("rpm_limit")),
        tokens_per_min=_whole(row.get("tpm_limit")),
        concurrency=_whole(row.get("max_parallel_requests")),
        budget_day_microusd=budget if every in DAYS else None,
        budget_month_microusd=budget if every in MONTHS else None,
    )


def _expiry(row: Mapping[str, Any], place: str, notices: list[Notice]) -> float:
    raw = row.get("expires")
    if raw in (None, ""):
        return 0.0
    try:
        when = dt.datetime.fromisoformat(str(raw))
    except ValueError:
        notices.append(Notice(f"{place}.expires", f"{raw!r} is no time; the key expires at once"))
        return 1.0
    return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()


def _list(raw: Any) -> list[Any]:
    if isinstance(raw, str) and raw.strip().startswith("["):
        try:
            return msgspec.json.decode(raw, type=list[Any])
        except msgspec.DecodeError:
            return []
    if isinstance(raw, str) and raw.strip("{} "):  # PostgreSQL writes arrays as {a,b}
        return [one.strip('" ') for one in raw.strip("{}").split(",")]
    return cast("list[Any]", raw) if isinstance(raw, list) else []


def _whole(raw: Any) -> int | None:
    try:
        found = int(float(str(raw)))
    except ValueError:
        return None
    return found if found > 0 else None


def _microusd(raw: Any) -> int | None:
    if raw in (None, ""):
        return None
    try:
        amount = Decimal(str(raw))
    except InvalidOperation:
        return None
    return int(amount * 1_000_000) if amount.is_finite() and amount > 0 else None


def _is_true(raw: Any) -> bool:
    return raw is True or str(raw).lower() in {"true", "t", "1"}
