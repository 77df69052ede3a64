"""From a view to all files of the site. Pure: the same view gives the same bytes."""

from penstock.apps.status.site import feeds, own_api, pages, statuspage_api, uptime_data
from penstock.apps.status.site.files import File
from penstock.apps.status.view import View
from penstock.web import assets

PARTS = (
    pages.files,
    statuspage_api.files,
    own_api.files,
    feeds.files,
    uptime_data.files,
)


def render(view: View) -> dict[str, File]:
    """Return the whole site by path."""
    found: dict[str, File] = {}
    for part in PARTS:
        found.update(part(view))
    for name in assets.names():
        kind = assets.KINDS["." + name.rpartition(".")[2]]
        found[assets.address(name)] = File(assets.text(name).encode(), kind, -1)
    return found
