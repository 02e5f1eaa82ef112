"""``/docs``: Swagger UI from files that are installed here, so it works without the internet and under a strict CSP."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from serve_app.http.revalidated import RevalidatedFiles

ASSETS = "/docs/assets"

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Masquerade · API</title>
<link rel="icon" href="/mask.svg">
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script src="/docs.js"></script>
</body>
</html>
"""

# Swagger UI writes style attributes; its scripts come from this origin like everything else.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def mount_docs(app: FastAPI) -> None:
    """Add ``/docs`` to ``app``."""
    app.mount(ASSETS, RevalidatedFiles(directory=Path(str(files("fastapi_offline") / "static"))), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
