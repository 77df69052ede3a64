"""The reading modules behind a server of their own, with the pages' policy, in a real Chromium.

served   address of a page that has one empty answer (`#answer`) and the modules on `window`;
         `asked` gets every path that a browser asked for
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import penstock.apps.chat
import penstock.web

STATIC = Path(penstock.apps.chat.__file__).parent / "static"
SHARED = Path(penstock.web.__file__).parent / "static"
HERE = Path(__file__).parent
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
KINDS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".html": "text/html; charset=utf-8",
}


def found(path: str) -> Path | None:
    """Return the file of an address, or None."""
    name = path.partition("?")[0].strip("/") or "page.html"
    for root in (STATIC, SHARED, HERE):
        there = (root / name).resolve()
        if there.is_relative_to(root) and there.is_file():
            return there
    return None


@contextmanager
def served(asked: list[str]) -> Generator[str]:
    """Serve on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            file = found(self.path)
            body = file.read_bytes() if file else b""
            self.send_response(200 if file else 404)
            self.send_header("content-type", KINDS.get(file.suffix if file else "", "text/plain"))
            self.send_header("content-security-policy", POLICY)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size  # nothing is logged

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
