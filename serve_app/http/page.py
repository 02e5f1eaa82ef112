"""The page: static files, each under its own path, so that they shadow no route of the API."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from serve_app.http.revalidated import REVALIDATE

WEB = Path(str(files("serve_app") / "web"))


class _Revalidated(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        # After an upgrade a browser must not mix old modules with new ones.
        response.headers.update(REVALIDATE)
        return response


def mount_page(app: FastAPI) -> None:
    """Add ``/``, ``/models`` and everything the pages load to ``app``."""
    pages = _Revalidated(directory=WEB)
    for entry in sorted(WEB.iterdir()):
        if entry.is_dir():
            app.mount(f"/{entry.name}", _Revalidated(directory=entry), name=entry.name)
        else:
            _add_file(app, f"/{entry.name}", pages, entry.name)
    _add_file(app, "/", pages, "index.html")
    _add_file(app, "/models", pages, "models.html")
    _add_file(app, "/status", pages, "status.html")


def _add_file(app: FastAPI, path: str, pages: StaticFiles, name: str) -> None:
    @app.get(path, include_in_schema=False)
    async def serve(request: Request) -> Response:
        return await pages.get_response(name, request.scope)
