"""Errors as RFC 9457 problem documents: the one place where the product's errors meet HTTP."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from deployments.errors import InvalidField, MasqueradeError, TooLarge, Unavailable
from serve_app.contracts import Ready
from serve_app.database import unreachable
from serve_app.http.problem_document import MEDIA_TYPE, problem
from serve_app.wording import wording

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# Of what a client sent, an answer repeats no more: a thousand fields may have names as long as they like.
MOST_ERRORS = 20
MOST_CHARACTERS = 40


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document; nothing else about it reaches the client."""
    app.add_exception_handler(MasqueradeError, _masquerade)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, unexpected)


def respond(
    request: Request,
    slug: str,
    title: str,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """A problem document for ``request``; ``instance`` is its request id."""
    body = problem(slug, title, status, detail, **more)
    if request_id := request.headers.get("x-request-id"):
        body["instance"] = f"urn:request:{request_id}"
    return JSONResponse(body, status, headers, MEDIA_TYPE)


async def _masquerade(request: Request, error: Exception) -> JSONResponse:
    known = cast(MasqueradeError, error)
    headers = {}
    if "retry_after" in known.details:
        headers["Retry-After"] = str(known.details["retry_after"])
    if known.status >= 500:
        log.warning("%s %s: %s", request.method, request.url.path, known.message)
    return respond(request, known.slug, known.title, known.status, known.message, headers, **known.details)


async def _validation(request: Request, error: Exception) -> JSONResponse:
    found = cast(RequestValidationError, error).errors()[:MOST_ERRORS]
    errors = [{"field": _field(entry), "message": _words(entry)} for entry in found]
    detail = "; ".join(f"{entry['field'] or 'request'}: {entry['message']}" for entry in errors[:5])
    return respond(request, InvalidField.slug, InvalidField.title, InvalidField.status, detail, errors=errors)


# FastAPI's, of a body that is no JSON; where it is not, stands in the place of the field.
_NOT_JSON = "json_invalid"


def _field(entry: dict[str, Any]) -> str:
    """The name of the field, with dots; empty for the request as a whole."""
    return "" if entry["type"] == _NOT_JSON else ".".join(quoted(str(part)) for part in entry["loc"] if part != "body")


def quoted(name: str) -> str:
    """A name that the client chose, as an answer repeats it."""
    return name[:MOST_CHARACTERS]


def _words(entry: dict[str, Any]) -> str:
    """What is wrong with a field, for the one who sent it: without the names of classes and kinds of error."""
    if entry["type"] == _NOT_JSON:
        return f"The body is not JSON (at character {entry['loc'][-1] + 1})"
    if entry["type"] == "model_attributes_type":
        return "Send an object: fields in braces"
    message = wording(entry)
    return "Send a file here, under a filename, not text" if message.startswith("Expected UploadFile") else message


async def _http(request: Request, error: Exception) -> JSONResponse:
    known = cast(HTTPException, error)
    # Whether a body or the picture in it is too large is one problem.
    title = TooLarge.title if known.status_code == TooLarge.status else HTTPStatus(known.status_code).phrase
    slug = TooLarge.slug if known.status_code == TooLarge.status else title.lower().replace(" ", "-")
    headers = dict(known.headers or {})
    if known.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return respond(request, slug, title, known.status_code, str(known.detail), headers)


def _allowed(request: Request) -> list[str]:
    """What may be done at a request's address, all of it (RFC 9110, section 10.2.1): Starlette names one route's methods."""
    # A mount tells what it holds of a root of its own.
    asked = {**request.scope, "root_path": request.scope.get("app_root_path", "")}
    routes = [route for route in request.app.routes if route.matches(asked)[0] is not Match.NONE]
    if any(isinstance(route, Mount) for route in routes):  # Files are all that is mounted.
        return ["GET", "HEAD"]
    fits = {
        method: any(route.matches({**asked, "method": method})[0] is Match.FULL for route in routes)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    }
    return [method for method, fit in ({"GET": fits["GET"], "HEAD": fits["GET"]} | fits).items() if fit]


async def _away(request: Request, error: Exception) -> JSONResponse:
    """The answer while there is no database to speak to."""
    log.warning("%s %s: the database cannot be reached: %s", request.method, request.url.path, type(error).__name__)
    away = Unavailable("This studio cannot reach its database right now.", retry_after=RETRY_AFTER_S)
    return await _masquerade(request, away)


def not_ready(request: Request, ready: Ready) -> JSONResponse:
    """The answer of a studio that cannot serve everything yet, with what it can. Probes ask often: the log is spared."""
    title, detail = "Not ready", "Not every capability can serve yet; 'capabilities' says which and why."
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return respond(request, "not-ready", title, Unavailable.status, detail, headers, **ready.model_dump())


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to a call that the database is away for, or that met a bug of ours.

    Of a bug the log has all, the client nothing.
    """
    if unreachable(error):
        return await _away(request, error)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return respond(
        request, MasqueradeError.slug, MasqueradeError.title, 500, "This is our fault, not yours. Please try again."
    )
