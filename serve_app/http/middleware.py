"""What surrounds every HTTP request: a cap on the body, plain and whole forms, answers to HEAD and to bugs, redirects, security headers.

The request id (``X-Request-Id``) is Serve's own, given to every request at its proxy.
"""

from __future__ import annotations

from http import HTTPStatus

from python_multipart.multipart import parse_options_header
from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.http import problems
from serve_app.http.asgi import HttpMiddleware

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class BodyLimit(HttpMiddleware):
    """Refuses a body over ``max_bytes`` with 413: at once when its length is declared, else while it arrives."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        super().__init__(app)
        self._max_bytes = max_bytes

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = Headers(scope=scope).get("content-length", "")
        oversized = declared.isdigit() and int(declared) > self._max_bytes
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if oversized:
                raise self._too_large()
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The upload is over {self._max_bytes // 2**20} MiB.",
            {"Connection": "close"},
        )


class WholeForms(HttpMiddleware):
    """Refuses a multipart form that ends before its closing boundary with 400, once all that came of it was read.

    Starlette's parser asks for no such end, and drops the field it was in the middle of: a strength of 0, perhaps. Words before
    the first boundary it refuses: they are left out.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind, options = parse_options_header(Headers(scope=scope).get("content-type"))
        # Without a boundary it is no form, as the parser will say.
        if kind != b"multipart/form-data" or b"boundary" not in options:
            await self._app(scope, receive, send)
            return
        opening = b"\r\n--" + options[b"boundary"]
        closing = opening + b"--"
        # A form begins with the one, or the other if it has no fields, and the line before is that of the headers.
        latest, opened, closed = b"\r\n", False, False

        async def watched() -> Message:
            nonlocal latest, opened, closed
            message = await receive()
            if message["type"] == "http.request" and not closed:
                latest += message.get("body", b"")
                # A preamble and an epilogue may be anything (RFC 2046, section 5.1.1).
                if not opened:
                    start = latest.find(opening)
                    opened = start >= 0
                    message = {**message, "body": latest[start + 2 :] if opened else b""}
                closed = closing in latest
                latest = latest[-len(closing) :]
                if not closed and not message.get("more_body", False):
                    raise HTTPException(HTTPStatus.BAD_REQUEST, "The form is cut off: its closing boundary is missing.")
            return message

        await self._app(scope, watched, send)


class PlainBodies(HttpMiddleware):
    """Refuses a body that came in a content coding (gzip, say) with 415: nothing here reads one (RFC 9110, section 15.5.16)."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        codings = {coding.strip().lower() for coding in Headers(scope=scope).get("content-encoding", "").split(",")}

        async def plain() -> Message:
            message = await receive()
            if codings - {"", "identity"} and message.get("body"):
                raise HTTPException(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "Send the body as it is, without a Content-Encoding.",
                    {"Accept-Encoding": "identity"},
                )
            return message

        await self._app(scope, plain, send)


class UnexpectedErrors(HttpMiddleware):
    """Makes a problem document of what no route accounts for, inside everything that counts answers or adds headers to them.

    Left to itself, Starlette does that outside all middleware. An answer that has begun can only be broken off.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            raise
        except Exception as error:
            if begun:
                raise
            response = await problems.unexpected(Request(scope), error)
            await response(scope, receive, send)


class HeadAsGet(HttpMiddleware):
    """Answers HEAD with what GET would say, less its body (RFC 9110, section 9.3.2): FastAPI's routes leave that out."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, headed)


class RelativeRedirects(HttpMiddleware):
    """Redirects to a path and no more: only what stands in front knows by which scheme and name people came.

    A photo sent to ``https://studio/v1/style/`` would otherwise be sent on to ``http://studio/v1/style``.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:

        async def relative(message: Message) -> None:
            if message["type"] == "http.response.start" and 300 <= message["status"] < 400:
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    there = URL(headers["location"])
                    headers["location"] = str(there.replace(scheme="", netloc=""))
            await send(message)

        await self._app(scope, receive, relative)


class SecurityHeaders(HttpMiddleware):
    """Headers that keep a browser, and whoever stands between, from doing more with an answer than showing it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # What is the same for everybody says so itself.
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "geolocation=(), microphone=()")
            await send(message)

        await self._app(scope, receive, hardened)
