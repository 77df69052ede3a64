"""Probes, and who changed what."""

from typing import Final

from penstock.apps.status.api import audit, probes
from penstock.apps.status.api.audit import AuditQuery
from penstock.apps.status.manage.view import Page, View

AUDIT: Final = "/manage/audit"
PROBES: Final = "/manage/probes"
SHOWN: Final = 50
DIGITS_MAX: Final = 15


def probes_page(view: View) -> str:
    """Return the probes, and how those of each component ended lately."""
    found = probes.list_probes(view.call())
    return view.page("manage_probes.html", title="Probes", found=found)


def audit_page(view: View) -> str:
    """Return the log, the newest first."""
    before = view.query.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) <= DIGITS_MAX
    query = AuditQuery(before=int(before) if is_number else 0, limit=SHOWN)
    found = audit.list_audit(view.call(query=query))
    return view.page(
        "manage_audit.html",
        title="Audit",
        found=found.items,
        older=f"{AUDIT}?before={found.next}" if found.next else "",
        newest=AUDIT if query.before else "",
    )


PAGES: Final = (
    Page(path=PROBES, handler=probes_page),
    Page(path=AUDIT, handler=audit_page),
)
