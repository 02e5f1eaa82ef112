"""The OpenAPI document: what FastAPI reads off the routes, and which of them need a key."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serve_app.access.guard import SCHEME, SCHEME_NAME, Guard


class DescribedApp(FastAPI):
    """A FastAPI application whose document says what its ``guard`` asks of each call."""

    def __init__(self, *, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["securitySchemes"] = {SCHEME_NAME: SCHEME}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["security"] = self._guard.keys_for(method.upper(), path)
        return document
