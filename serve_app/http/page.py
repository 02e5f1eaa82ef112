"""The page: static files, each under its own path, so that they shadow no route of the API."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from serve_app.http.revalidated import RevalidatedFiles

WEB = Path(str(files("serve_app") / "web"))


def mount_page(app: FastAPI) -> None:
    """Add ``/``, ``/models`` and everything the pages load to ``app``."""
    pages = RevalidatedFiles(directory=WEB)
    for entry in sorted(WEB.iterdir()):
        if entry.is_dir():
            app.mount(f"/{entry.name}", RevalidatedFiles(directory=entry), name=entry.name)
        else:
            _add_file(app, f"/{entry.name}", pages, entry.name)
    _add_file(app, "/", pages, "index.html")
    _add_file(app, "/models", pages, "models.html")
    _add_file(app, "/status", pages, "status.html")


def _add_file(app: FastAPI, path: str, pages: StaticFiles, name: str) -> None:
    @app.get(path, include_in_schema=False)
    async def serve(request: Request) -> Response:
        return await pages.get_response(name, request.scope)
