"""The page: static files, each under its own path, so that they shadow no route of the API."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

WEB = Path(str(files("serve_app") / "web"))


def mount_page(app: FastAPI) -> None:
    """Add ``/`` and everything the page loads to ``app``."""
    for entry in sorted(WEB.iterdir()):
        if entry.is_dir():
            app.mount(f"/{entry.name}", StaticFiles(directory=entry), name=entry.name)
        else:
            _add_file(app, f"/{entry.name}", entry)
    _add_file(app, "/", WEB / "index.html")


def _add_file(app: FastAPI, path: str, file: Path) -> None:
    @app.get(path, include_in_schema=False)
    async def serve() -> FileResponse:
        return FileResponse(file, headers={"Cache-Control": "no-cache"})
