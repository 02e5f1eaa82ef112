"""The OpenAPI document: what it says besides what FastAPI reads off the routes and the models of :mod:`serve_app.contracts`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Form

from deployments.errors import Busy, Unavailable
from serve_app.access.guard import SCHEME, SCHEME_NAME, Guard
from serve_app.contracts import Problem
from serve_app.http.problem_document import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]
"""Answers by status, as routes take them."""

MULTIPART = Form(media_type="multipart/form-data")
"""Annotates a route's parameter that is one of the forms."""

NAMED: dict[str, Any] = {
    "X-Model": {"description": "The model versions behind it, with commas between", "schema": {"type": "string"}}
}
_MADE: dict[str, Any] = NAMED | {
    "X-Commercial-Use": {
        "description": "Whether all of these allow commercial use",
        "schema": {"type": "string", "enum": ["true", "false"]},
    }
}
_NOTES: dict[str, Any] = {
    "X-Notes": {
        "description": 'Where something could not be done, what: "face 2 stays: why", with " | " between, 2 KiB at most',
        "schema": {"type": "string"},
    }
}
_REQUEST_ID: dict[str, Any] = {
    "X-Request-Id": {
        "description": "The request's own, or where it has none a new one: up to 64 letters, digits and ._:-",
        "schema": {"type": "string"},
    }
}
_RETRY: dict[str, Any] = {
    "headers": {
        "Retry-After": {"description": "When to ask again, in seconds", "schema": {"type": "integer", "minimum": 0}}
    }
}
_PICTURES: dict[str, Any] = {"image/jpeg": {}, "image/png": {}, "image/webp": {}}

PICTURE: Responses = {200: {"content": _PICTURES, "headers": _MADE | _NOTES, "description": "The picture"}}
ANSWER: Responses = {200: {"headers": _MADE}}
SHOWN: Responses = {
    200: {"content": _PICTURES, "headers": {"ETag": {"schema": {"type": "string"}}}, "description": "The picture"},
    304: {"description": "The picture that If-None-Match names"},
}
"""Pictures at fixed addresses, which stay what they are until a version is promoted."""

RESULT: Responses = {
    200: PICTURE[200] | {"content": _PICTURES | {"application/json": {}}, "description": "What the job made"}
}
ACCEPTED: Responses = {
    202: {"headers": {"Location": {"description": "The job's address", "schema": {"type": "string"}}}}
}

PROBLEMS: Responses = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
    | (_RETRY if status in {Busy.status, Unavailable.status} else {})
    for status in (400, 401, 403, 404, 413, 415, 422, 429, 451, 500, 503)
}
"""What every call may answer."""

CONFLICT: Responses = {409: PROBLEMS[400] | {"description": "Conflict"}}
NOT_FINISHED: Responses = {409: CONFLICT[409] | _RETRY}
GONE: Responses = {410: PROBLEMS[400] | {"description": "Gone"}}


def also_jpeg(description: str) -> Responses:
    """A JSON document, or where the client would rather have it a JPEG picture."""
    return {200: ANSWER[200] | {"content": {"image/jpeg": {}}, "description": description}}


class DescribedApp(FastAPI):
    """A FastAPI application whose document says what its ``guard`` asks of each call."""

    def __init__(self, *, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["securitySchemes"] = {SCHEME_NAME: SCHEME}
        document["components"]["schemas"][Problem.__name__] = Problem.model_json_schema()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["security"] = self._guard.keys_for(method.upper(), path)
                for answer in operation["responses"].values():
                    answer["headers"] = answer.get("headers", {}) | _REQUEST_ID
        return document
