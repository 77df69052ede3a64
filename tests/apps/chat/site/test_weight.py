"""What the page loads before its lazy parts, as it is sent: all modules and all style."""

import gzip

from penstock.apps.chat.site.files import GZIP_LEVEL, Files
from penstock.apps.chat.site.modules import eager
from penstock.apps.chat.site.shell import SCRIPT, STYLES
from penstock.web import assets

BYTES_MAX = 80_000  # the budget of the whole page


def test_the_page_is_light() -> None:
    files = Files()
    modules = eager(SCRIPT, lambda path: files.by_path[path].body.decode())
    ours = sum(len(files.by_path[path].zipped) for path in [*modules, *STYLES])
    texts = [assets.text(name).encode() for name in assets.STYLES]
    shared = sum(len(gzip.compress(text, GZIP_LEVEL)) for text in texts)
    assert ours + shared < BYTES_MAX


def test_what_is_lazy_is_not_counted_and_what_is_there_is() -> None:
    files = Files()
    modules = eager(SCRIPT, lambda path: files.by_path[path].body.decode())
    assert {"app.js", "reading/reader.js", "vendor/preact.js"} <= set(modules)
    assert not [path for path in modules if "katex" in path or path == "extras/place.js"]
