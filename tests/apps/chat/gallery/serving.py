"""Serves the gallery: the pages' files as they are, under the policy that real pages have."""

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from penstock.apps import chat
from penstock.web import assets, serving

HERE: Final = Path(__file__).parent
STATIC: Final = Path(chat.__file__).parent / "static"
VERSION: Final = "0123456789ab"
POLICY: Final = serving.headers()["content-security-policy"] + "; manifest-src 'self'"
IMAGE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 36"><rect width="64" height="36" '
    'fill="#2a7ab0"/><path d="M0 36 20 12 34 28 46 18 64 36z" fill="#1c4f3c"/></svg>'
)


async def gallery(request: Request) -> Response:
    """The page of all states."""
    del request
    text = (HERE / "gallery.html").read_text(encoding="utf-8")
    return HTMLResponse(text, headers={"content-security-policy": POLICY})


async def worker(request: Request) -> Response:
    """The service worker, at the root, as its reach is."""
    del request
    return FileResponse(STATIC / "extras" / "sw.js", media_type="text/javascript")


async def manifest(request: Request) -> Response:
    """What makes the page installable."""
    del request
    place = STATIC / "extras" / "manifest.webmanifest"
    return FileResponse(place, media_type="application/manifest+json")


async def image(request: Request) -> Response:
    """Some picture, as of a message."""
    del request
    return Response(IMAGE, media_type="image/svg+xml")


async def health(request: Request) -> Response:
    """It is there."""
    del request
    return JSONResponse({"status": "ok"})


def app() -> Starlette:
    """Return the gallery's server."""
    return Starlette(
        routes=[
            Route("/", gallery),
            Route("/c/{conversation}", gallery),
            Route("/sw.js", worker),
            Route("/manifest.webmanifest", manifest),
            Route("/healthz", health),
            Route("/api/v1/files/{file}", image),
            Mount(f"/assets/{VERSION}", StaticFiles(directory=STATIC)),
            Mount("/assets/any", StaticFiles(directory=STATIC)),
            Mount("/shared", StaticFiles(directory=assets.STATIC)),
            Mount("/gallery", StaticFiles(directory=HERE)),
        ]
    )


def served() -> Generator[str]:
    """Serve on a free port; yield the address."""
    config = uvicorn.Config(app(), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who comes before the server is there waits
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
