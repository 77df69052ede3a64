"""The status page's server alone, as the process runs it: for status_page.py.

python bench/status_page_server.py PORT
"""

import asyncio
import sys

from starlette.responses import PlainTextResponse
from status_page import view

from penstock.apps.status.site import rendering
from penstock.apps.status.site.serving import SiteServer
from penstock.web import process


def main() -> None:
    """Serve until told to stop."""
    site = SiteServer(PlainTextResponse("", 404))
    site.use(rendering.render(view()))
    listener = process.listen("bench", "127.0.0.1", int(sys.argv[1]))
    asyncio.run(process.server(site).serve([listener]))


if __name__ == "__main__":
    main()
