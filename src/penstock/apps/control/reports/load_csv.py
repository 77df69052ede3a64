"""A load report as CSV: a line for each tier; the rest is in the JSON."""

import msgspec

from penstock.apps.control.reports import table
from penstock.apps.control.reports.load import LoadReport, TierLoad


def tiers_csv(report: LoadReport) -> str:
    """Return the tiers' figures."""
    names = [field.name for field in msgspec.structs.fields(TierLoad)]
    rows = [[getattr(one, name) for name in names] for one in report.tiers]
    head = ("from_unix_s", "until_unix_s", *names)
    return table.text(head, [(report.from_unix_s, report.until_unix_s, *row) for row in rows])
