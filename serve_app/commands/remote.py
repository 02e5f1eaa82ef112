"""Asking a running studio, for the commands that watch one."""

from __future__ import annotations

import json
from http.client import HTTPException, HTTPMessage, InvalidURL
from typing import IO, Annotated, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import typer
from pydantic import BaseModel, ValidationError

from serve_app.settings import Settings

TIMEOUT_S = 15.0

UrlOption = Annotated[str | None, typer.Option(help="Address of the studio.", show_default="this machine's")]

D = TypeVar("D", bound=BaseModel)


class NoAnswer(RuntimeError):
    """The studio did not answer as one does; the message says why in words."""


class RemoteStudio:
    """The studio at ``url``, or the one that ``settings`` are for; asked with the admin key where there is one."""

    def __init__(self, settings: Settings, url: str | None) -> None:
        self.url = (url or settings.url).rstrip("/")
        key = settings.admin_key
        self._headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}

    def ask(self, path: str, kind: type[D]) -> D:
        """The document of this ``kind`` at ``path``. Raises :class:`NoAnswer`."""
        try:
            return kind.model_validate_json(self._fetch(path))
        except ValidationError as error:
            raise NoAnswer(f"{self.url} answers, but not as a studio does.") from error

    def _fetch(self, path: str) -> bytes:
        try:
            if urlsplit(self.url).scheme not in {"http", "https"}:
                raise ValueError("it looks like http://127.0.0.1:8000")
            request = Request(self.url + path, headers=self._headers)  # noqa: S310 - the scheme was checked
            with build_opener(_StaysThere).open(request, timeout=TIMEOUT_S) as response:
                body: bytes = response.read()
            return body
        except HTTPError as error:
            raise NoAnswer(f"{self.url} answers {error.code}: {_detail(error)}") from error
        except OSError as error:
            raise NoAnswer(f"Nothing answers at {self.url} ({getattr(error, 'reason', error)}).") from error
        except (ValueError, InvalidURL) as error:
            raise NoAnswer(f"{self.url} is no address of a studio: {error}") from error
        except HTTPException as error:
            raise NoAnswer(f"{self.url} answers, but not as a studio does.") from error


class _StaysThere(HTTPRedirectHandler):
    """Follows redirects within the studio: urllib would take the admin key along to whomever it is sent on to, and in the clear."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        if there.hostname != here.hostname or (here.scheme, there.scheme) == ("https", "http"):
            fp.close()
            raise NoAnswer(f"{req.full_url} sends on to {newurl}; if the studio is there, give that address.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _detail(error: HTTPError) -> str:
    """What a problem document says; whatever stands before a studio may answer something else."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        return str(error.reason)
