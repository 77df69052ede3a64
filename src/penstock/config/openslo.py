"""OpenSLO v1 in both directions: from documents to objectives, and back.

    document       becomes
    SLO            an objective for each of its own; several get numbers behind the name
    SLI            what an SLO refers to by ``indicatorRef``, or holds itself
    ratioMetric    availability
    threshold      TTFT if it is to be below the value (seconds), speed if above (tokens a second)
    Service, AlertPolicy, AlertCondition, AlertNotificationTarget, DataSource
                   nothing: their rules and receivers are ours, and a note says so

    budgetingMethod   Occurrences is what we count. Timeslices and RatioTimeslices keep their
                      target, but each event counts, not each slice; a note says so
    timeWindow        rolling; a calendar's becomes rolling, more than 90 days become 90
    metricSource      of type "penstock", as ``documents`` writes it, says sli, tenant, tier, route
                      and upstream; another's query cannot be carried over: a note says so

Whatever is left out is told. Pure. Source: OpenSLO specification, v1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from penstock.config.check_operations import WINDOW_DAYS_MAX
from penstock.config.operations import Objective, Sli

VERSION: Final = "openslo/v1"
SOURCE: Final = "penstock"
FILTERS: Final = ("tenant", "tier", "route", "upstream")
WINDOW: Final = re.compile(r"(\d{1,6})([mhdwMQY])")
DAYS: Final = {"m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "M": 30.0, "Q": 90.0, "Y": 365.0}
BELOW: Final = frozenset({"lte", "lt"})
ABOVE: Final = frozenset({"gte", "gt"})
NOT_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
NAME_MAX: Final = 128
PERCENT: Final = 100.0
LEFT_OUT: Final = ("timeSliceTarget", "timeSliceWindow", "compositeWeight")

Table = Mapping[str, Any]


class Translated(msgspec.Struct, frozen=True):
    """What documents mean here, and what of them did not carry over."""

    objectives: tuple[Objective, ...]
    notes: tuple[str, ...]


def translate(documents: Sequence[object]) -> Translated:
    """Return the objectives of OpenSLO documents."""
    notes: list[str] = []
    slis: dict[str, Table] = {}
    slos: list[Table] = []
    for at, one in enumerate(documents):
        document = _table(one)
        kind, name = str(document.get("kind", "")), _name_of(document, f"document-{at + 1}")
        if document.get("apiVersion") != VERSION:
            notes.append(f"{name}: apiVersion is not {VERSION}; left out")
        elif kind == "SLO":
            slos.append(document)
        elif kind == "SLI":
            slis[name] = _table(document.get("spec"))
        else:
            notes.append(f"{name}: {kind or 'no kind'} is left out{_why(kind)}")
    found = tuple(one for slo in slos for one in _objectives(slo, slis, notes))
    return Translated(_unique(found, notes), tuple(notes))


def documents(objectives: Sequence[Objective]) -> list[dict[str, Any]]:
    """Return objectives as OpenSLO documents, which ``translate`` reads back as they were."""
    services = sorted({_service(one) for one in objectives})
    found: list[dict[str, Any]] = [
        {"apiVersion": VERSION, "kind": "Service", "metadata": {"name": name}, "spec": {}}
        for name in services
    ]
    return found + [_document(one) for one in objectives]


def _document(objective: Objective) -> dict[str, Any]:
    spec: dict[str, Any] = {"sli": objective.sli.value, "events_min": objective.events_min}
    spec |= {name: getattr(objective, name) for name in FILTERS if getattr(objective, name)}
    own: dict[str, Any] = {"target": objective.target_ratio}
    match objective.sli:
        case Sli.TTFT:
            own |= {"op": "lte", "value": objective.threshold_s}
        case Sli.SPEED:
            own |= {"op": "gte", "value": objective.threshold_per_s}
        case Sli.AVAILABILITY:
            pass
    if objective.sli is Sli.AVAILABILITY:
        indicator: dict[str, Any] = {
            "ratioMetric": {
                "counter": True,
                "good": _source(spec | {"events": "good"}),
                "total": _source(spec | {"events": "all"}),
            }
        }
    else:
        indicator = {"thresholdMetric": _source(spec)}
    return {
        "apiVersion": VERSION,
        "kind": "SLO",
        "metadata": {"name": objective.name},
        "spec": {
            "service": _service(objective),
            "indicator": {"metadata": {"name": objective.name}, "spec": indicator},
            "timeWindow": [{"duration": f"{objective.window_days}d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [own],
        },
    }


def _source(spec: dict[str, Any]) -> dict[str, Any]:
    return {"metricSource": {"type": SOURCE, "spec": spec}}


def _service(objective: Objective) -> str:
    parts = [getattr(objective, name) for name in FILTERS if getattr(objective, name)]
    return NOT_NAME.sub("-", "-".join(parts)) or "all"


def _objectives(
    document: Table, slis: Mapping[str, Table], notes: list[str]
) -> Iterator[Objective]:
    name = _clean(_name_of(document, "unnamed"))
    spec = _table(document.get("spec"))
    window_days = _window_days(name, spec, notes)
    notes += [f"{name}: {note}" for note in _of_whole(spec)]
    listed = _list(spec.get("objectives"))
    for at, entry in enumerate(listed):
        one = _table(entry)
        own = name if len(listed) == 1 else _clean(f"{name}-{at + 1}")
        target_ratio = _target(one)
        if target_ratio is None:
            notes.append(f"{own}: has no target above 0 and below 1; left out")
            continue
        indicator = _indicator(one, spec, slis)
        if indicator is None:
            notes.append(f"{own}: its indicator is not in the file; availability is taken")
        notes += [f"{own}: {field} is left out" for field in LEFT_OUT if field in one]
        yield _objective(
            own, one, indicator or dict[str, Any](), notes, (target_ratio, window_days)
        )


def _of_whole(spec: Table) -> Iterator[str]:
    """Yield what of a whole SLO does not carry over."""
    method = str(spec.get("budgetingMethod", "Occurrences"))
    if method != "Occurrences":
        yield f"budgetingMethod {method} counts slices, here each event counts"
    if spec.get("alertPolicies"):
        yield "alertPolicies are left out; ours are those of the SRE Workbook"
    if not spec.get("objectives"):
        yield "has no objectives; left out"


def _objective(
    name: str, one: Table, indicator: Table, notes: list[str], target: tuple[float, int]
) -> Objective:
    told: Table | None = _told_by(indicator)
    if told is None and indicator:
        notes.append(f"{name}: its query cannot be carried over; check what the objective covers")
    values: dict[str, Any] = {n: str(told[n]) for n in FILTERS if told and told.get(n)}
    if told and isinstance(told.get("events_min"), int):
        values["events_min"] = told["events_min"]
    if not any(values.get(n) for n in FILTERS) and told is None:
        notes.append(f"{name}: covers all exchanges; add tenant, tier, route or upstream")
    sli = _sli(name, one, indicator, told, notes)
    value = _number(one.get("value"))
    if sli is Sli.TTFT:
        values["threshold_s"] = value
    elif sli is Sli.SPEED:
        values["threshold_per_s"] = value
    return Objective(name=name, sli=sli, target_ratio=target[0], window_days=target[1], **values)


def _sli(name: str, one: Table, indicator: Table, told: Table | None, notes: list[str]) -> Sli:
    said = str(told.get("sli", "")) if told else ""
    if said in {sli.value for sli in Sli}:
        return Sli(said)
    if "thresholdMetric" not in indicator:
        return Sli.AVAILABILITY
    op = str(one.get("op", ""))
    if _number(one.get("value")) is None or op not in BELOW | ABOVE:
        notes.append(f"{name}: a threshold without op and value; availability is taken")
        return Sli.AVAILABILITY
    sli = Sli.TTFT if op in BELOW else Sli.SPEED
    unit = "seconds to the first token" if sli is Sli.TTFT else "output tokens a second"
    notes.append(f"{name}: its value is taken as {unit}")
    return sli


def _indicator(one: Table, spec: Table, slis: Mapping[str, Table]) -> Table | None:
    for holder in (one, spec):
        if holder.get("indicator"):
            return _table(_table(holder["indicator"]).get("spec"))
        if holder.get("indicatorRef"):
            return slis.get(str(holder["indicatorRef"]))
    return None


def _told_by(indicator: Table) -> Table | None:
    """Return what a metric source of ours says; None if there is none."""
    metrics = [_table(indicator.get("thresholdMetric"))]
    ratio = _table(indicator.get("ratioMetric"))
    metrics += [_table(ratio.get(part)) for part in ("good", "bad", "total")]
    for metric in metrics:
        source = _table(metric.get("metricSource"))
        if source.get("type") == SOURCE:
            return _table(source.get("spec"))
    return None


def _window_days(name: str, spec: Table, notes: list[str]) -> int:
    listed = _list(spec.get("timeWindow"))
    window: Table = _table(listed[0]) if listed else dict[str, Any]()
    if window.get("isRolling") is False or window.get("calendar"):
        notes.append(f"{name}: its calendar window becomes a rolling one")
    found = WINDOW.fullmatch(str(window.get("duration", "30d")))
    days = int(found[1]) * DAYS[found[2]] if found else 30.0
    kept = min(WINDOW_DAYS_MAX, max(1, round(days)))
    if found is None or kept != days:
        notes.append(f"{name}: its window of {window.get('duration')} becomes {kept} days")
    return kept


def _target(one: Table) -> float | None:
    percent = _number(one.get("targetPercent"))
    target = percent / PERCENT if percent is not None else _number(one.get("target"))
    return round(target, 9) if target is not None and 0.0 < target < 1.0 else None


def _unique(objectives: Sequence[Objective], notes: list[str]) -> tuple[Objective, ...]:
    """Return objectives whose names are their own."""
    seen: set[str] = set()
    found: list[Objective] = []
    for one in objectives:
        name, number = one.name, 2
        while name in seen:
            name, number = f"{one.name[: NAME_MAX - 8]}-{number}", number + 1
        if name != one.name:
            notes.append(f"{one.name}: there are several; this one is named {name}")
        seen.add(name)
        found.append(msgspec.structs.replace(one, name=name))
    return tuple(found)


def _why(kind: str) -> str:
    if kind.startswith("Alert"):
        return ": alerts follow the SRE Workbook; receivers stand in [[alerts.receivers]]"
    return ": what is measured is the ledger's" if kind == "DataSource" else ""


def _clean(name: str) -> str:
    return NOT_NAME.sub("-", name).strip("-._")[:NAME_MAX] or "unnamed"


def _name_of(document: Table, otherwise: str) -> str:
    return str(_table(document.get("metadata")).get("name") or otherwise)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _table(value: object) -> Table:
    return cast("Table", value) if isinstance(value, dict) else dict[str, Any]()


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
