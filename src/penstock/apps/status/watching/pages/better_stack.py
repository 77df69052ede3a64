"""Better Stack's index.json (JSON:API): the page, its resources, its reports.

shape      ``data`` of type status_page with an aggregate_state
trouble    a report that has not ended and is no maintenance; then each resource that is degraded or
           down and in no report; then a bad aggregate alone
good       the aggregate says operational or maintenance
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.apps.status.watching.pages import reading
from penstock.apps.status.watching.pages.reading import Line, Reading, table, tables, text, word

BAD: Final = frozenset({"degraded", "downtime"})
FINE: Final = frozenset({"operational", "maintenance"})

Things = list[Mapping[str, Any]]


def read(document: Any, now_unix_s: float) -> Reading:
    """Return what a page says."""
    data = table(table(document).get("data"))
    attributes = table(data.get("attributes"))
    aggregate = word(attributes.get("aggregate_state"))
    if data.get("type") != "status_page" or not aggregate:
        return reading.unreadable("it is not the index of a Better Stack page")
    included = tables(table(document).get("included"))
    lines = list(_reports(included, now_unix_s))
    named = {name for one in lines for name in one.components}
    lines += [one for one in _resources(included) if one.components[0] not in named]
    if not lines and aggregate in BAD:
        lines.append(
            reading.line(f"The page says {aggregate}", posted=attributes.get("updated_at"))
        )
    return reading.of(lines, is_good=aggregate in FINE)


def _of_type(included: Things, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in included:
        if one.get("type") == kind:
            yield text(one.get("id")), table(one.get("attributes"))


def _reports(included: Things, now_unix_s: float) -> Iterator[Line]:
    names = {
        id_: text(one.get("public_name")) for id_, one in _of_type(included, "status_page_resource")
    }
    for _, one in _of_type(included, "status_report"):
        ends_unix_s = reading.instant(one.get("ends_at"))
        is_over = bool(one.get("ends_at")) and not ends_unix_s > now_unix_s
        is_planned = word(one.get("report_type")) == "maintenance"
        if is_over or is_planned or word(one.get("aggregate_state")) not in BAD:
            continue
        touched = [
            names.get(text(each.get("status_page_resource_id")), "")
            for each in tables(one.get("affected_resources"))
        ]
        yield reading.line(text(one.get("title")), touched, one.get("starts_at"))


def _resources(included: Things) -> Iterator[Line]:
    for _, one in _of_type(included, "status_page_resource"):
        name, status = reading.short(one.get("public_name")), word(one.get("status"))
        if name and status in BAD:
            yield reading.line(f"{name}: {status}", [name])
